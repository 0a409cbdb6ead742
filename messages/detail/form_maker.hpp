#pragma once

// Makes the forms of an interface by its type.

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
#include <caf/replies_to.hpp>

#include <troupe/messages/detail/field_text.hpp>
#include <troupe/messages/fields.hpp>
#include <troupe/messages/forms.hpp>

namespace troupe::detail {

/// What is said of one field and not of its type. `hint` is for errors.
struct leaf_form {
  field_form form;
  std::string hint;
  bool takes_many = false;
};

/// Which words are for which leaf. Errors: as `message_form::make`.
expected<std::vector<std::pair<std::size_t, std::string_view>>>
assign(std::string_view message, const std::vector<leaf_form>& leaves,
       word_span words);

tl::unexpected<error> wrong_value(std::string_view message,
                                  const leaf_form& which,
                                  std::string_view text);

/// "get" for "get_request".
constexpr std::string_view message_name(std::string_view type) noexcept {
  constexpr std::string_view suffix = "_request";
  if (type.ends_with(suffix))
    type.remove_suffix(suffix.size());
  return type;
}

/// The fields of a request, those of structs within it one by one.
template <class Request>
struct leaf_list {
  using reader = bool (*)(Request&, std::string_view);

  leaf_list() {
    add_all(fields_t<Request>{}, "");
  }

  std::vector<leaf_form> forms;
  std::vector<reader> readers;

private:
  /// `Path` leads from the request to the struct whose fields these are.
  template <auto... Path, auto... Members>
  void add_all(fields<Members...>, const std::string& prefix) {
    (add<Path..., Members>(prefix + std::string{name_of<Members>}), ...);
  }

  template <auto... Path>
  void add(std::string name) {
    const Request usual{};
    using type = std::remove_cvref_t<decltype((usual.*....*Path))>;
    if constexpr (described<type>) {
      add_all<Path...>(fields_t<type>{}, name + ".");
    } else {
      constexpr bool many = is_vector<type>;
      // What lies within a struct of options may be left out.
      constexpr bool needed = sizeof...(Path) == 1
                              && (many || std::is_same_v<type, bytes>);
      forms.push_back({{std::move(name), type_text<type>(), needed,
                        write_text((usual.*....*Path))},
                       hint<type>(),
                       many});
      readers.push_back([](Request& x, std::string_view text) {
        return read_text(text, (x.*....*Path));
      });
    }
  }
};

template <class Request>
const leaf_list<Request>& leaves_of() {
  static const leaf_list<Request> result;
  return result;
}

template <class Request>
expected<caf::message> make_request(word_span words) {
  constexpr auto name = message_name(type_name_of<Request>);
  auto& leaves = leaves_of<Request>();
  auto values = assign(name, leaves.forms, words);
  if (!values)
    return tl::unexpected{std::move(values.error())};
  Request result;
  for (const auto& [i, text] : *values)
    if (!leaves.readers[i](result, text))
      return wrong_value(name, leaves.forms[i], text);
  return caf::make_message(std::move(result));
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

tl::unexpected<error> wrong_answer(std::string_view message);

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

template <class Clause>
struct form_of;

template <class Request, class... Replies>
struct form_of<caf::typed_mpi<caf::detail::type_list<Request>,
                              caf::output_tuple<Replies...>>> {
  static message_form make() {
    message_form result;
    result.name = message_name(type_name_of<Request>);
    for (const auto& x : leaves_of<Request>().forms)
      result.fields.push_back(x.form);
    ((result.answer
      += (result.answer.empty() ? "" : ", ") + answer_text<Replies>()),
     ...);
    result.make = make_request<Request>;
    result.read = read_reply<Request, Replies...>;
    return result;
  }
};

template <class... Clauses>
std::vector<message_form> forms_of(caf::detail::type_list<Clauses...>) {
  return {form_of<Clauses>::make()...};
}

} // namespace troupe::detail
