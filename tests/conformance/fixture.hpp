#pragma once

#include <chrono>
#include <cstddef>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <troupe/actors/loads/load_coordinator.hpp>
#include <troupe/actors/regions/region.hpp>
#include <troupe/messages/types/clock.hpp>
#include <troupe/messages/types/error.hpp>
#include <troupe/messages/types/integer_range.hpp>
#include <troupe/messages/types/options.hpp>

#include "backends/core/thread_executor.hpp"
#include "catch.hpp"
#include "conformance/provider_case.hpp"
#include "futures.hpp"
#include "progress.hpp"

namespace conformance {

/// The bounds of the moment at which a call took effect.
struct moments {
  troupe::time_point first;
  troupe::time_point last;
};

/// A region on a provider of the suite, without a runtime. It is called "test".
///
/// Time: a test that needs an entry to expire counts in units. With an exact tick the
/// clock stands still but for `advance`. Without it a unit is short and real, and any
/// time may pass between two lines of a test; so a test asks `ends` and `lives`, which
/// know when the entry was written, and not for one number.
class fixture {
public:
  explicit fixture(const provider_kind& with,
                   troupe::region_options options = {},
                   std::size_t loader_threads = 128,
                   std::optional<troupe::integer_range> counts
                   = troupe::integer_range{});

  ~fixture();

  fixture(const fixture&) = delete;
  fixture& operator=(const fixture&) = delete;

  /// The value under a key, or "<none>".
  [[nodiscard]] std::string get(std::string_view key) const;

  // -- time ----------------------------------------------------------------------

  /// `n` units of time.
  [[nodiscard]] troupe::ttl_duration units(double n) const;

  [[nodiscard]] bool exact_tick() const noexcept {
    return kind.exact_tick;
  }

  [[nodiscard]] troupe::time_point now() const noexcept {
    return uut->now();
  }

  /// Lets at least so much time pass.
  void advance(std::chrono::nanoseconds step);

  /// Calls `f` and tells when.
  template <class F>
  moments during(F f) const {
    const auto first = now();
    f();
    return {first, now()};
  }

  /// Whether what is left of the key's entry says that it ends `span` after it was
  /// written, or up to `late` later: or that is over.
  [[nodiscard]] bool ends(std::string_view key, moments written,
                          std::chrono::nanoseconds span,
                          std::chrono::nanoseconds late = {}) const;

  /// Whether a moment lies `span` after it was written, as well as the clock can tell.
  [[nodiscard]] bool falls(troupe::time_point x, moments written,
                           std::chrono::nanoseconds span = {}) const;

  /// Whether the key has this value, or its entry has ended as it should.
  [[nodiscard]] bool lives(std::string_view key, std::string_view value,
                           moments written,
                           std::chrono::nanoseconds span) const;

  // -- parts ---------------------------------------------------------------------

  const provider_kind kind;
  troupe::manual_clock time;      ///< Of the region, with an exact tick.
  troupe::manual_clock load_time; ///< Of the load coordinator.
  std::shared_ptr<thread_executor> executor
    = std::make_shared<thread_executor>();
  std::shared_ptr<troupe::load_coordinator> loads;
  std::shared_ptr<troupe::region> uut;
};

/// Opens a region as the fixture does, on the fixture's clock.
[[nodiscard]] troupe::expected<std::shared_ptr<troupe::region>>
open_beside(fixture& f, std::string name,
            const troupe::region_options& options = {});

[[nodiscard]] troupe::write_options
tagged(std::initializer_list<troupe::bytes_view> names);

template <class T>
[[nodiscard]] troupe::errc code_of(const troupe::expected<T>& x) {
  return x ? troupe::errc::none : x.error().code();
}

/// What is to be known of an entry.
struct sight {
  std::string value;
  troupe::version_number version = troupe::no_version;
  troupe::time_point deadline = troupe::never;
  troupe::time_point ttl_end = troupe::never;
  troupe::ttl_duration idle = troupe::no_expiry;

  friend bool operator==(const sight&, const sight&) = default;
};

/// What is there under the key, which is no use of it.
[[nodiscard]] std::optional<sight> look_at(const troupe::region& where,
                                           std::string_view key);

/// The version of the key's entry.
[[nodiscard]] troupe::version_number version_of(const troupe::region& where,
                                                std::string_view key);

} // namespace conformance
