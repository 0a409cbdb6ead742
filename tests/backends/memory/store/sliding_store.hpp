#pragma once

#include <chrono>
#include <string>

#include <troupe/backends/memory/entries/hash.hpp>
#include <troupe/backends/memory/limits/timing_wheel.hpp>
#include <troupe/backends/memory/store/store.hpp>

#include "catch.hpp"

inline constexpr std::chrono::seconds idle{64};
inline constexpr std::chrono::seconds spare{1}; ///< A 64th of it.
inline constexpr auto tick = troupe::memory::timing_wheel::tick_length;

/// A store on a clock that the test owns, whose entries idle; it ends with a look at its
/// structure.
template <class Clock = troupe::manual_clock>
struct sliding_store {
  explicit sliding_store(troupe::write_options terms = {})
    : uut(options(terms)) {
    // nop
  }

  ~sliding_store() {
    CHECK(uut.entries().validate() == "");
  }

  troupe::memory::store_options options(const troupe::write_options& terms) {
    troupe::memory::store_options x;
    x.time = &time;
    x.ttl = terms.ttl.value_or(troupe::no_expiry);
    x.idle = terms.idle.value_or(troupe::no_expiry);
    x.jitter = terms.jitter.value_or(0.0);
    return x;
  }

  static troupe::hashed_key key(const std::string& text) {
    return {text, troupe::hash_key(text)};
  }

  std::string get(const std::string& text) {
    std::string result = "<none>";
    uut.read(key(text), [&](const troupe::entry_view& x) { result = x.value; });
    return result;
  }

  // What is there, without using it.
  troupe::entry_view peek(const std::string& text) {
    troupe::entry_view result;
    result.deadline = {};
    uut.read(
      key(text), [&](const troupe::entry_view& x) { result = x; },
      troupe::lookup::peek);
    result.value = {};
    return result;
  }

  bool there(const std::string& text) {
    return peek(text).deadline != troupe::time_point{};
  }

  void set(const std::string& text, troupe::bytes_view value,
           const troupe::write_options& how = {}) {
    REQUIRE(uut.set(key(text), value, how) == true);
  }

  Clock time;
  troupe::memory::store uut;
};
