#pragma once

// Leases of missing keys for clients (GETL, SETL, DROPL): of all clients that ask for a
// missing key, one loads it, and the others wait for its value.
//
//   GETL ─► ask ──► provider: acquire_load
//                     ├─ the key is present ─► all that wait get the value
//                     ├─ granted ────────────► the first that waits gets a token
//                     └─ a loader of the program holds the lease ─► look again at a tick
//   SETL ─► store ──► provider: commit_load, which refuses a void lease
//   DROPL, client gone, time over ──► provider: release_load
//                     │
//   the lease ends ◄──┘  also by any change of the key: the deleter of the lease's tags
//        │               (memory_provider::acquire_load) calls `ended`
//        └─► provider: acquire_load again, for those that still wait
//
// Invariants
//   1. A client's token is valid only while the provider's lease is: the provider
//      decides at the commit, in the turn of the key.
//   2. A key has at most one lease of a client, and at most one question to the provider
//      on its way.
//   3. While clients wait for a key, it has a lease or a question on its way, or the next
//      tick asks.
//   4. A lease that the provider granted stays in its line until the provider reports its
//      end. A tick repeats the request to end a lease whose time is over.
//   5. No call of the provider or of a client is made under the mutex.
//
// The model is the lease of "Scaling Memcache at Facebook" (Nishtala et al., NSDI 2013),
// with waiting in place of polling.

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <troupe/backends/provider.hpp>
#include <troupe/messages/types/bytes.hpp>
#include <troupe/messages/types/clock.hpp>
#include <troupe/messages/types/error.hpp>
#include <troupe/messages/types/hash.hpp>
#include <troupe/messages/types/options.hpp>

#include "apps/server/leases/lease_figures.hpp"

namespace troupe {

class region;

} // namespace troupe

namespace troupe::server {

/// The bounds of a desk.
struct lease_limits {
  /// Clients that wait for one key.
  std::size_t waiting_per_key = 16UL * 1024;

  /// Clients that wait for all keys together.
  std::size_t waiting = 64UL * 1024;

  /// Bytes of all keys with a lease or a waiting client, each with `bytes_per_key` for
  /// its records.
  std::size_t bytes = 64UL * 1024 * 1024;

  static constexpr std::size_t bytes_per_key = 512;
};

/// The key has this value.
struct lease_value {
  std::shared_ptr<const bytes> value;
};

/// The client is to load the key and to store it with this token.
struct lease_grant {
  std::string token;
  std::chrono::milliseconds lasts;
};

/// Another client or a loader of the program loads the key, and the client does not wait.
struct lease_busy {};

using lease_answer = std::variant<lease_value, lease_grant, lease_busy, error>;

/// A client that asks for a missing key.
struct lease_request {
  std::uint64_t client = 0;
  std::chrono::milliseconds lasts{
    0};               ///< How long its lease would last; positive.
  bool waits = false; ///< Otherwise it gets `lease_busy`.

  /// Answers the client, from any thread; false when it no longer waits. Must be brief
  /// and not call the desk. May throw std::bad_alloc; then the client is not answered.
  std::function<bool(const lease_answer&)> answer;

  /// Stops when the client no longer waits.
  std::stop_token gone;
};

/// Thread-safe. Always held by a shared_ptr: leases outlive it in the provider. The
/// provider of all regions must be the memory provider.
class lease_desk : public std::enable_shared_from_this<lease_desk> {
public:
  explicit lease_desk(const lease_limits& most = {});

  /// Ends all leases.
  ~lease_desk();

  lease_desk(const lease_desk&) = delete;
  lease_desk& operator=(const lease_desk&) = delete;

  /// Asks for the key of a client that found it absent. The client is answered once,
  /// perhaps before this returns: with the value, a lease, or `lease_busy`; with an
  /// error of the provider. The client is not answered when it no longer waits. Errors,
  /// after which the client gets no answer: `overloaded` (a bound is reached). Throws
  /// std::bad_alloc; the client may be answered all the same.
  expected<void> ask(region& where, const hashed_key& key,
                     lease_request request);

  /// Stores the value of a client's load and ends its lease. `done` gets false, and
  /// nothing is stored, when the token is not that of the key's lease, or the lease is
  /// void: its time is over, or the key or one of the tags in `how` was changed or
  /// invalidated since it was granted. It is called once, on any thread, perhaps before
  /// this returns. Errors, for `done`: `value_too_large`, `invalid_argument`, after
  /// which the lease goes on; those of a write, after which it has ended. May throw
  /// std::bad_alloc.
  void store(region& where, const hashed_key& key, bytes_view token,
             bytes_view value, write_options how, completion<bool> done);

