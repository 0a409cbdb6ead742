#pragma once

// Stores of large values, by keys alone, for tests.

#include <array>
#include <cstddef>
#include <memory>
#include <string>

#include <troupe/backends/memory/entries/footprint.hpp>
#include <troupe/backends/memory/entries/hash.hpp>
#include <troupe/backends/memory/entries/held_value.hpp>
#include <troupe/backends/memory/limits/budget.hpp>
#include <troupe/backends/memory/store/store.hpp>

#include "catch.hpp"

inline constexpr std::size_t large = 100'000;

inline troupe::hashed_key hashed(const std::string& key) {
  return {key, troupe::hash_key(key)};
}

inline std::string pattern(std::size_t size, unsigned seed) {
  std::string result(size, '\0');
  for (std::size_t i = 0; i < size; ++i)
    result[i] = static_cast<char>(i * 31 + seed);
  return result;
}

inline std::string value_of(const troupe::memory::store& where,
                            const std::string& key) {
  std::string result = "(none)";
  where.read(hashed(key),
             [&](const troupe::entry_view& x) { result = x.value; });
  return result;
}

inline const char* place_of(const troupe::memory::store& where,
                            const std::string& key) {
  const char* result = nullptr;
  where.read(hashed(key),
             [&](const troupe::entry_view& x) { result = x.value.data(); });
  return result;
}

inline std::size_t charge_of(const troupe::memory::store& where,
                             const std::string& key) {
  std::size_t result = 0;
  where.read(hashed(key), [&](const troupe::entry_view& x) {
    result = troupe::memory::footprint(*x.from);
  });
  return result;
}

inline troupe::memory::held_value hold(const troupe::memory::store& where,
                                       const std::string& key) {
  troupe::memory::held_value result;
  where.read(hashed(key), [&result](const troupe::entry_view& x) {
    result = troupe::memory::held_value{x};
  });
  return result;
}

inline void put(troupe::memory::store& where, const std::string& key,
                troupe::bytes_view value,
                const troupe::write_options& how = {}) {
  REQUIRE(where.set(hashed(key), value, how));
}

inline troupe::expected<void> apply(troupe::memory::store& where,
                                    const std::string& key,
                                    const troupe::edit& next) {
  return where.transform(
    hashed(key),
    [&](const troupe::entry_view*) -> troupe::expected<troupe::edit> {
      return next;
    });
}

inline troupe::transfer_result
transfer(troupe::memory::store& from, const std::string& source,
         troupe::memory::store& to, const std::string& key,
         const troupe::transfer_terms& terms = {}) {
  const auto result = from.transfer(hashed(source), to, hashed(key), terms);
  REQUIRE(result);
  return *result;
}

inline constexpr troupe::transfer_terms copying{.keep_source = true};

inline void check(const troupe::memory::store& x) {
  CHECK(x.entries().validate() == "");
}

// Two stores that share limits, as two shards of a region.
struct two_stores {
  explicit two_stores(std::size_t bytes, troupe::eviction_policy eviction,
                      std::size_t entries = troupe::memory::budget::unlimited)
    : limit(std::make_shared<troupe::memory::budget>(bytes)),
      count(std::make_shared<troupe::memory::budget>(entries)) {
    troupe::memory::store_options with;
    with.time = &time;
    with.shared.bytes = limit;
    with.shared.entries = count;
    with.shared.eviction = eviction;
    with.shared.shares = 2;
    for (auto& x : all)
      x = std::make_unique<troupe::memory::store>(with);
  }

  ~two_stores() {
    for (auto& x : all)
      check(*x);
  }

  [[nodiscard]] std::size_t evictions() const {
    return all[0]->entries().evictions() + all[1]->entries().evictions();
  }

  [[nodiscard]] std::size_t charged() const {
    return all[0]->entries().charged() + all[1]->entries().charged();
  }

  troupe::manual_clock time;
  std::shared_ptr<troupe::memory::budget> limit;
  std::shared_ptr<troupe::memory::budget> count;
  std::array<std::unique_ptr<troupe::memory::store>, 2> all;
};
