#pragma once

// How a value is encoded as bytes and decoded. The format of each type:
//
//   std::string, vectors of char, unsigned char, std::byte   the bytes themselves
//   integers, but not bool or character types               decimal text, so that
//                                                            increment works on it
//   types with CAF's `inspect`, containers of such,
//   std::optional, std::variant                              inspect_codec.hpp
//   other trivially copyable types                           their memory
//
// For another type or another format, specialise `codec`. The format of a type does not
// depend on which headers are included; this header needs no CAF.

#include <array>
#include <bit>
#include <charconv>
#include <concepts>
#include <cstddef>
#include <cstring>
#include <exception>
#include <functional>
#include <limits>
#include <new>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include <troupe/messages/types/bytes.hpp>
#include <troupe/messages/types/error.hpp>

namespace troupe {

namespace detail {

/// Replaces CAF's inspector to find out whether a type has an `inspect`.
struct inspect_probe {
  using result_type = int;
  static constexpr bool reads_state = true;
  static constexpr bool writes_state = false;

  template <class... Ts>
  int operator()(Ts&&...) {
    return 0;
  }
};

template <class V>
struct borrows_memory
  : std::bool_constant<
      std::is_pointer_v<
        V> || std::is_reference_v<V> || std::is_member_pointer_v<V> || std::is_null_pointer_v<V>> {
};

template <class T>
struct borrows_memory<std::reference_wrapper<T>> : std::true_type {};

template <class C, class T>
struct borrows_memory<std::basic_string_view<C, T>> : std::true_type {};

template <class T, std::size_t N>
struct borrows_memory<std::span<T, N>> : std::true_type {};

template <class T, std::size_t N>
struct borrows_memory<std::array<T, N>> : borrows_memory<T> {};

/// Types whose memory may hold more than the value, such as the rest of an earlier
/// value.
template <class V>
struct has_alternatives : std::false_type {};

template <class T>
struct has_alternatives<std::optional<T>> : std::true_type {};

template <class... Ts>
struct has_alternatives<std::variant<Ts...>> : std::true_type {};

template <class T, std::size_t N>
struct has_alternatives<std::array<T, N>> : has_alternatives<T> {};

} // namespace detail

/// A type whose members CAF can visit.
template <class V>
concept inspectable = requires(detail::inspect_probe& f, V& x) {
  inspect(f, x);
};

/// An integer type that `increment` accepts: not a character type and not bool.
template <class V>
concept decimal_integer
  = std::integral<V> && !std::same_as<
      V,
      bool> && !std::same_as<V, char> && !std::same_as<V, wchar_t> && !std::same_as<V, char8_t> && !std::same_as<V, char16_t> && !std::same_as<V, char32_t>;

/// The codec of inspectable types, in <troupe/messages/caf/inspect_codec.hpp>, which
/// <troupe/troupe.hpp> includes. If the compiler reports it as incomplete, include that
/// header.
template <class V>
struct inspect_codec;

/// `encode` replaces `out` with the bytes of a value; after an error the content of
/// `out` is unspecified. `decode` accepts only bytes that `encode` makes. Errors:
/// `encode_failed`, `decode_failed`. Any number of threads may call both at the same
/// time. `decode` must not keep the view.
template <class V>
struct codec : inspect_codec<V> {};

// -- bytes -------------------------------------------------------------------------

template <>
struct codec<std::string> {
  static expected<void> encode(const std::string& x, bytes& out) {
    out = x;
    return {};
  }

  static expected<std::string> decode(bytes_view in) {
    return std::string{in};
  }
};

template <class T>
  requires std::same_as<T, char> || std::same_as<
    T, unsigned char> || std::same_as<T, std::byte>
struct codec<std::vector<T>> {
  static expected<void> encode(const std::vector<T>& x, bytes& out) {
    out.assign(reinterpret_cast<const char*>(x.data()), x.size());
    return {};
  }

