#pragma once

#include <cstdint>
#include <functional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include <tl/expected.hpp>

namespace troupe {

/// All errors of all layers. A miss is not an error: it is a value (an empty optional).
enum class errc : std::uint8_t {
  none = 0,

  // -- the caller's input ------------------------------------------------------
  key_too_large,   ///< The key exceeds the region's `max_key_size`.
  value_too_large, ///< The encoded value exceeds the region's `max_value_size`.
  invalid_argument, ///< An option or argument is invalid; nothing was done.
  not_an_integer,   ///< `increment` met a value that is not a decimal integer.
  integer_overflow, ///< `increment` would leave the range of the value's type.
  encode_failed,    ///< The codec could not encode the value.
  decode_failed,    ///< The stored bytes are not a value of the asked type.
  type_mismatch,    ///< The region is open with another value type.
  unknown_region,   ///< No region has this name.
  unknown_actor,    ///< No actor has this name.
  unknown_load,     ///< No load in flight has this number.

  // -- the caller's functions --------------------------------------------------
  load_failed,    ///< The loader threw or returned an error.
  load_timeout,   ///< The loader did not finish within `load_timeout`.
  load_cancelled, ///< The load was cancelled.
  update_failed,  ///< The update function threw; nothing was changed.

  // -- the runtime's state -----------------------------------------------------
  timeout,       ///< The operation did not get its turn within `op_timeout`.
  shard_down,    ///< The shard crashed too often and stays down.
  overloaded,    ///< A bounded queue is full; try again later.
  limit_reached, ///< The region is full and evicts nothing.
  out_of_memory, ///< The allocator refused; nothing was changed.
  shutting_down, ///< The runtime drains or is gone.
  system_error,  ///< The operating system refused (socket, thread, file).
  unsupported,   ///< The region's provider does not have this ability.

  // -- the caller's functions, newer codes ---------------------------------------
  load_cycle, ///< A loader or update function waits for itself, perhaps through others.
  circuit_open, ///< The circuit breaker of the loads is open; no loader was called.

  // Not an error: one past the last code that this version knows. New codes go before
  // it. A message of a newer version may hold codes from here on.
  end,
};

/// Whether this version knows the code.
[[nodiscard]] constexpr bool known(errc code) noexcept {
  return code < errc::end;
}

/// The name of an error code as it is spelled in the source, e.g.
/// "key_too_large"; "unknown" for a code that this version does not know.
std::string_view to_string(errc code) noexcept;

/// An error code and details of this occurrence for the user (which limit, how large,
/// what to do next). The text holds no values and no secrets.
class error {
public:
  error() noexcept = default;

  error(errc code, std::string text = {})
    : code_(code), text_(std::move(text)) {
    // nop
  }

  [[nodiscard]] errc code() const noexcept {
    return code_;
  }

  /// The details in words; may be empty.
  [[nodiscard]] const std::string& text() const noexcept {
    return text_;
  }

  /// Compares codes only; the text is for people.
  friend bool operator==(const error& x, const error& y) noexcept {
    return x.code_ == y.code_;
  }

  friend bool operator==(const error& x, errc y) noexcept {
    return x.code_ == y;
  }

private:
  errc code_ = errc::none;
  std::string text_;
};

/// "code: text", or the code alone when there is no text.
std::string to_string(const error& x);

namespace detail {

/// An error with the code `none`; lives as long as the program.
[[nodiscard]] const error& no_error() noexcept;

} // namespace detail

/// Builds the error side of an `expected`.
[[nodiscard]] inline tl::unexpected<error> fail(errc code,
                                                std::string text = {}) {
  return tl::unexpected<error>{error{code, std::move(text)}};
}

/// The exception of reading a value that is not present. `what()` is the error's text.
class bad_result : public std::runtime_error {
public:
  explicit bad_result(troupe::error why)
    : std::runtime_error(why == errc::none ? why.text() : to_string(why)),
      why_(std::move(why)) {
    // nop
  }

