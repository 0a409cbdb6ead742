#pragma once

#include <memory>
#include <string>

#include <troupe/backends/memory/entries/hash.hpp>
#include <troupe/backends/memory/store/store.hpp>

inline troupe::hashed_key key_of(const char* text) {
  return {text, troupe::hash_key(text)};
}

/// A store on a clock that the test owns, and what it shares with those of its region.
template <class Clock = troupe::manual_clock>
struct small_store {
  small_store() : uut(options()) {
    // nop
  }

  troupe::memory::store_options options() {
    troupe::memory::store_options x;
    x.time = &time;
    x.shared.forgotten = forgotten;
    return x;
  }

  std::string get(const troupe::hashed_key& key) {
    std::string result = "<none>";
    uut.read(key, [&](const troupe::entry_view& x) { result = x.value; });
    return result;
  }

  Clock time;
  std::shared_ptr<troupe::memory::invalidations> forgotten
    = std::make_shared<troupe::memory::invalidations>();
  troupe::memory::store uut;
};
