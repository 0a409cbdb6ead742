#pragma once

#include <memory>
#include <string>
#include <variant>

#include <troupe/backends/memory/entries/hash.hpp>
#include <troupe/backends/memory/store/store.hpp>

#include "catch.hpp"

/// A store on a clock that the test owns, which ends with a look at its structure.
struct store_fixture {
  explicit store_fixture(troupe::ttl_duration ttl = troupe::no_expiry,
                         double jitter = 0.0)
    : uut(options(ttl, jitter)) {
    // nop
  }

  ~store_fixture() {
    CHECK(uut.entries().validate() == "");
  }

  troupe::memory::store_options options(troupe::ttl_duration ttl,
                                        double jitter) {
    troupe::memory::store_options x;
    x.time = &time;
    x.shared.forgotten = forgotten;
    x.ttl = ttl;
    x.jitter = jitter;
    x.seed = 4711;
    return x;
  }

  static troupe::hashed_key key(const char* text) {
    return {text, troupe::hash_key(text)};
  }

  std::string get(const char* text) {
    std::string result = "<none>";
    uut.read(key(text), [&](const troupe::entry_view& x) { result = x.value; });
    return result;
  }

  troupe::version_number version(const char* text) {
    auto result = troupe::no_version;
    uut.read(key(text),
             [&](const troupe::entry_view& x) { result = x.version; });
    return result;
  }

  bool set(const char* text, troupe::bytes_view value,
           troupe::write_options how = {}) {
    auto stored = uut.set(key(text), value, how);
    REQUIRE(stored);
    return *stored;
  }

  bool invalidate(const char* tag) {
    return forgotten->tags().invalidate(tag);
  }

  bool granted(const char* text, troupe::load_id id) {
    auto decision = uut.acquire_load(key(text), id);
    REQUIRE(decision);
    auto* granted = std::get_if<troupe::load_granted>(&*decision);
    if (granted != nullptr)
      born = granted->born;
    return granted != nullptr;
  }

  bool commit(const char* text, troupe::load_id id, troupe::bytes_view value) {
    auto outcome = uut.commit_load(key(text), id, born, value, {});
    REQUIRE(outcome);
    return outcome->stored;
  }

  troupe::manual_clock time;
  std::shared_ptr<troupe::memory::invalidations> forgotten
    = std::make_shared<troupe::memory::invalidations>();
  troupe::memory::store uut;
  std::uint64_t born = 0; ///< Of the load that was granted last.
};
