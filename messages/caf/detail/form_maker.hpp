#pragma once

// Makes the forms of an interface from its type.

#include <cstddef>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <caf/actor_cast.hpp>
#include <caf/actor_control_block.hpp>
#include <caf/make_message.hpp>
#include <caf/message.hpp>

#include <troupe/messages/caf/form_codec.hpp>
#include <troupe/messages/caf/signatures.hpp>
#include <troupe/messages/detail/field_text.hpp>
#include <troupe/messages/detail/form_words.hpp>
#include <troupe/messages/fields.hpp>
#include <troupe/messages/forms.hpp>

namespace troupe::detail {

template <class Request>
expected<caf::message> make_request(const std::vector<std::string>& words) {
  return read_request<Request>(words).map(
    [](Request&& x) { return caf::make_message(std::move(x)); });
}

// -- answers -----------------------------------------------------------------------

template <class T>
field_value to_value(const T& x);

template <class T, auto... Members>
field_value to_object(const T& x, fields<Members...>) {
  return {field_value::object{{name_of<Members>, to_value(x.*Members)}...}};
}

template <class T>
field_value to_value(const T& x) {
  if constexpr (described<T>) {
    return to_object(x, fields_t<T>{});
  } else if constexpr (is_vector<T>) {
    field_value::list result;
    for (const auto& element : x)
      result.push_back(to_value(element));
    return {std::move(result)};
  } else if constexpr (
    std::is_same_v<
      T,
      bool> || std::is_same_v<T, bytes> || std::is_same_v<T, std::chrono::milliseconds>) {
    return {x};
  } else if constexpr (std::is_floating_point_v<T>) {
    return {double{x}};
  } else if constexpr (std::is_unsigned_v<T>) {
    return {std::uint64_t{x}};
  } else if constexpr (std::is_integral_v<T>) {
    return {std::int64_t{x}};
  } else {
    return {to_string(caf::actor_cast<caf::strong_actor_ptr>(x))};
  }
}

template <auto... Members>
std::string names_text(fields<Members...>) {
  std::string result;
  ((result += (result.empty() ? "" : ", ") + std::string{name_of<Members>}),
   ...);
  return result;
}

template <class T>
std::string answer_text() {
  if constexpr (std::is_void_v<T>)
    return "nothing";
  else if constexpr (described<T>)
    return names_text(fields_t<T>{});
  else if constexpr (std::is_arithmetic_v<T> || std::is_same_v<T, bytes>)
    return type_text<T>();
  else
    return "actor";
}

inline tl::unexpected<error> wrong_answer(std::string_view message) {
  return fail(errc::decode_failed,
              "the answer to " + std::string{message}
                + " is of another type; the peer may run another version");
}

template <class Request, class... Replies>
expected<field_value> read_reply(const caf::message& reply) {
  if constexpr ((std::is_void_v<Replies> && ...)) {
    return field_value{};
  } else {
    if (!reply.match_elements<Replies...>())
      return wrong_answer(message_name(type_name_of<Request>));
    field_value::list result;
    [&]<std::size_t... I>(std::index_sequence<I...>) {
      (result.push_back(to_value(reply.get_as<Replies>(I))), ...);
    }
    (std::index_sequence_for<Replies...>{});
    if (result.size() == 1)
      return std::move(result.front());
    return field_value{std::move(result)};
  }
}

// -- interfaces --------------------------------------------------------------------

template <class Request, class... Replies>
message_form make_form() {
  static constexpr form_codec codec{make_request<Request>,
                                    read_reply<Request, Replies...>};
  message_form result;
  result.name = message_name(type_name_of<Request>);
  for (const auto& x : leaves_of<Request>().forms)
    result.fields.push_back(x.form);
  ((result.answer
    += (result.answer.empty() ? "" : ", ") + answer_text<Replies>()),
   ...);
  result.codec = &codec;
  return result;
}

template <class Handle>
std::vector<message_form> make_forms() {
  std::vector<message_form> result;
  for_each_clause<Handle>([&result]<class Request, class... Replies>() {
    result.push_back(make_form<Request, Replies...>());
  });
  return result;
}

} // namespace troupe::detail
