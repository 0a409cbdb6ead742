#pragma once

// Converts Troupe's errors to CAF's and back: category "troupe", the errc as code, the
// text as context.

#include <cstdint>
#include <string>
#include <type_traits>
#include <utility>

#include <caf/atom.hpp>
#include <caf/error.hpp>
#include <caf/message.hpp>
#include <caf/response_promise.hpp>
#include <caf/result.hpp>

#include <troupe/messages/types/error.hpp>

namespace troupe {

/// The category of Troupe's errors.
inline constexpr caf::atom_value error_category = caf::atom("troupe");

/// Converts to CAF's error. `errc::none` becomes CAF's "no error".
[[nodiscard]] caf::error to_caf(const error& x);

/// Converts from CAF's error. For errors of other categories: a request timeout becomes
/// `timeout`; a receiver that died or crashed `shard_down`, one that was shut down
/// `shutting_down`; a refused argument or message `invalid_argument`; all others,
/// errors of the network included, `system_error`.
[[nodiscard]] error from_caf(const caf::error& x);

/// Renders an error of Troupe's category for `actor_system::render`.
[[nodiscard]] std::string render_error(std::uint8_t code,
                                       caf::atom_value category,
                                       const caf::message& context);

/// The result of an operation as the result of a message handler.
template <class T>
[[nodiscard]] caf::result<T> to_result(expected<T> x) {
  if (!x)
    return to_caf(x.error());
  if constexpr (std::is_void_v<T>)
    return caf::unit;
  else
    return std::move(*x);
}

/// Fulfils a promise of a message handler. Must be called in the actor's turn.
template <class T>
void deliver(caf::response_promise& to, expected<T> x) {
  if (!x)
    to.deliver(to_caf(x.error()));
  else if constexpr (std::is_void_v<T>)
    to.deliver(caf::unit);
  else
    to.deliver(std::move(*x));
}

} // namespace troupe
