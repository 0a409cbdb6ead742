#pragma once

// Operations of a shard that wait for the update lease of their key; see
// `operated_store::run`.

#include <optional>

#include <troupe/backends/changes.hpp>
#include <troupe/backends/memory/store/store.hpp>
#include <troupe/messages/types/error.hpp>
#include <troupe/messages/types/hash.hpp>

namespace troupe::memory {

/// Applies a change; borrowed.
template <class Change>
struct change_operation {
  const Change& what;

  expected<typename Change::result> operator()(store& where) const {
    return where.apply(what);
  }

  [[nodiscard]] std::optional<hashed_key> leased_key() const noexcept {
    return key_that_is_read(what);
  }
};

/// Transforms the entry of a key; `f` is borrowed.
template <class F>
struct transform_operation {
  hashed_key key;
  F& f;

  expected<void> operator()(store& where) const {
    return where.transform(key, f);
  }

  [[nodiscard]] std::optional<hashed_key> leased_key() const noexcept {
    return key;
  }
};

} // namespace troupe::memory
