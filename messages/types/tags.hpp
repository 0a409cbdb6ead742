#pragma once

#include <cstddef>
#include <initializer_list>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include <troupe/messages/types/bytes.hpp>

namespace troupe {

/// The tags of an entry: names under which it can be invalidated together with
/// others. A set: a name that is added twice counts once. Owns its names, which may
/// be any bytes. Not thread-safe.
class tags {
public:
  /// Names of one entry; with more, `check(const write_options&)` refuses the write.
  static constexpr std::size_t most = 1024;

  /// Bytes of one name; a longer one is refused in the same way.
  static constexpr std::size_t longest = 64 * 1024;

  tags() noexcept = default;
  tags(tags&&) noexcept = default;
  tags& operator=(tags&&) noexcept = default;

  /// Throw std::bad_alloc.
  tags(const tags& other)
    : names_(other.names_ == nullptr ? nullptr
                                     : std::make_unique<list>(*other.names_)) {
    // nop
  }

  tags& operator=(const tags& other) {
    names_ = tags{other}.names_;
    return *this;
  }

  /// Throws std::bad_alloc.
  tags(std::initializer_list<bytes_view> names) {
    for (auto x : names)
      add(x);
  }

  /// Linear in the number of names. Throws std::bad_alloc.
  void add(bytes_view name);

  /// Adds all of `other`.
  void add(const tags& other);

  [[nodiscard]] bool contains(bytes_view name) const noexcept;

  /// Each name once, in the order in which they were added.
  [[nodiscard]] std::span<const bytes> names() const noexcept {
    return names_ == nullptr ? std::span<const bytes>{} : names_->all;
  }

  [[nodiscard]] std::size_t size() const noexcept {
    return names().size();
  }

  [[nodiscard]] bool empty() const noexcept {
    return names_ == nullptr;
  }

  /// Whether there are no more than `most`, none of them longer than `longest`.
  /// Others were not kept.
  [[nodiscard]] bool valid() const noexcept {
    return names_ == nullptr || !names_->refused;
  }

private:
  struct list {
    std::vector<bytes> all;
    bool refused = false; ///< A name was one too many, or too long.
  };

  // Apart, since most writes have none: they make and end one of these each.
  std::unique_ptr<list> names_;
};

} // namespace troupe
