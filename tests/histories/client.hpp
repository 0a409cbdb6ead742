#pragma once

// One party that makes random calls and records them: a thread of the workload,
// or a function of its that runs elsewhere.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <future>
#include <memory>
#include <vector>

#include <troupe/messages/types/options.hpp>

#include "histories/operation.hpp"
#include "histories/recorder.hpp"
#include "histories/session.hpp"

namespace histories {

/// Random numbers (splitmix64): cheap, and the same on every machine.
class dice {
public:
  explicit dice(std::uint64_t seed) noexcept : state_(seed) {
    // nop
  }

  std::uint64_t next() noexcept;

  /// Below `bound`, which is above 0.
  std::size_t below(std::size_t bound) noexcept {
    return static_cast<std::size_t>(next() % bound);
  }

  bool percent(unsigned x) noexcept {
    return next() % 100 < x;
  }

private:
  std::uint64_t state_;
};

/// Used by one thread.
class client {
public:
  client(session& where, std::uint64_t seed);

  ~client();

  client(const client&) = delete;
  client& operator=(const client&) = delete;

  /// Makes a random call.
  void step();

  /// Waits for the calls that were made without waiting.
  void collect();

private:
  /// An operation's options, for the region and for the checker.
  struct choice {
    troupe::write_options how;
    tag_mask tags = 0;
    nanoseconds ttl = no_deadline;
  };

  /// A call whose future is not ready.
  class pending;
  template <class Result>
  class pending_call;

  // -- choosing ------------------------------------------------------------------

  std::size_t any_key();
  std::size_t any_counter();
  std::vector<std::size_t> some_keys(std::size_t count);
  troupe::ttl_duration any_ttl();
  void choose_ttl(choice& x);
  void choose_tags(choice& x, std::size_t key);
  choice choose(std::size_t key);
  bool without_waiting();
  void dawdle(std::size_t longest);

  // -- recording -----------------------------------------------------------------

  operation begin(const char* call);
  void end(operation& x, std::size_t key);
  void end_of_all(operation& x, key_set keys);
  static void stores(operation& x, const choice& how, value_id value);
  value_id read(std::size_t key, troupe::bytes_view value);
  bool good(const char* call, const troupe::error& why);

  template <class Result, class Done>
  void later(const operation& call, std::future<Result> result, Done done);

  // -- calls ---------------------------------------------------------------------

  void get(std::size_t key);
  void get_many();
  void contains(std::size_t key);
  void ttl(std::size_t key);
  void set(std::size_t key);
  void set_if(std::size_t key);
  void set_many();
  void erase(std::size_t key);
  void touch(std::size_t key);
  void increment(std::size_t key);
  void compare_and_set(std::size_t key);
  void update(std::size_t key);
  void transform(std::size_t key);
  void load(std::size_t key);
  void invalidate(unsigned tag);
  void noise();
  void clear();
  void clear_namespace();
  void fill();
  void change_within(std::size_t key);

  /// The version that the key was last seen with, and its value then.
  struct seen_version {
    value_id value = absent;
    troupe::version_number version = troupe::no_version;
  };

  session& where_;
  troupe::region& region_;
  dice dice_;
  std::vector<seen_version> seen_;
  std::vector<std::unique_ptr<pending>> pending_;
};

} // namespace histories
