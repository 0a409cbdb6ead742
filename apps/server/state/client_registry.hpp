#pragma once

// All clients of all threads, for CLIENT LIST and CLIENT KILL.
//
//   client's thread   record(client): a few relaxed stores at the end of each turn
//   any thread        list(), end(): under the mutex, over what was stored
//
// A client is ended by a message to its own thread, never by another one.

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

namespace troupe::server {

/// What a client calls itself and its library; empty: nothing.
struct client_names {
  std::string client;  ///< As CLIENT SETNAME says.
  std::string library; ///< As CLIENT SETINFO says.
  std::string library_version;

  [[nodiscard]] std::size_t size() const noexcept {
    return client.size() + library.size() + library_version.size();
  }
};

/// What CLIENT UNBLOCK answers a command that waits.
enum class unblocking : std::uint8_t {
  timeout, ///< What it answers when its time is over.
  error,
};

/// What others may know about a client.
struct client_record {
  using clock = std::chrono::steady_clock;

  // Fixed.
  std::uint64_t id = 0;
  std::string address;       ///< Of the client, "127.0.0.1:4711".
  std::string local_address; ///< Where it reached the server.
  int descriptor = -1;
  bool local = false; ///< It came through the Unix socket.
  clock::time_point opened = clock::now();
  std::function<void()> cut; ///< Ends it; from any thread.

  // Stored by the client's thread.
  std::atomic<clock::time_point> last_active = clock::now();
  /// The name of its last command, which the table holds; null: none yet.
  std::atomic<const std::string_view*> last_command{nullptr};
  std::atomic<std::size_t> database{0};
  std::atomic<int> protocol{2};
  std::atomic<std::int64_t> queued{-1}; ///< Commands since MULTI; -1: none.
  std::atomic<std::size_t> channels{0};
  std::atomic<std::size_t> patterns{0};
  std::atomic<std::size_t> shard_channels{0};
  std::atomic<std::size_t> input{0};  ///< Bytes of incomplete commands.
  std::atomic<std::size_t> output{0}; ///< Bytes of replies not taken yet.
  std::atomic<bool> no_evict{false};
  std::atomic<bool> no_touch{false};

  // Under the registry's mutex.
  client_names names;
  /// Ends the wait of its command, from any thread; false when it ended by itself. Empty:
  /// it has none that waits.
  std::function<bool(unblocking)> unblock;

  /// What CLIENT LIST calls its type: "normal" or "pubsub".
  [[nodiscard]] const char* type() const noexcept;
};

/// Thread-safe.
class client_registry {
public:
  using filter = std::function<bool(const client_record&)>;

  void add(std::shared_ptr<client_record> x);
  void remove(std::uint64_t id) noexcept;

  /// How many there are.
  [[nodiscard]] std::size_t size() const noexcept;

  /// Gives a client of this registry other names.
  void rename(client_record& x, const client_names& names);

  /// A command of this client waits, and `end` ends that; empty: none does.
  void note_waiting(client_record& x, std::function<bool(unblocking)> end);

  /// Ends the wait of the client with this number; false when it has none. Throws
  /// std::bad_alloc.
  bool unblock(std::uint64_t id, unblocking how);

  /// Calls `f(const client_record&)` for each client with a command that waits. `f` must
  /// not call the registry.
  template <class F>
  void for_each_waiting(F&& f) const {
    std::lock_guard lock{mutex_};
    for (const auto& [id, x] : clients_)
      if (x->unblock)
        f(std::as_const(*x));
  }

  /// The lines of CLIENT LIST for all that `wanted` accepts, by number.
  [[nodiscard]] std::string list(const filter& wanted) const;

  /// Ends all that `wanted` accepts; those are not listed any more. Calls
  /// `spare` instead for the client with the number `self`. Returns how many
  /// they were.
  std::size_t end(const filter& wanted, std::uint64_t self,
                  const std::function<void()>& spare);

private:
  mutable std::mutex mutex_;
  std::map<std::uint64_t, std::shared_ptr<client_record>> clients_;
};

} // namespace troupe::server