  static expected<std::vector<T>> decode(bytes_view in) {
    auto* first = reinterpret_cast<const T*>(in.data());
    return std::vector<T>(first, first + in.size());
  }
};

// -- integers ----------------------------------------------------------------------

template <decimal_integer V>
struct codec<V> {
  static expected<void> encode(V x, bytes& out) {
    std::array<char, std::numeric_limits<V>::digits10 + 2> text;
    auto end = std::to_chars(text.data(), text.data() + text.size(), x).ptr;
    out.assign(text.data(), end);
    return {};
  }

  static expected<V> decode(bytes_view in) {
    V result{};
    auto* end = in.data() + in.size();
    auto [stop, failure] = std::from_chars(in.data(), end, result);
    if (failure == std::errc::result_out_of_range)
      return fail(errc::decode_failed,
                  "the number does not fit in the integer type");
    // A number has one spelling: no leading zeros, no negative zero.
    auto digits = in.substr(!in.empty() && in[0] == '-' ? 1 : 0);
    if (failure != std::errc{} || stop != end
        || (digits[0] == '0' && in.size() > 1))
      return fail(errc::decode_failed,
                  std::to_string(in.size()) + " bytes are no decimal integer");
    return result;
  }
};

// -- plain memory ------------------------------------------------------------------

/// Padding is zeroed where the compiler can do it, so that equal values have equal
/// bytes and no old memory is stored. `decode` accepts any content of the right size;
/// only a plain bool is checked. The bytes have this machine's format: they suit
/// memory, not a store that machines share. A type that holds pointers cannot be
/// detected and must not be used.
template <class V>
  requires std::is_trivially_copyable_v<V> &&(!inspectable<V>)&&(
    !decimal_integer<
      V>)&&(!detail::has_alternatives<V>::value) struct codec<V> {
    static_assert(
      !detail::borrows_memory<V>::value,
      "a pointer, reference or view would outlive what it points to");

    static expected<void> encode(const V& x, bytes& out) {
      auto copy = x;
#if defined(__has_builtin)
#  if __has_builtin(__builtin_clear_padding)
      __builtin_clear_padding(&copy);
#  endif
#endif
      out.assign(reinterpret_cast<const char*>(&copy), sizeof(V));
      return {};
    }

    static expected<V> decode(bytes_view in) {
      if (in.size() != sizeof(V))
        return fail(errc::decode_failed, std::to_string(in.size())
                                           + " bytes instead of "
                                           + std::to_string(sizeof(V)));
      if constexpr (std::is_same_v<V, bool>)
        if (in[0] != 0 && in[0] != 1)
          return fail(errc::decode_failed, "the byte is no truth value");
      std::array<std::byte, sizeof(V)> memory;
      std::memcpy(memory.data(), in.data(), sizeof(V));
      return std::bit_cast<V>(memory);
    }
  };

  // -- for callers -------------------------------------------------------------------

  /// Calls the codec and turns its exceptions into errors: `encode_failed`,
  /// `out_of_memory`.
  template <class V>
  [[nodiscard]] expected<bytes> encode(const V& x) {
    try {
      bytes out;
      if (auto ok = codec<V>::encode(x, out); !ok)
        return tl::unexpected{std::move(ok.error())};
      return out;
    } catch (const std::bad_alloc&) {
      return fail(errc::out_of_memory);
    } catch (const std::exception& failure) {
      return fail(errc::encode_failed, failure.what());
    } catch (...) {
      return fail(errc::encode_failed, "the codec threw");
    }
  }

  /// The same for decoding: `decode_failed`, `out_of_memory`.
  template <class V>
  [[nodiscard]] expected<V> decode(bytes_view in) {
    try {
      return codec<V>::decode(in);
    } catch (const std::bad_alloc&) {
      return fail(errc::out_of_memory);
    } catch (const std::exception& failure) {
      return fail(errc::decode_failed, failure.what());
    } catch (...) {
      return fail(errc::decode_failed, "the codec threw");
    }
  }

} // namespace troupe
