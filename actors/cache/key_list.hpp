#pragma once

#include <concepts>
#include <ranges>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

#include <troupe/messages/types/bytes.hpp>

namespace troupe {

/// A range whose elements convert to `bytes_view`.
template <class Keys>
concept key_range = std::ranges::input_range<Keys> && std::convertible_to<
  std::ranges::range_reference_t<Keys>, bytes_view>;

/// Views of the keys of a range. When the range makes its keys during iteration (a view
/// with a function), the list owns copies of them; otherwise the range must outlive it.
class key_list {
public:
  template <key_range Keys>
  explicit key_list(Keys&& keys) {
    using key = std::ranges::range_reference_t<Keys>;
    if constexpr (std::ranges::sized_range<Keys>)
      views_.reserve(std::ranges::size(keys));
    if constexpr (stays<Keys>) {
      for (auto&& x : keys)
        views_.push_back(x);
    } else {
      for (key x : keys)
        copies_.emplace_back(bytes_view{std::forward<key>(x)});
      views_.assign(copies_.begin(), copies_.end());
    }
  }

  key_list(const key_list&) = delete;
  key_list& operator=(const key_list&) = delete;

  [[nodiscard]] std::span<const bytes_view> views() const noexcept {
    return views_;
  }

private:
  /// The bytes that a prvalue of type T refers to outlive the prvalue.
  template <class T>
  static constexpr bool borrows
    = std::is_same_v<T, bytes_view> || std::is_pointer_v<T>;

  /// Whether a key stays where it is when the iterator moves on. The keys of a
  /// container do; a view may make its keys one by one in the same place.
  template <class Keys>
  static constexpr bool stays = [] {
    using range = std::remove_cvref_t<Keys>;
    using key = std::ranges::range_reference_t<Keys>;
    if (
      !std::ranges::forward_range<
        Keys> || (std::ranges::view<range> && !std::ranges::contiguous_range<Keys>))
      return false;
    return std::is_lvalue_reference_v<key> || borrows<std::remove_cvref_t<key>>;
  }();

  std::vector<std::string> copies_;
  std::vector<bytes_view> views_;
};

} // namespace troupe
