#pragma once

#include <optional>
#include <utility>

#include <troupe/messages/types/error.hpp>

namespace troupe {

namespace detail {

/// Throws `bad_result` for a value that is not present.
[[noreturn]] void throw_absent(error why);

} // namespace detail

/// A value, its absence, or an error. Copies and moves like T. Never holds an error
/// with the code `none`.
template <class T>
class [[nodiscard]] maybe {
public:
  using value_type = T;

  /// Absent.
  maybe() noexcept = default;

  maybe(std::nullopt_t) noexcept {
    // nop
  }

  maybe(T value) : state_(std::optional<T>{std::move(value)}) {
    // nop
  }

  maybe(std::optional<T> value) : state_(std::move(value)) {
    // nop
  }

  /// An error: `return fail(errc::timeout, "...")`.
  maybe(tl::unexpected<troupe::error> why) : state_(std::move(why)) {
    // nop
  }

  maybe(expected<std::optional<T>> x) : state_(std::move(x)) {
    // nop
  }

  // -- which of the three ------------------------------------------------------

  /// There is a value.
  [[nodiscard]] explicit operator bool() const noexcept {
    return has_value();
  }

  [[nodiscard]] bool has_value() const noexcept {
    return state_.has_value() && state_->has_value();
  }

  /// No error, and no value.
  [[nodiscard]] bool absent() const noexcept {
    return state_.has_value() && !state_->has_value();
  }

  /// There is an error.
  [[nodiscard]] bool failed() const noexcept {
    return !state_.has_value();
  }

  /// There is no error.
  [[nodiscard]] bool ok() const noexcept {
    return state_.has_value();
  }

  /// Returns the error; its code is `none` when there is no error. Refers to this
  /// object.
  [[nodiscard]] const troupe::error& error() const& noexcept {
    return failed() ? state_.error() : detail::no_error();
  }

  [[nodiscard]] troupe::error error() && {
    return failed() ? std::move(state_).error() : troupe::error{};
  }

  /// Replaces the content by a value made from these arguments.
  template <class... Args>
  T& emplace(Args&&... args) {
    if (!state_.has_value())
      state_ = std::optional<T>{};
    return state_->emplace(std::forward<Args>(args)...);
  }

  // -- the value ---------------------------------------------------------------
  // All of these throw `bad_result` when there is no value, with the error's text or
  // "absent".

  [[nodiscard]] T& value() & {
    require();
    return **state_;
  }

  [[nodiscard]] const T& value() const& {
    require();
    return **state_;
  }

  [[nodiscard]] T&& value() && {
    require();
    return std::move(**state_);
  }

  [[nodiscard]] T& operator*() & {
    return value();
  }

  [[nodiscard]] const T& operator*() const& {
    return value();
  }

  [[nodiscard]] T&& operator*() && {
    return std::move(*this).value();
  }

  [[nodiscard]] T* operator->() {
    return &value();
  }

  [[nodiscard]] const T* operator->() const {
    return &value();
  }

  /// The value, or `other` when it is absent or there is an error.
  template <class U>
  [[nodiscard]] T value_or(U&& other) const& {
    return has_value() ? **state_ : static_cast<T>(std::forward<U>(other));
  }

  template <class U>
  [[nodiscard]] T value_or(U&& other) && {
    return has_value() ? std::move(**state_)
                       : static_cast<T>(std::forward<U>(other));
  }

  // -- as other types ----------------------------------------------------------

  /// An empty optional is an absent value.
  [[nodiscard]] const expected<std::optional<T>>&
  as_expected() const& noexcept {
    return state_;
  }

  [[nodiscard]] expected<std::optional<T>> as_expected() && {
    return std::move(state_);
  }

  operator expected<std::optional<T>>() const& {
    return state_;
  }

  operator expected<std::optional<T>>() && {
    return std::move(state_);
  }

  // -- comparing ---------------------------------------------------------------

  friend bool operator==(const maybe& x, const maybe& y) {
    return x.state_ == y.state_;
  }

  /// Equal: there is a value, and it equals `y`.
  friend bool operator==(const maybe& x, const T& y) {
    return x.has_value() && **x.state_ == y;
  }

  friend bool operator==(const maybe& x, std::nullopt_t) noexcept {
    return x.absent();
  }

private:
  void require() const {
    if (!has_value()) [[unlikely]]
      detail::throw_absent(error());
  }

  expected<std::optional<T>> state_{std::optional<T>{}};
};

} // namespace troupe
