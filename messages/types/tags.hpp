#pragma once

#include <cstddef>
#include <initializer_list>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include <troupe/messages/types/bytes.hpp>

namespace troupe {

/// The tags of an entry: names under which it can be invalidated together with others.
/// A set: a name that is added twice counts once. Owns its names, which may be any
/// bytes. Not thread-safe.
class tags {
public:
  /// Most names of one entry; `check(const write_options&)` refuses a write with more.
  static constexpr std::size_t most = 1024;

  /// Most bytes of one name; a longer name is refused in the same way.
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

  /// Whether every added name was kept: at most `most` names, none longer than
  /// `longest`. Names beyond these bounds were not kept.
  [[nodiscard]] bool valid() const noexcept {
    return names_ == nullptr || !names_->refused;
  }

private:
  struct list {
    std::vector<bytes> all;
    bool refused = false; ///< A name was one too many, or too long.
  };

  // A pointer, because most writes have no tags: they make and destroy an empty set
  // each.
  std::unique_ptr<list> names_;
};

} // namespace troupe
