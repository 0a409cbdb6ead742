#pragma once

// Adds std::optional and std::variant to CAF's serializers, as members of types with an
// `inspect`, in Troupe's codec and in messages. CAF 0.17 itself handles the containers,
// std::pair, std::tuple, std::array, durations and time points.
//
//   optional   1 byte: 0, or 1 and the value
//   variant    4 bytes: the index, and the value of that alternative
//
// The compiler finds these functions through the namespace of CAF's serializers:
// namespace std and the namespaces of the types must not hold them.

#include <cstdint>
#include <limits>
#include <optional>
#include <type_traits>
#include <utility>
#include <variant>

#include <caf/error.hpp>
#include <caf/sec.hpp>

namespace troupe::detail {

/// CAF's serializers and deserializers.
template <class Inspector>
concept data_processor
  = std::is_same_v<typename Inspector::result_type, caf::error> &&(
    Inspector::reads_state != Inspector::writes_state);

/// Gives `to` the alternative of this index and reads it. Returns CAF's error.
template <std::size_t I = 0, class Inspector, class... Ts>
caf::error read_alternative(Inspector& f, std::uint32_t index,
                            std::variant<Ts...>& to) {
  if constexpr (I < sizeof...(Ts)) {
    if (index == I)
      return f(to.template emplace<I>());
    return read_alternative<I + 1>(f, index, to);
  } else {
    return caf::make_error(caf::sec::invalid_argument);
  }
}

} // namespace troupe::detail

namespace caf {

template <troupe::detail::data_processor Inspector, class T>
typename Inspector::result_type inspect(Inspector& f, std::optional<T>& x) {
  bool there = x.has_value();
  if (auto failure = f(there))
    return failure;
  if constexpr (Inspector::writes_state) {
    x.reset();
    if (there)
      x.emplace();
  }
  return there ? f(*x) : error{};
}

template <troupe::detail::data_processor Inspector, class... Ts>
typename Inspector::result_type inspect(Inspector& f, std::variant<Ts...>& x) {
  // A variant that lost its value to an exception has no index.
  if (x.valueless_by_exception())
    return make_error(sec::invalid_argument);
  auto index = static_cast<std::uint32_t>(x.index());
  if (auto failure = f(index))
    return failure;
  if constexpr (Inspector::writes_state)
    return troupe::detail::read_alternative(f, index, x);
  else
    return std::visit([&f](auto& value) { return f(value); }, x);
}

} // namespace caf
