#include "catch.hpp"

#include <chrono>
#include <string>
#include <variant>
#include <vector>

#include "apps/console/commands.hpp"
#include "apps/console/options.hpp"
#include "apps/console/text/json.hpp"

using namespace troupe::console;
using namespace std::chrono_literals;

namespace {

/// The only command of a line.
template <class T>
T the(std::string_view line) {
  auto all = parse_line(line);
  REQUIRE(all);
  REQUIRE(all->size() == 1);
  REQUIRE(std::holds_alternative<T>(all->front()));
  return std::get<T>(all->front());
}

std::string complaint(std::string_view line) {
  auto result = parse_line(line);
  REQUIRE_FALSE(result);
  CHECK(result.error() == troupe::errc::invalid_argument);
  return result.error().text();
}

std::string refused(const std::vector<std::string>& arguments) {
  auto result = parse_options(arguments);
  REQUIRE_FALSE(result);
  CHECK(result.error() == troupe::errc::invalid_argument);
  return result.error().text();
}

bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

} // namespace

TEST_CASE("every command is read") {
  CHECK(the<help_command>("help").topic.empty());
  CHECK(the<help_command>("help get").topic == "get");
  CHECK_FALSE(the<ls_command>("ls").all);
  CHECK(the<ls_command>("ls db0 -a").all);
  CHECK(the<ls_command>("ls -a db0").prefix == "db0");
  the<stat_command>("stat");
  CHECK(the<top_command>("top").frames == 0);
  CHECK(the<top_command>("top 500ms 3").interval == 500ms);
  CHECK(the<top_command>("top 500ms 3").frames == 3);
  CHECK(the<use_command>("use users").region == "users");
  CHECK(the<get_command>("get 'a b'").key == "a b");
  CHECK(the<get_command>("get -a").key == "-a");
  CHECK_FALSE(the<set_command>("set k v").ttl);
  CHECK(the<set_command>("set k ''").value.empty());
  CHECK(the<set_command>("set k v 1.5s").ttl == 1500ms);
  CHECK(the<del_command>("del a b c").keys
        == std::vector<std::string>{"a", "b", "c"});
  CHECK(the<ttl_command>("ttl k").key == "k");
  the<loads_command>("loads");
  the<breakers_command>("breakers");
  the<regions_command>("regions");
  CHECK(the<explain_command>("explain 'a b'").key == "a b");
  CHECK(the<explain_command>("explain a").region.empty());
  CHECK(the<explain_command>("explain a users").region == "users");
  CHECK(the<invalidate_command>("invalidate red").tag == "red");
  CHECK(the<invalidate_command>("invalidate red users").region == "users");
  CHECK(the<clear_command>("clear").region.empty());
  CHECK(the<clear_command>("clear users").region == "users");
  CHECK(the<cancel_command>("cancel 18446744073709551615").load == UINT64_MAX);
  CHECK(the<kill_command>("kill db0/shard-3").actor == "db0/shard-3");
  CHECK(the<drain_command>("drain").deadline == 10s);
  CHECK(the<drain_command>("drain 30").deadline == 30s);
  the<quit_command>("quit");
}

TEST_CASE("a line may hold several commands or none") {
  CHECK(parse_line("")->empty());
  CHECK(parse_line("get a; del a;ls")->size() == 3);
  CHECK(contains(complaint("get a; gte b"), "did you mean 'get'"));
}

TEST_CASE("an unknown command gets a suggestion, or the way to the list") {
  CHECK(
    complaint("gte k")
    == "unknown command gte; did you mean 'get'?\n'help' lists the commands");
  CHECK(complaint("frobnicate")
        == "unknown command frobnicate\n'help' lists the commands");
  CHECK(contains(complaint("\"\\x00\""), R"(unknown command "\x00")"));
  CHECK(contains(complaint("help gte"), "did you mean 'get'"));
}

TEST_CASE("wrong arguments get the usage") {
  for (const auto* line :
       {"get",       "get a b",      "set k",     "set k v 1s x",
        "del",       "ttl",          "use",       "cancel",
        "kill",      "stat now",     "loads 5",   "quit 1",
        "drain 1 2", "ls a b",       "ls -a -a",  "ls -x",
        "ls ''",     "cancel x",     "cancel -1", "cancel 18446744073709551616",
        "cancel 1x", "set k v soon", "set k v 0", "drain never",
        "drain 0",   "help a b"}) {
    CAPTURE(line);
    const std::string name{line, std::string_view{line}.find_first_of(' ')
                                     == std::string_view::npos
                                   ? std::string_view{line}.size()
                                   : std::string_view{line}.find_first_of(' ')};
    CHECK(contains(complaint(line), "\nusage: " + name));
  }
  CHECK(complaint("set k")
        == "set: an argument is missing\nusage: set KEY VALUE [TTL]");
}

