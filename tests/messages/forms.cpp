#include <troupe/messages/interface_forms.hpp>

#include <set>
#include <string>
#include <vector>

#include <caf/make_message.hpp>
#include <caf/message.hpp>

#include <troupe/messages/caf/form_codec.hpp>
#include <troupe/messages/interfaces.hpp>

#include "catch.hpp"

using namespace std::chrono_literals;
using namespace troupe;

namespace {

std::vector<std::string> names_of(std::string_view kind) {
  std::vector<std::string> result;
  for (const auto& x : forms_of(kind))
    result.push_back(x.name);
  return result;
}

/// What a message to a region is made of these words.
template <class Request>
Request made(std::string_view name, const std::vector<std::string>& words) {
  const auto* form = find_form(forms_of("region"), name);
  REQUIRE(form != nullptr);
  auto result = form->codec->make(words);
  INFO((result ? "" : result.error().text()));
  REQUIRE(result);
  const caf::message& message = *result;
  REQUIRE(message.match_elements<Request>());
  return message.get_as<Request>(0);
}

std::string refusal(std::string_view name,
                    const std::vector<std::string>& words) {
  const auto* form = find_form(forms_of("region"), name);
  REQUIRE(form != nullptr);
  auto result = form->codec->make(words);
  REQUIRE_FALSE(result);
  CHECK(result.error() == errc::invalid_argument);
  return result.error().text();
}

/// The fields of a message as they are listed.
std::string fields_of_form(std::string_view kind, std::string_view name) {
  const auto* form = find_form(forms_of(kind), name);
  REQUIRE(form != nullptr);
  std::string result;
  for (const auto& x : form->fields)
    result += x.text() + " ";
  return result + "-> " + form->answer;
}

template <class Handle>
constexpr std::size_t clauses
  = caf::detail::tl_size<typename Handle::signatures>::value;

} // namespace

TEST_CASE("names are those of the source") {
  CHECK(name_of<&set_request::how> == "how");
  CHECK(type_name_of<set_request> == "set_request");
  CHECK(name_of<write_condition::if_absent> == "if_absent");
  CHECK(std::vector<std::string>(enum_names<write_condition>.begin(),
                                 enum_names<write_condition>.end())
        == std::vector<std::string>{"always", "if_absent", "if_present"});
}

TEST_CASE("every clause of an interface has a form") {
  CHECK(forms_of("shard").size() == clauses<shard_actor>);
  CHECK(forms_of("region").size() == clauses<region_actor>);
  CHECK(forms_of("load-coordinator").size() == clauses<load_coordinator_actor>);
  CHECK(forms_of("supervisor").size() == clauses<supervisor_actor>);
  CHECK(forms_of("topic").empty());
  CHECK(names_of("shard")
        == std::vector<std::string>{"get", "contains", "ttl", "set",
                                    "compare_and_set", "erase", "touch",
                                    "increment", "clear"});
  for (const auto* kind : {"shard", "region", "load-coordinator", "topics",
                           "topic-subscriber", "supervisor"}) {
    auto names = names_of(kind);
    CHECK(std::set<std::string>(names.begin(), names.end()).size()
          == names.size());
  }
}

TEST_CASE("forms tell fields, types, defaults and the answer") {
  CHECK(fields_of_form("region", "get") == "key:text -> found, value, version");
  CHECK(fields_of_form("region", "set")
        == "key:text value:text [how.ttl:time=0ms] [how.idle:time=0ms] "
           "[how.jitter:decimal=-1] "
           "[how.condition:always|if_absent|if_present=always] "
           "[how.keep_ttl:true|false=false] [how.tags:texts=] -> true|false");
  CHECK(fields_of_form("region", "invalidate_tag") == "tag:text -> nothing");
  CHECK(fields_of_form("region", "list_namespaces")
        == "[limit:number=1000] -> namespaces");
  CHECK(fields_of_form("region", "set_namespace_limits")
        == "prefix:text [max_bytes:number=0] [max_entries:number=0] "
           "-> nothing");
  CHECK(fields_of_form("region", "clear_namespace")
        == "prefix:text -> nothing");
  CHECK(fields_of_form("region", "increment")
        == "key:text [delta:integer=1] -> integer");
  CHECK(fields_of_form("region", "touch")
        == "key:text [ttl:time=none] -> true|false");
  CHECK(fields_of_form("region", "get_many") == "keys:texts -> entries");
  CHECK(fields_of_form("region", "clear")
        == "[everything:true|false=true] -> nothing");
  CHECK(fields_of_form("supervisor", "find_region") == "name:text -> actor");
  CHECK(fields_of_form("supervisor", "list_loads")
        == "[limit:number=1000] -> loads, total");
}

TEST_CASE("a message is found with and without its suffix") {
  const auto& all = forms_of("region");
  CHECK(find_form(all, "get") == find_form(all, "get_request"));
  CHECK(find_form(all, "gte") == nullptr);
  CHECK(find_form(all, "") == nullptr);
}

