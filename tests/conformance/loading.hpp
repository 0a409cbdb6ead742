#pragma once

// Loads that a test holds up.

#include <cstddef>
#include <functional>
#include <future>
#include <optional>
#include <string>
#include <utility>

#include "conformance/fixture.hpp"
#include "test_gate.hpp"

namespace conformance {

using loaded = troupe::expected<std::optional<troupe::bytes>>;

/// `get_or_set` on a thread of its own.
inline std::future<loaded>
ask(fixture& f, std::string key, troupe::bytes_loader loader,
    troupe::write_options how = {}, troupe::load_terms terms = {}) {
  return std::async(
    std::launch::async,
    [&f, key = std::move(key), loader = std::move(loader), how = std::move(how),
     terms] { return f.uut->get_or_set(key, loader, how, terms); });
}

/// The same with the loader on a thread of the pool.
inline std::future<loaded> ask_pool(fixture& f, std::string key,
                                    troupe::bytes_loader loader) {
  return ask(f, std::move(key), std::move(loader), {},
             {.on = troupe::load_on::pool});
}

/// Waits until the only load has `n` waiters.
inline void await_waiters(fixture& f, std::size_t n) {
  eventually([&] {
    auto [loads, total] = f.loads->list(10);
    return total == 1 && loads[0].waiters == n;
  });
}

/// Waits until no load is in flight.
inline void await_no_load(fixture& f) {
  eventually([&] { return f.loads->in_flight() == 0; });
}

/// A loader that brings `value`.
inline auto bring(std::string value) {
  return [value = std::move(value)](troupe::load_context&)
           -> troupe::expected<std::optional<troupe::bytes>> { return value; };
}

/// A load of "k" that brings "old" and waits until it is let go.
class slow_load {
public:
  explicit slow_load(fixture& f) : f_(f) {
    // nop
  }

  using step = std::function<void(troupe::load_context&)>;

  /// Begins it and waits until the loader does; that calls `before` and `after` before
  /// and after it waits.
  void begin(step before = nothing, step after = nothing,
             troupe::write_options how = {}) {
    value_ = get_or_set_async(
      *f_.uut, "k",
      [this, before, after](troupe::load_context& context) -> loaded {
        before(context);
        door_.pass();
        after(context);
        return troupe::bytes{"old"};
      },
      std::move(how));
    door_.await_arrival();
  }

  void let_go() {
    door_.open();
  }

  /// What its first caller got. Lets it go.
  loaded value() {
    let_go();
    return value_.get();
  }

  static void nothing(troupe::load_context&) {
    // nop
  }

private:
  fixture& f_;
  test_gate door_;
  std::future<loaded> value_;
};

/// A step of a loader that says the tag "red".
inline void say_red(troupe::load_context& context) {
  context.tag("red");
}

} // namespace conformance