TEST_CASE("every command has a manual") {
  CHECK(manuals().size() == std::variant_size_v<command>);
  for (const auto& x : manuals()) {
    CAPTURE(x.name);
    CHECK_FALSE(x.title.empty());
    CHECK((x.text.empty() || x.text.ends_with('\n')));
    REQUIRE(find_manual(x.name) != nullptr);
    CHECK(find_manual(x.name)->title == x.title);
    CHECK(contains(help_text(), x.usage()));
  }
  CHECK(find_manual("nothing") == nullptr);
}

TEST_CASE("options have defaults and are read in both spellings") {
  auto preset = *parse_options({});
  CHECK(!preset.where);
  CHECK(preset.timeout == 2s);
  CHECK(preset.lines.empty());
  auto x = *parse_options({"--host=::1", "--port", "7000", "--timeout=500ms",
                           "-c", "get a=b", "--command=ls", "--json"},
                          "secret");
  const auto& port = std::get<troupe::console_port>(x.where.value());
  CHECK(port.host == "::1");
  CHECK(port.port == 7000);
  CHECK(port.password == "secret");
  CHECK(x.timeout == 500ms);
  CHECK(x.lines == std::vector<std::string>{"get a=b", "ls"});
  CHECK(x.json);
  CHECK(parse_options({"-h"})->help);
}

TEST_CASE("with --yes nothing is asked back") {
  CHECK_FALSE(parse_options({})->yes);
  CHECK(parse_options({"--yes"})->yes);
  CHECK(parse_options({"-y", "-c", "drain"})->yes);
}

TEST_CASE("wrong options are named, with what was meant") {
  CHECK(refused({"--prot=1"})
        == "unknown option --prot=1; did you mean '--port'?");
  CHECK(refused({"-x"}) == "unknown option -x");
  CHECK(contains(refused({"get"}), "commands follow -c"));
  CHECK(contains(refused({""}), "unexpected argument ''"));
  CHECK(refused({"--port"}) == "--port needs a value: --port=N");
  CHECK(refused({"-c"}) == "-c needs a value: --command=LINE");
  CHECK(refused({"--json=1"}) == "--json takes no value");
  for (const auto* port : {"0", "65536", "-1", "x", "", "63 81"})
    CHECK(contains(refused({"--port", port}), "between 1 and 65535"));
  for (const auto* time : {"0", "25h", "x", ""})
    CHECK(contains(refused({"--timeout", time}), "--timeout"));
  CHECK(refused({"--host="}) == "--host is empty");
}

TEST_CASE("JSON strings are escaped and always UTF-8") {
  CHECK(json_string("plain") == R"("plain")");
  CHECK(json_string("\"\\\n\t\r\x01\x7f") == R"("\"\\\n\t\r\u0001\u007f")");
  CHECK(json_string(std::string{"\0", 1}) == R"("\u0000")");
  CHECK(json_string("\xc3\xbc\xe2\x82\xac\xf0\x9f\x98\x80")
        == "\"\xc3\xbc\xe2\x82\xac\xf0\x9f\x98\x80\"");
  // Cut off, overlong, a surrogate, beyond the last code point, stray.
  for (const auto* x :
       {"\xc3", "\xe2\x82", "\xc0\x80", "\xe0\x80\x80", "\xed\xa0\x80",
        "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\x80", "\xff"}) {
    const std::string text{x};
    std::string all{'"'};
    for (std::size_t i = 0; i < text.size(); ++i)
      all += "\\ufffd";
    CHECK(json_string(text) == all + '"');
  }
}

TEST_CASE("JSON objects have members of all types") {
  auto x = json_object{}
             .add("text", "a")
             .add("yes", true)
             .add("large", std::uint64_t{UINT64_MAX})
             .add("small", std::int64_t{-1})
             .add_null("nothing")
             .add("names", std::vector<std::string>{"x", "y"})
             .add("rows", std::vector<json_object>{json_object{}})
             .add("none", std::vector<std::string>{});
  CHECK(x.text()
        == R"({"text":"a","yes":true,"large":18446744073709551615,"small":-1,)"
           R"("nothing":null,"names":["x","y"],"rows":[{}],"none":[]})");
  CHECK(json_object{}.text() == "{}");
}

TEST_CASE("bytes that are not UTF-8 travel in base64") {
  auto text = [](const std::string& x) {
    return json_object{}.add_bytes("value", x).text();
  };
  CHECK(text("text") == R"({"value":"text"})");
  CHECK(text("\xff") == R"({"value_base64":"/w=="})");
  CHECK(text("\xff\xfe") == R"({"value_base64":"//4="})");
  CHECK(text("\xff\xfe\xfd") == R"({"value_base64":"//79"})");
  CHECK(text("\xff\xfe\xfd\xfc") == R"({"value_base64":"//79/A=="})");
}