TEST_CASE("words become fields in their order") {
  CHECK(made<get_request>("get", {"k"}).key == "k");
  CHECK(made<get_request>("get", {"a=b"}).key == "a=b");
  auto set = made<set_request>(
    "set", {"k", "v", "1m30s", "20s", "0.25", "if_absent", "true"});
  CHECK(set.key == "k");
  CHECK(set.value == "v");
  CHECK(set.how.ttl == 90s);
  CHECK(set.how.idle == 20s);
  CHECK(set.how.jitter == 0.25);
  CHECK(set.how.condition == write_condition::if_absent);
  CHECK(set.how.keep_ttl);
  CHECK(made<increment_request>("increment", {"k"}).delta == 1);
  CHECK(made<increment_request>("increment", {"k", "-3"}).delta == -3);
  CHECK(made<touch_request>("touch", {"k"}).ttl == no_expiry);
  CHECK(made<touch_request>("touch", {"k", "none"}).ttl == no_expiry);
  CHECK(made<get_many_request>("get_many", {"a", "b", "c"}).keys
        == std::vector<bytes>{"a", "b", "c"});
  CHECK(made<clear_request>("clear", {}).everything);
}

TEST_CASE("words become fields by name") {
  auto set = made<set_request>("set", {"how.condition=if_present", "value=v=1",
                                       "key", "how.tags=red", "how.tags=blue",
                                       "how.idle=1h"});
  CHECK(set.how.idle == 1h);
  CHECK(set.how.tags == std::vector<bytes>{"red", "blue"});
  CHECK(set.key == "key");
  CHECK(set.value == "v=1");
  CHECK(set.how.condition == write_condition::if_present);
  CHECK(made<get_request>("get", {"key=key=x"}).key == "key=x");
  CHECK(made<get_request>("get", {"key="}).key.empty());
  CHECK(made<get_many_request>("get_many", {"keys=a", "keys=b", "c"}).keys
        == std::vector<bytes>{"a", "b", "c"});
}

TEST_CASE("words that make no message are refused with the field") {
  CHECK(refusal("get", {}) == "get: key is missing; it takes key:text");
  CHECK(refusal("get", {"a", "b"})
        == "get: too many values; it takes key:text");
  CHECK(refusal("get", {"key=a", "key=b"}) == "get: key is given twice");
  CHECK(refusal("get_many", {})
        == "get_many: keys is missing; it takes "
           "keys:texts");
  CHECK(refusal("increment", {"k", "many"})
        == "increment: delta is 'many', but must be an integer of 64 bits");
  CHECK(refusal("increment", {"k", "99999999999999999999"}).find("delta")
        != std::string::npos);
  CHECK(
    refusal("touch", {"k", "soon"}).find("ttl is 'soon', but must be a time")
    != std::string::npos);
  CHECK(refusal("set", {"k", "v", "how.condition=3"})
        == "set: how.condition is '3', but must be "
           "always|if_absent|if_present");
  CHECK(
    refusal("set", {"k", "v", "how.jitter=x"}).find("a finite decimal number")
    != std::string::npos);
  for (const auto* x : {"inf", "-inf", "infinity", "nan", "-nan", "1e999"})
    CHECK(refusal("set", {"k", "v", std::string{"how.jitter="} + x})
          == std::string{"set: how.jitter is '"} + x
               + "', but must be a finite decimal number");
  CHECK(refusal("set", {"k", "v", "how.keep_ttl=1"})
        == "set: how.keep_ttl is '1', but must be true|false");
}

TEST_CASE("answers are read by the type of the interface") {
  const auto& region = forms_of("region");
  auto got = find_form(region, "get")
               ->codec->read(caf::make_message(get_reply{true, "v", 7}));
  REQUIRE(got);
  const auto& members = std::get<field_value::object>(got->content);
  REQUIRE(members.size() == 3);
  CHECK(members[0].name == "found");
  CHECK(std::get<bool>(members[0].value.content));
  CHECK(std::get<bytes>(members[1].value.content) == "v");
  CHECK(std::get<std::uint64_t>(members[2].value.content) == 7);

  auto sum = find_form(region, "increment")
               ->codec->read(caf::make_message(std::int64_t{-2}));
  REQUIRE(sum);
  CHECK(std::get<std::int64_t>(sum->content) == -2);
  CHECK(find_form(region, "clear")->codec->read(caf::message{})->content.index()
        == 0);

  auto many = find_form(region, "get_many")
                ->codec->read(caf::make_message(get_many_reply{{{}, {}}}));
  REQUIRE(many);
  const auto& entries = std::get<field_value::object>(many->content)[0].value;
  CHECK(std::get<field_value::list>(entries.content).size() == 2);

  auto other = find_form(region, "get")->codec->read(caf::make_message(true));
  REQUIRE_FALSE(other);
  CHECK(other.error() == errc::decode_failed);
}
