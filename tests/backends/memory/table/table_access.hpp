#pragma once

// A table by keys alone, for tests.

#include <string>

#include <troupe/backends/core/epoch.hpp>
#include <troupe/backends/memory/table/table.hpp>

inline troupe::hashed_key hashed(const std::string& key) {
  return {key, troupe::hash_key(key)};
}

inline bool put(troupe::memory::table& where, const std::string& key,
                const std::string& value,
                troupe::time_point deadline = troupe::never) {
  auto k = hashed(key);
  troupe::memory::entry_attributes with;
  with.deadline = deadline;
  return where.put(where.locate(k), k, value, with)
         == troupe::memory::put_result::done;
}

inline bool remove(troupe::memory::table& where, const std::string& key) {
  auto position = where.locate(hashed(key));
  if (position.item == nullptr)
    return false;
  where.remove(position);
  return true;
}

inline std::string get(const troupe::memory::table& where,
                       const std::string& key) {
  troupe::epoch_guard guard;
  auto* x = where.find(hashed(key));
  return x == nullptr ? "<none>" : std::string{x->value()};
}
