#include "apps/console/options.hpp"

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <optional>
#include <string_view>
#include <utility>

#include <troupe/messages/types/suggest.hpp>

#include "apps/console/commands.hpp"
#include "apps/console/units.hpp"

namespace troupe::console {

namespace {

expected<void> read_host(options& to, const std::string& text) {
  if (text.empty())
    return fail(errc::invalid_argument, "--host is empty");
  to.host = text;
  return {};
}

expected<void> read_port(options& to, const std::string& text) {
  std::uint16_t port = 0;
  const auto* const end = text.data() + text.size();
  const auto [stop, code] = std::from_chars(text.data(), end, port);
  if (code != std::errc{} || stop != end || port == 0)
    return fail(errc::invalid_argument,
                "--port is '" + text + "', but must be between 1 and 65535");
  to.port = port;
  return {};
}

expected<void> read_timeout(options& to, const std::string& text) {
  auto timeout = parse_duration(text);
  if (!timeout)
    return fail(errc::invalid_argument, "--timeout: " + timeout.error().text());
  if (timeout->count() == 0 || *timeout > std::chrono::hours{24})
    return fail(errc::invalid_argument,
                "--timeout is '" + text + "', but must be between 1ms and 1d");
  to.timeout = *timeout;
  return {};
}

expected<void> read_line(options& to, const std::string& text) {
  to.lines.push_back(text);
  return {};
}

expected<void> read_json(options& to, const std::string&) {
  to.json = true;
  return {};
}

expected<void> read_yes(options& to, const std::string&) {
  to.yes = true;
  return {};
}

expected<void> read_help(options& to, const std::string&) {
  to.help = true;
  return {};
}

struct option {
  std::string_view name;
  std::string_view short_name;
  std::string_view placeholder; ///< Empty: takes no value.
  std::string_view help;
  expected<void> (*read)(options& to, const std::string& value);
};

constexpr option table[] = {
  {"--host", "", "NAME", "the server's address [127.0.0.1]", read_host},
  {"--port", "", "N", "its console port, not that of its clients [6381]",
   read_port},
  {"--timeout", "", "TIME",
   "how long to wait for the connection and for each\n"
   "                        answer: 500ms, 2s, 1m [2s]",
   read_timeout},
  {"--command", "-c", "LINE",
   "runs these commands, separated by ';', and ends;\n"
   "                        may be given several times",
   read_line},
  {"--json", "", "", "prints one JSON object per command, errors included",
   read_json},
  {"--yes", "-y", "",
   "does not ask on a terminal before clear, kill and\n"
   "                        drain",
   read_yes},
  {"--help", "-h", "", "this text", read_help},
};

const option* find_option(std::string_view name) {
  for (const auto& x : table)
    if (x.name == name || (!x.short_name.empty() && x.short_name == name))
      return &x;
  return nullptr;
}

tl::unexpected<error> needs_value(const option& which,
                                  const std::string& name) {
  const char* const sign = name.starts_with("--") ? "=" : " ";
  return fail(errc::invalid_argument, name + " needs a value (" + name + sign
                                        + std::string{which.placeholder} + ")");
}

tl::unexpected<error> unknown(const std::string& argument,
                              const std::string& name) {
  if (!name.starts_with('-'))
    return fail(errc::invalid_argument,
                "unexpected argument '" + argument
                  + "'; commands follow -c, as in -c 'get KEY'");
  std::vector<std::string> names;
  for (const auto& x : table)
    names.emplace_back(x.name);
  return fail(errc::invalid_argument,
              "unknown option '" + name + "'" + did_you_mean(name, names));
}

} // namespace

expected<options> parse_options(const std::vector<std::string>& arguments) {
  options result;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const auto& argument = arguments[i];
    const auto sign = argument.find('=');
    const auto name = argument.substr(0, sign);
    const auto* found = find_option(name);
    if (found == nullptr)
      return unknown(argument, name);
    std::optional<std::string> value;
    if (sign != std::string::npos)
      value = argument.substr(sign + 1);
    if (found->placeholder.empty()) {
      if (value)
        return fail(errc::invalid_argument, name + " takes no value");
    } else if (!value) {
      if (++i == arguments.size())
        return needs_value(*found, name);
      value = arguments[i];
    }
    if (auto ok = found->read(result, value.value_or("")); !ok)
      return tl::unexpected{std::move(ok.error())};
  }
  return result;
}

std::string help_text() {
  std::string result
    = "usage: troupe-console [options] [-c LINE]...\n\n"
      "Supervises a running Troupe server. Without -c it reads commands from\n"
      "the standard input; on a terminal with history and completion.\n\n"
      "options [defaults]:\n";
  auto add = [&](std::string left, std::string_view right, std::size_t width) {
    left.resize(std::max(left.size() + 2, width), ' ');
    result += left + std::string{right} + "\n";
  };
  for (const auto& x : table) {
    auto left = "  "
                + (x.short_name.empty() ? "" : std::string{x.short_name} + ", ")
                + std::string{x.name};
    if (!x.placeholder.empty())
      left += "=" + std::string{x.placeholder};
    add(std::move(left), x.help, 24);
  }
  result += "\ncommands:\n";
  for (const auto& x : manuals()) {
    add("  " + x.usage(), x.title, 24);
    for (std::string_view rest = x.text; !rest.empty();) {
      const auto end = rest.find('\n');
      result += "      " + std::string{rest.substr(0, end)} + "\n";
      rest.remove_prefix(end + 1);
    }
  }
  result
    += "\nKeys and values take quotes as in a shell: 'as it stands', \"with\n"
       "escapes\"; outside of '...', \\xNN is a byte, \\n \\r \\t \\0 \\\\ "
       "\\\" \\' are\n"
       "characters. A ';' outside of quotes separates commands.\n\n"
       "All commands given by -c are checked before the first one runs. The "
       "first\n"
       "command that fails ends the program, unless they are typed on a "
       "terminal.\n\n"
       "exit code: 0 all went well, 1 a command failed, 2 wrong usage,\n"
       "3 no connection to a server\n\n"
       "The history is kept in $XDG_STATE_HOME/troupe/console_history "
       "(default\n"
       "~/.local/state), for its owner only.\n\n"
       "examples:\n"
       "  troupe-console -c 'ls; stat'\n"
       "  troupe-console --port=7001 -c \"set greeting 'hello world' 5m\"\n"
       "  troupe-console -c 'drain 30s'\n";
  return result;
}

} // namespace troupe::console