  [[nodiscard]] const troupe::error& error() const noexcept {
    return why_;
  }

private:
  troupe::error why_;
};

template <class T>
class expected;

namespace detail {

template <class T>
inline constexpr bool is_expected = false;

template <class T>
inline constexpr bool is_expected<expected<T>> = true;

template <class T>
inline constexpr bool is_expected<tl::expected<T, error>> = true;

} // namespace detail

/// A value or an error. `expected<void>`: success or an error.
///
///   auto profiles = runtime.open<profile>("profiles", {});
///   if (!profiles)
///     return report(profiles.error());
///   use(*profiles);
///
/// `value()` throws `bad_result` when there is an error; `*` and `->` do not check, so
/// test first. `map(f)` returns `f`'s result in an `expected`; `and_then(f)` returns
/// the `expected` that `f` returns; both pass an error on. Copies and moves like T.
template <class T>
class [[nodiscard]] expected : public tl::expected<T, error> {
  using base = tl::expected<T, error>;

public:
  using base::base;

  constexpr expected() = default;

  constexpr expected(base x) : base(std::move(x)) {
    // nop
  }

  /// Assigns a value, an error, or an `expected` that converts. `x = {}` assigns a
  /// default-constructed expected.
  template <class U>
    requires(!std::is_same_v<std::remove_cvref_t<U>,
                             expected> && std::is_assignable_v<base&, U>)
  constexpr expected& operator=(U&& x) {
    base::operator=(std::forward<U>(x));
    return *this;
  }

  /// Returns the value. Throws `bad_result` when there is an error.
  constexpr decltype(auto) value() & {
    return checked(*this);
  }

  constexpr decltype(auto) value() const& {
    return checked(*this);
  }

  constexpr decltype(auto) value() && {
    return checked(std::move(*this));
  }

  template <class F>
  constexpr auto and_then(F&& f) & {
    return chain(*this, std::forward<F>(f));
  }

  template <class F>
  constexpr auto and_then(F&& f) const& {
    return chain(*this, std::forward<F>(f));
  }

  template <class F>
  constexpr auto and_then(F&& f) && {
    return chain(std::move(*this), std::forward<F>(f));
  }

  template <class F>
  constexpr auto map(F&& f) & {
    return mapped(*this, std::forward<F>(f));
  }

  template <class F>
  constexpr auto map(F&& f) const& {
    return mapped(*this, std::forward<F>(f));
  }

  template <class F>
  constexpr auto map(F&& f) && {
    return mapped(std::move(*this), std::forward<F>(f));
  }

private:
  template <class Self>
  static constexpr decltype(auto) checked(Self&& self) {
    if (!self.has_value()) [[unlikely]]
      throw bad_result(std::forward<Self>(self).error());
    if constexpr (!std::is_void_v<T>)
      return *std::forward<Self>(self);
  }

  /// Calls `f`, with the value unless T is void.
  template <class Self, class F>
  static constexpr decltype(auto) call(Self&& self, F&& f) {
    if constexpr (std::is_void_v<T>)
      return std::invoke(std::forward<F>(f));
    else
      return std::invoke(std::forward<F>(f), *std::forward<Self>(self));
  }

  template <class Self, class F>
  static constexpr auto chain(Self&& self, F&& f) {
    using result = std::remove_cvref_t<decltype(call(std::forward<Self>(self),
                                                     std::forward<F>(f)))>;
    static_assert(detail::is_expected<result>,
                  "the function of and_then returns an expected");
    if (!self.has_value())
      return result{tl::unexpect, std::forward<Self>(self).error()};
    return call(std::forward<Self>(self), std::forward<F>(f));
  }

  template <class Self, class F>
  static constexpr auto mapped(Self&& self, F&& f) {
    using made = std::remove_cvref_t<decltype(call(std::forward<Self>(self),
                                                   std::forward<F>(f)))>;
    using result = expected<made>;
    if (!self.has_value())
      return result{tl::unexpect, std::forward<Self>(self).error()};
    if constexpr (std::is_void_v<made>) {
      call(std::forward<Self>(self), std::forward<F>(f));
      return result{};
    } else {
      return result{tl::in_place,
                    call(std::forward<Self>(self), std::forward<F>(f))};
    }
  }
};

/// Equal: the same value, or errors with the same code.
template <class T, class U>
[[nodiscard]] constexpr bool operator==(const expected<T>& x,
                                        const expected<U>& y) {
  if (x.has_value() != y.has_value())
    return false;
  if (!x.has_value())
    return x.error() == y.error();
  if constexpr (std::is_void_v<T>)
    return true;
  else
    return *x == *y;
}

/// Equal: there is a value, and it equals `y`.
template <class T, class U>
  requires(!std::is_void_v<T>)
[[nodiscard]] constexpr bool operator==(const expected<T>& x, const U& y) {
  return x.has_value() && *x == y;
}

} // namespace troupe
