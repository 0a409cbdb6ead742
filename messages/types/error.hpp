#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include <tl/expected.hpp>

namespace troupe {

/// Everything that can go wrong, across all rooms. A miss is not in this list:
/// it is a value (an empty optional).
enum class errc : std::uint8_t {
  none = 0,

  // -- the caller's input ------------------------------------------------------
  key_too_large,    ///< The key exceeds the region's `max_key_size`.
  value_too_large,  ///< The encoded value exceeds the region's `max_value_size`.
  invalid_argument, ///< An option or argument makes no sense; nothing was done.
  not_an_integer,   ///< `increment` met a value that is not a decimal int64.
  integer_overflow, ///< `increment` would leave the range of int64.
  encode_failed,    ///< The codec could not encode the value.
  decode_failed,    ///< The stored bytes are not a value of the asked type.
  type_mismatch,    ///< The region is open with another value type.
  unknown_region,   ///< No region has this name.
  unknown_actor,    ///< No actor has this name.
  unknown_load,     ///< No load in flight has this number.

  // -- the caller's functions --------------------------------------------------
  load_failed,    ///< The loader threw or returned an error.
  load_timeout,   ///< The loader did not finish within `load_timeout`.
  load_cancelled, ///< Somebody cancelled the load.
  update_failed,  ///< The update function threw; nothing was changed.

  // -- the runtime's state -----------------------------------------------------
  timeout,       ///< The operation did not get its turn within `op_timeout`.
  shard_down,    ///< The shard crashed too often and stays down.
  overloaded,    ///< A bounded queue is full; try again later.
  limit_reached, ///< The region is full and evicts nothing.
  out_of_memory, ///< The allocator refused; nothing was changed.
  shutting_down, ///< The runtime drains or is gone.
  system_error,  ///< The operating system refused (socket, thread, file).
};

/// The name of an error code as it is spelled in the source, e.g.
/// "key_too_large". Never empty.
std::string_view to_string(errc code) noexcept;

/// An error code and what the user should know about this occurrence (which
/// limit, how large, what to do next). The text holds no values and no secrets.
class error {
public:
  error() noexcept = default;

  error(errc code, std::string text = {}) : code_(code), text_(std::move(text)) {
    // nop
  }

  [[nodiscard]] errc code() const noexcept {
    return code_;
  }

  /// What happened in words; may be empty.
  [[nodiscard]] const std::string& text() const noexcept {
    return text_;
  }

  /// Compares codes; the text is for people.
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

/// A value or the reason why there is none.
template <class T>
using expected = tl::expected<T, error>;

/// Builds the error side of an `expected`.
[[nodiscard]] inline tl::unexpected<error> fail(errc code,
                                                std::string text = {}) {
  return tl::unexpected<error>{error{code, std::move(text)}};
}

} // namespace troupe
