#pragma once

// The type of a region's values. It prevents that a region is read as another type, and
// that `increment` stores a number that the type cannot hold.

#include <cstddef>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <typeinfo>
#include <vector>

#include <troupe/messages/codec.hpp>
#include <troupe/messages/types/integer_range.hpp>

namespace troupe {

/// The type of a region's values. Default: the stored bytes themselves.
struct value_type {
  /// For display; two types may have the same name.
  std::string name = "bytes";

  /// The compiler's name of the type; equal in all files and shared objects that GCC or
  /// Clang compiled.
  std::string identity = "bytes";

  /// Distinguishes types that belong to one source file, such as types of unnamed
  /// namespaces: two files may each have a type of that name. An address that is unique
  /// to the file, or nullptr.
  const void* place = nullptr;

  /// The range of `increment`. Empty: the values are not integers, and `increment` is
  /// refused.
  std::optional<integer_range> counts = integer_range{};

  /// How values are stored; see `region_info::encoding`.
  [[nodiscard]] const char* encoding() const noexcept {
    if (*this == value_type{})
      return "bytes";
    return counts ? "integer" : "encoded";
  }

  /// Whether both are the same type.
  friend bool operator==(const value_type& x, const value_type& y) noexcept {
    return x.identity == y.identity && x.place == y.place;
  }
};

namespace detail {

/// The compiler's spelling of a type.
template <class V>
[[nodiscard]] std::string_view spelling_of_type() {
  // GCC: "... [with V = int; std::string_view = ...]", Clang: "... [V = int]".
  std::string_view all = __PRETTY_FUNCTION__;
  auto start = all.find("V = ") + 4;
  auto end = all.find("; std::string_view", start);
  if (end == std::string_view::npos)
    end = all.rfind(']');
  return all.substr(start, end - start);
}

/// A spelling without details that differ between compilers.
[[nodiscard]] std::string readable(std::string_view spelled);

/// Whether another source file may have a different type of the same (mangled) name:
/// the type, or an argument of its template, belongs to an unnamed namespace or to a
/// function.
[[nodiscard]] bool belongs_to_a_file(std::string_view mangled) noexcept;

/// Its address is unique to each type, and to each file for types that belong to a
/// file. Not const, because compilers may merge equal constants.
template <class V>
inline char place_of_type = 0;

template <class V>
inline constexpr bool is_bytes = false;
template <>
inline constexpr bool is_bytes<std::string> = true;
template <>
inline constexpr bool is_bytes<std::vector<char>> = true;
template <>
inline constexpr bool is_bytes<std::vector<unsigned char>> = true;
template <>
inline constexpr bool is_bytes<std::vector<std::byte>> = true;

} // namespace detail

/// An integer type that `increment` works on.
template <class V>
concept countable = decimal_integer<V> && sizeof(V) <= 8;

/// What `increment` may store for values of type V.
template <countable V>
inline constexpr integer_range range_of{
  static_cast<std::int64_t>(std::numeric_limits<V>::min()),
  static_cast<std::uint64_t>(std::numeric_limits<V>::max()), true};

/// The value type of a `cache<V>`. All V whose values are the stored bytes themselves
/// share one.
template <class V>
[[nodiscard]] value_type value_type_of() {
  value_type result;
  if constexpr (!detail::is_bytes<V>) {
    result.name = detail::readable(detail::spelling_of_type<V>());
    result.identity = typeid(V).name();
    if (detail::belongs_to_a_file(result.identity))
      result.place = &detail::place_of_type<V>;
    result.counts.reset();
    if constexpr (countable<V>)
      result.counts = range_of<V>;
  }
  return result;
}

} // namespace troupe
