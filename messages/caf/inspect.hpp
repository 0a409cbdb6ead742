#pragma once

// Makes each struct with a `fields_of` (fields.hpp) a message of CAF. An enum is sent
// as its underlying value and may have any value on arrival. `options_of` checks it
// where it is used, so that the sender gets an error; a failing `inspect` would drop
// the message.

#include <cmath>

#include <troupe/messages/fields.hpp>
#include <troupe/messages/requests/write_terms.hpp>

namespace troupe {

namespace detail {

template <class Inspector, class T, auto... Members>
typename Inspector::result_type inspect_fields(Inspector& f, T& x,
                                               fields<Members...>) {
  return f((x.*Members)...);
}

} // namespace detail

template <class Inspector, described T>
typename Inspector::result_type inspect(Inspector& f, T& x) {
  return detail::inspect_fields(f, x, fields_t<T>{});
}

/// CAF 0.17 never finishes writing an infinity. A jitter that is not finite is sent as
/// a value that `options_of` refuses.
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, write_terms& x) {
  constexpr double refused = 2.0;
  // A copy: other threads may read the message meanwhile.
  auto jitter = std::isfinite(x.jitter) ? x.jitter : refused;
  if constexpr (Inspector::reads_state) {
    return f(x.ttl, x.idle, jitter, x.condition, x.keep_ttl, x.tags);
  } else {
    auto result = f(x.ttl, x.idle, jitter, x.condition, x.keep_ttl, x.tags);
    x.jitter = jitter;
    return result;
  }
}

} // namespace troupe
