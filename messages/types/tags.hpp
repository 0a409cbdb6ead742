#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>

#include <troupe/messages/types/bytes.hpp>

namespace troupe {

/// The tags of an entry: names under which it can be invalidated together with
/// others. A name is kept as 16 bits of its hash: an invalidation may therefore
/// hit entries of another tag, too, with a chance of 1 to 65,536 for each pair of
/// names; to a cache that is one more miss, and in return it takes one store
/// whatever is tagged, and no list of names that would grow for ever. A plain
/// value; means something within this process only.
class tags {
public:
  /// More of them are refused by `check(const write_options&)`.
  static constexpr std::size_t most = 14;

  constexpr tags() noexcept = default;

  tags(std::initializer_list<bytes_view> names) noexcept {
    for (auto x : names)
      add(x);
  }

  void add(bytes_view name) noexcept;

  /// Adds all of `other`.
  void add(const tags& other) noexcept;

  /// What stands for a name.
  [[nodiscard]] static std::uint16_t mark_of(bytes_view name) noexcept;

  /// How many names were added; only `most` of them are kept.
  [[nodiscard]] std::size_t size() const noexcept {
    return size_;
  }

  [[nodiscard]] bool empty() const noexcept {
    return size_ == 0;
  }

  [[nodiscard]] std::span<const std::uint16_t> marks() const noexcept {
    return {marks_.data(), size_ < most ? size_ : most};
  }

private:
  std::array<std::uint16_t, most> marks_{};
  std::uint32_t size_ = 0;
};

} // namespace troupe