  /// Ends a lease without a value. False when the token is not that of the key's lease.
  bool drop(region& where, const hashed_key& key, bytes_view token);

  /// Ends all leases of a client that is gone.
  void leave(std::uint64_t client) noexcept;

  /// All entries of a region were removed: ends its leases. The provider has voided them,
  /// but without this call it would report that only in the next turn of each shard.
  void cleared(const region& where) noexcept;

  /// Ends the leases whose time is over, and asks again for keys of whose load the desk
  /// does not hear. To be called every `defaults::lease_tick` while `idle` is false, by
  /// one thread at a time.
  void tick() noexcept;

  /// Whether there is neither a lease nor a client that waits. A snapshot.
  [[nodiscard]] bool idle() const noexcept {
    return used_.load(std::memory_order_relaxed) == 0;
  }

  /// What it has now and has counted.
  [[nodiscard]] lease_figures figures() const;

private:
  /// A key of a region. A lease in the provider refers to it, so it must not keep the
  /// region alive.
  struct place {
    std::weak_ptr<region> where;
    const region* id; ///< Not to be dereferenced.
    carried_key key;
  };

  using place_ptr = std::shared_ptr<const place>;

  struct waiter;
  using waiter_ptr = std::shared_ptr<waiter>;
  using waiters = std::map<std::uint64_t, waiter_ptr>; ///< By arrival.

  /// Stays until the provider reports its end.
  struct lease {
    load_id id = 0;
    std::uint64_t born = 0;
    std::uint64_t client = 0;
    time_point deadline = never;
    std::string token;   ///< Empty: it cannot be used any more.
    bool told = false;   ///< The client has the token.
    bool leaves = false; ///< The client is gone and was not told.
  };

  /// A key with a lease or waiting clients.
  struct line {
    place_ptr at;
    std::optional<lease> held;
    bool asking = false; ///< A question to the provider is on its way.
    bool again = false;  ///< The next tick asks.
    waiters waiting;
  };

  class end_report;
  class departure;

  // Under the mutex.
  line* find(const region& where, bytes_view key) noexcept;
  line* find(const place& at) noexcept;
  expected<line*> enter(region& where, const hashed_key& key);
  lease* valid_lease(const region& where, const hashed_key& key,
                     bytes_view token) noexcept;
  void record(line& x, lease granted);
  void retire(lease& x) noexcept;
  void forget(line& x) noexcept;
  void tidy(line& x) noexcept;
  void flag(line& x, bool again) noexcept;

  // Without the mutex.
  void go_on(const place_ptr& at) noexcept;
  void inquire(const place_ptr& at);
  bool decided(const place_ptr& at, load_id id,
               expected<load_decision> decision);
  bool hand_out(const place_ptr& at, load_id id, std::uint64_t born);
  waiter_ptr grant_first(const place_ptr& at, lease granted);
  bool settle(const place_ptr& at, load_id id, bool told) noexcept;
  void answer_all(const place_ptr& at, const lease_answer& answer) noexcept;
  void answer_impatient(const place_ptr& at, bool again) noexcept;
  void ask_again_later(const place_ptr& at) noexcept;
  void remove(const place_ptr& at, std::uint64_t number) noexcept;
  void ended(const place_ptr& at, load_id id) noexcept;
  void count(bool stored) noexcept;
  static void release(const place& at, load_id id) noexcept;

  /// A lease that is to be ended.
  using due_lease = std::pair<place_ptr, load_id>;
  static void release(const std::vector<due_lease>& all) noexcept;

  const lease_limits most_;
  mutable std::mutex mutex_;
  /// The key's bytes are those of the line's place.
  std::map<std::pair<const region*, bytes_view>, line> lines_;
  std::size_t bytes_ = 0;         ///< See `lease_limits::bytes`.
  lease_figures figures_;         ///< Without `held`.
  std::size_t again_ = 0;         ///< Lines with `again`.
  std::uint64_t last_waiter_ = 0; ///< The number of the latest.
  /// Leases that can be used.
  std::map<std::pair<std::uint64_t, load_id>, place_ptr> by_client_;
  std::map<std::pair<time_point, load_id>, place_ptr> by_deadline_; ///< All.
  std::atomic<std::size_t> used_{0}; ///< Size of `lines_`.
};

} // namespace troupe::server
