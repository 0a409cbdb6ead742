#pragma once

#include <cstddef>
#include <cstdint>
#include <unordered_map>

#include <troupe/messages/types/bytes.hpp>
#include <troupe/messages/types/hash.hpp>

namespace troupe::memory {

/// Lets maps be searched with a view. The hash is the index's.
struct key_hash {
  using is_transparent = void;
  std::size_t operator()(bytes_view key) const noexcept {
    return static_cast<std::size_t>(hash_key(key));
  }
};

struct key_equal {
  using is_transparent = void;
  bool operator()(bytes_view x, bytes_view y) const noexcept {
    return x == y;
  }
};

template <class T>
using key_map = std::unordered_map<bytes, T, key_hash, key_equal>;

} // namespace troupe::memory
