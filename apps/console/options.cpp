#include "apps/console/options.hpp"

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <optional>
#include <string_view>
#include <utility>

#include <troupe/messages/types/settings/command_line.hpp>

#include "apps/console/commands.hpp"
#include "apps/console/text/units.hpp"

namespace troupe::console {

namespace {

/// One above the server's own.
constexpr std::uint16_t default_port = 6381;

/// The options as they are read, in any order; the address follows at the end.
struct reading {
  options result;
  std::optional<std::string> socket;
  std::optional<std::string> host;
  std::optional<std::uint16_t> port;
  std::optional<std::string> password_file;
};

expected<void> read_socket(reading& to, const std::string& text) {
  if (text.empty())
    return fail(errc::invalid_argument, "--socket is empty");
  to.socket = text;
  return {};
}

expected<void> read_host(reading& to, const std::string& text) {
  if (text.empty())
    return fail(errc::invalid_argument, "--host is empty");
  to.host = text;
  return {};
}

expected<void> read_password_file(reading& to, const std::string& text) {
  to.password_file = text;
  return {};
}

expected<void> read_port(reading& to, const std::string& text) {
  std::uint16_t port = 0;
  const auto* const end = text.data() + text.size();
  const auto [stop, code] = std::from_chars(text.data(), end, port);
  if (code != std::errc{} || stop != end || port == 0)
    return fail(errc::invalid_argument,
                "--port is '" + text + "', but must be between 1 and 65535");
  to.port = port;
  return {};
}

expected<void> read_timeout(reading& to, const std::string& text) {
  auto timeout = parse_duration(text);
  if (!timeout)
    return fail(errc::invalid_argument, "--timeout: " + timeout.error().text());
  if (timeout->count() == 0 || *timeout > std::chrono::hours{24})
    return fail(errc::invalid_argument,
                "--timeout is '" + text + "', but must be between 1ms and 1d");
  to.result.timeout = *timeout;
  return {};
}

expected<void> read_line(reading& to, const std::string& text) {
  to.result.lines.push_back(text);
  return {};
}

expected<void> read_json(reading& to, const std::string&) {
  to.result.json = true;
  return {};
}

expected<void> read_yes(reading& to, const std::string&) {
  to.result.yes = true;
  return {};
}

expected<void> read_help(reading& to, const std::string&) {
  to.result.help = true;
  return {};
}

struct option {
  std::string_view name;
  std::string_view short_name;
  std::string_view placeholder; ///< Empty: takes no value.
  std::string_view help;
  expected<void> (*read)(reading& to, const std::string& value);
};

constexpr option table[] = {
  {"--socket", "", "PATH",
   "the server's Unix socket [the socket of the only\n"
   "                        server of this user]",
   read_socket},
  {"--host", "", "NAME", "address of a server with a console port [127.0.0.1]",
   read_host},
  {"--port", "-p", "N",
   "the console port, not the port for Redis clients [6381]", read_port},
  {"--password-file", "", "FILE",
   "file with the password of the console port in its\n"
   "                        first line; or set TROUPE_CONSOLE_PASSWORD",
   read_password_file},
  {"--timeout", "", "TIME",
   "how long to wait for the connection and for each\n"
   "                        answer: 500ms, 2s, 1m [2s]",
   read_timeout},
  {"--command", "-c", "LINE",
   "runs these commands, separated by ';', and exits;\n"
   "                        may be given several times",
   read_line},
  {"--json", "", "", "prints one JSON object per command, errors included",
   read_json},
  {"--yes", "-y", "",
   "asks for no confirmation on a terminal before clear,\n"
   "                        kill, drain and messages like them",
   read_yes},
  {"--help", "-h", "", "prints this text", read_help},
};

std::vector<settings::option_name> option_names() {
  std::vector<settings::option_name> result;
  for (const auto& x : table)
    result.push_back({.name = std::string{x.name.substr(2)},
                      .letter = x.short_name.empty() ? '\0' : x.short_name[1],
                      .placeholder = std::string{x.placeholder}});
  return result;
}

/// The first line of a file.
expected<std::string> first_line(const std::string& path) {
  std::ifstream file{path};
  std::string result;
  if (!std::getline(file, result) || result.empty())
    return fail(errc::invalid_argument,
                "--password-file: " + path
                  + " cannot be read, or its first line is empty");
  return result;
}

expected<std::optional<console_address>>
address_of(const reading& x, const std::string& inherited) {
  const bool by_port = x.host || x.port;
  if (x.socket && by_port)
    return fail(errc::invalid_argument,
                "--socket cannot be used together with --host or --port");
  if (x.socket)
    return console_socket{*x.socket};
  if (!by_port && x.password_file)
    return fail(errc::invalid_argument,
                "--password-file needs --host or --port: only a console port "
                "has a password");
  if (!by_port)
    return std::nullopt;
  console_port result{x.port.value_or(default_port),
                      x.host.value_or("127.0.0.1"), inherited};
  if (x.password_file) {
    auto line = first_line(*x.password_file);
    if (!line)
      return tl::unexpected{std::move(line.error())};
    result.password = std::move(*line);
  }
  if (result.password.empty())
    return fail(errc::invalid_argument,
                "a console port needs a password; set "
                "TROUPE_CONSOLE_PASSWORD, or name a file with --password-file. "
                "On the server's machine, omit --host and --port");
  return result;
}

} // namespace

expected<options> parse_options(const std::vector<std::string>& arguments,
                                const std::string& inherited) {
  const auto line = settings::read_command_line(arguments, option_names());
  if (!line)
    return tl::unexpected{line.error()};
  if (!line->words.empty())
    return fail(errc::invalid_argument,
                "unexpected argument '" + line->words.front()
                  + "'; commands follow -c, as in -c 'get KEY'");
  reading result;
  for (const auto& x : line->arguments) {
    const auto& found = table[x.option];
    if (found.placeholder.empty() && x.value)
      return fail(errc::invalid_argument, x.name + " takes no value");
    if (auto ok = found.read(result, x.value.value_or("")); !ok)
      return tl::unexpected{std::move(ok.error())};
  }
  if (result.result.help)
    return std::move(result.result);
  return address_of(result, inherited)
    .map([&](std::optional<console_address>&& x) {
      result.result.where = std::move(x);
      return std::move(result.result);
    });
}

std::string help_text() {
  std::string result
    = "usage: troupe-console [options] [-c LINE]...\n\n"
      "Shows and controls the actors of a running Troupe server. Without -c\n"
      "it reads commands from standard input, on a terminal with history and\n"
      "completion.\n\n"
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
    += "\nKeys and values take quotes as in a shell: 'as typed', \"with\n"
       "escapes\"; outside of '...', \\xNN is a byte, \\n \\r \\t \\0 \\\\ "
       "\\\" \\' are\n"
       "characters. A ';' outside of quotes separates commands.\n\n"
       "All commands given by -c are checked before the first one runs. The\n"
       "first command that fails ends the program, but not when commands are\n"
       "typed on a terminal.\n\n"
       "exit code: 0 all commands succeeded, 1 a command failed,\n"
       "2 wrong usage, 3 no connection to a server\n\n"
       "The history is kept in $XDG_STATE_HOME/troupe/console_history\n"
       "(default: ~/.local/state). Only its owner can read it.\n\n"
       "examples:\n"
       "  troupe-console -c 'ls; stat'\n"
       "  troupe-console --socket=/run/troupe.sock -c \"set greeting 'hello "
       "world' 5m\"\n"
       "  troupe-console -c 'drain 30s'\n";
  return result;
}

} // namespace troupe::console
