#pragma once

#include <cstddef>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

namespace troupe::bench {

/// 64 times a mutex and a std::unordered_map: where the peers keep their values.
template <class Value>
class striped_map {
public:
  /// Calls `f(map)` with the map of the key, which is locked meanwhile.
  template <class F>
  decltype(auto) with(std::string_view key, F&& f) {
    auto& x = stripes_[text_hash{}(key) >> (64 - 6)];
    std::lock_guard guard{x.mutex};
    return f(x.values);
  }

private:
  struct text_hash {
    using is_transparent = void;

    std::size_t operator()(std::string_view x) const noexcept {
      return std::hash<std::string_view>{}(x);
    }
  };

  using map
    = std::unordered_map<std::string, Value, text_hash, std::equal_to<>>;

  struct alignas(64) stripe {
    std::mutex mutex;
    map values;
  };

  stripe stripes_[64];
};

} // namespace troupe::bench
