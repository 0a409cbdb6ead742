#pragma once

// Makes a request from words, by the fields of its struct.

#include <cstddef>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <troupe/messages/detail/field_text.hpp>
#include <troupe/messages/fields.hpp>
#include <troupe/messages/forms.hpp>
#include <troupe/messages/types/error.hpp>

namespace troupe::detail {

/// The properties of one field that do not follow from its type. `hint` is for errors.
struct leaf_form {
  field_form form;
  std::string hint;
  bool takes_many = false;
};

/// Assigns words to leaves. Errors: those of `form_codec::make`.
expected<std::vector<std::pair<std::size_t, std::string_view>>>
assign(std::string_view message, const std::vector<leaf_form>& leaves,
       const std::vector<std::string>& words);

tl::unexpected<error> wrong_value(std::string_view message,
                                  const leaf_form& which,
                                  std::string_view text);

/// The fields of a request, with the fields of structs inside it one by one.
template <class Request>
struct leaf_list {
  using reader = bool (*)(Request&, std::string_view);

  leaf_list() {
    add_all(fields_t<Request>{}, "");
  }

  std::vector<leaf_form> forms;
  std::vector<reader> readers;

private:
  /// `Path` leads from the request to the struct that has these fields.
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
      // Fields inside a struct of options are optional.
      constexpr bool needed
        = sizeof...(Path) == 1 && (many || std::is_same_v<type, bytes>);
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

/// Errors: those of `form_codec::make`.
template <class Request>
expected<Request> read_request(const std::vector<std::string>& words) {
  constexpr auto name = message_name(type_name_of<Request>);
  auto& leaves = leaves_of<Request>();
  auto values = assign(name, leaves.forms, words);
  if (!values)
    return tl::unexpected{std::move(values.error())};
  Request result;
  for (const auto& [i, text] : *values)
    if (!leaves.readers[i](result, text))
      return wrong_value(name, leaves.forms[i], text);
  return result;
}

} // namespace troupe::detail
