#pragma once

#include <concepts>
#include <utility>

#include <troupe/messages/types/error.hpp>

namespace troupe {

/// Yes, no, or an error. The question is, for example, whether the write happened or
/// whether there was an entry.
class [[nodiscard]] yes_or_no {
public:
  /// No.
  yes_or_no() noexcept = default;

  /// Takes only bool: a pointer or a number would be a mistake.
  yes_or_no(std::same_as<bool> auto answer) : state_(answer) {
    // nop
  }

  /// An error: `return fail(errc::timeout, "...")`.
  yes_or_no(tl::unexpected<troupe::error> why) : state_(std::move(why)) {
    // nop
  }

  yes_or_no(expected<bool> x) : state_(std::move(x)) {
    // nop
  }

  // -- which of the three ------------------------------------------------------

  /// Yes: no error, and the answer is true.
  [[nodiscard]] explicit operator bool() const noexcept {
    return yes();
  }

  [[nodiscard]] bool yes() const noexcept {
    return state_.has_value() && *state_;
  }

  /// No: no error, and the answer is false.
  [[nodiscard]] bool no() const noexcept {
    return state_.has_value() && !*state_;
  }

  /// There is an error.
  [[nodiscard]] bool failed() const noexcept {
    return !state_.has_value();
  }

  /// There is no error: yes or no.
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

  /// True for yes, false for no. Throws `bad_result` with the error's text.
  [[nodiscard]] bool value() const {
    return state_.value();
  }

  /// The answer, or `other` when there is an error.
  [[nodiscard]] bool value_or(bool other) const noexcept {
    return state_.has_value() ? *state_ : other;
  }

  // -- as another type ---------------------------------------------------------

  [[nodiscard]] const expected<bool>& as_expected() const& noexcept {
    return state_;
  }

  [[nodiscard]] expected<bool> as_expected() && {
    return std::move(state_);
  }

  operator expected<bool>() const& {
    return state_;
  }

  operator expected<bool>() && {
    return std::move(state_);
  }

  // -- comparing ---------------------------------------------------------------

  friend bool operator==(const yes_or_no& x, const yes_or_no& y) {
    return x.state_ == y.state_;
  }

  /// Equal: no error, and the answer is `y`.
  friend bool operator==(const yes_or_no& x,
                         std::same_as<bool> auto y) noexcept {
    return x.state_.has_value() && *x.state_ == y;
  }

private:
  expected<bool> state_{false};
};

} // namespace troupe
