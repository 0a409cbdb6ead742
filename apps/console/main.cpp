// troupe-console: looks into a running Troupe server and supervises it.

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <iterator>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <variant>
#include <vector>

#include <poll.h>
#include <unistd.h>

#include "apps/console/answer.hpp"
#include "apps/console/colours.hpp"
#include "apps/console/commands.hpp"
#include "apps/console/connection.hpp"
#include "apps/console/line_editor.hpp"
#include "apps/console/options.hpp"
#include "apps/console/session.hpp"
#include "apps/console/views.hpp"

namespace {

using namespace troupe::console;

void print(std::FILE* to, const std::string& text) {
  std::fwrite(text.data(), 1, text.size(), to);
  std::fflush(to);
}

void complain(const std::string& text) {
  print(stderr, wants_colours(STDERR_FILENO) ? painted_complaint(text) : text);
}

exit_code refuse(const troupe::error& reason, const std::string& hint = {}) {
  complain("error: " + reason.text() + "\n" + hint);
  return wrong_usage;
}

/// Waits; false when somebody pressed Enter meanwhile, or closed the input.
bool wait(std::chrono::milliseconds time) {
  pollfd input{STDIN_FILENO, POLLIN, 0};
  if (poll(&input, 1, static_cast<int>(time.count())) <= 0)
    return true;
  std::string ignored;
  std::getline(std::cin, ignored);
  return false;
}

/// Shows one picture after the other, on a terminal in place of the last.
exit_code run_top(session& with, const top_command& what) {
  const auto live = on_terminal();
  // A picture since the process began says little; here is where to count from.
  if (auto first = with.run(what, 0); first.code != succeeded) {
    complain(first.complaint);
    return first.code;
  }
  const auto frames = what.frames == 0 && !live ? 1 : what.frames;
  for (std::size_t i = 0; frames == 0 || i < frames; ++i) {
    if (live) {
      if (!wait(what.interval))
        break;
    } else {
      std::this_thread::sleep_for(what.interval);
    }
    const auto result = with.run(what, terminal_width());
    print(stdout, (live ? "\033[H\033[2J" : "") + result.text);
    complain(result.complaint);
    if (result.code != succeeded)
      return result.code;
    if (live)
      print(stdout, "\nEnter stops\n");
  }
  return succeeded;
}

/// Runs commands until one fails.
exit_code run(session& with, const std::vector<command>& commands) {
  for (const auto& x : commands) {
    if (const auto* top = std::get_if<top_command>(&x)) {
      if (const auto code = run_top(with, *top); code != succeeded)
        return code;
      continue;
    }
    const auto result = with.run(x, terminal_width());
    print(stdout, result.text);
    complain(result.complaint);
    if (result.code != succeeded || with.over())
      return result.code;
  }
  return succeeded;
}

exit_code run_lines(session& with, const std::vector<std::string>& lines) {
  std::vector<command> all;
  for (const auto& line : lines) {
    auto commands = parse_line(line);
    if (!commands)
      return refuse(commands.error());
    all.insert(all.end(), commands->begin(), commands->end());
  }
  return run(with, all);
}

exit_code run_input(session& with) {
  std::string line;
  while (!with.over() && std::getline(std::cin, line)) {
    auto commands = parse_line(line);
    if (!commands)
      return refuse(commands.error());
    if (auto code = run(with, *commands); code != succeeded)
      return code;
  }
  return succeeded;
}

/// The messages that an actor takes.
std::vector<std::string> message_names(connection& peer,
                                       const std::string& actor) {
  std::vector<std::string> result;
  if (!peer.is_open())
    return result;
  if (const auto kind = peer.kind_of(actor)) {
    result.emplace_back("help");
    for (const auto& x : troupe::forms_of(*kind))
      result.push_back(x.name);
  }
  return result;
}

/// What can follow the words of a command.
std::vector<std::string> candidates(connection& peer,
                                    const std::vector<std::string>& before) {
  if (before.size() == 2 && before[0] == "send")
    return message_names(peer, before[1]);
  if (before.empty() || (before.size() == 1 && before[0] == "help"))
    return command_names();
  // The commands that take the name of an actor.
  static constexpr std::string_view naming[] = {"kill", "ls", "send", "use"};
  const auto& name = before[0];
  const bool takes_name
    = before.size() == 1
      || (name == "ls" && before.size() == 2 && before[1] == "-a");
  if (!takes_name || std::find(std::begin(naming), std::end(naming), name)
                          == std::end(naming)
      || !peer.is_open())
    return {};
  std::vector<std::string> result;
  if (auto all = peer.ask(troupe::list_actors_request{}))
    for (const auto& x : all->actors)
      if (name != "use" || x.kind == "region")
        result.push_back(quote_if_needed(x.name));
  return result;
}

void run_terminal(session& with, connection& peer) {
  print(stdout, "'help' lists the commands, Tab completes\n");
  if (auto opened = peer.open(); !opened)
    complain(text_of(opened.error()));
  line_editor editor{[&](auto& before) { return candidates(peer, before); }};
  while (!with.over()) {
    auto line = editor.read(quote_if_needed(with.region()) + "> ");
    if (!line) {
      print(stdout, "\n");
      return;
    }
    auto commands = parse_line(*line);
    if (!commands)
      refuse(commands.error());
    else
      run(with, *commands);
  }
}

exit_code run_console(const std::vector<std::string>& arguments) {
  const auto* inherited = std::getenv("TROUPE_CONSOLE_PASSWORD");
  auto chosen = parse_options(arguments, inherited != nullptr ? inherited : "");
  if (!chosen)
    return refuse(chosen.error(), "Try 'troupe-console --help'.\n");
  if (chosen->help) {
    print(stdout, help_text());
    return succeeded;
  }
  const bool interactive = chosen->lines.empty() && on_terminal();
  connection peer{{chosen->where, chosen->timeout},
                  [&](const std::string& where) {
                    if (interactive)
                      print(stdout, "connected to " + where + "\n");
                  }};
  session with{peer, chosen->json, wants_colours(STDOUT_FILENO)};
  if (!chosen->lines.empty())
    return run_lines(with, chosen->lines);
  if (!interactive)
    return run_input(with);
  run_terminal(with, peer);
  return succeeded;
}

} // namespace

int main(int argc, char** argv) {
  try {
    return run_console({argv + 1, argv + argc});
  } catch (const std::exception& problem) {
    std::fprintf(stderr, "error: %s\n", problem.what());
    return failed;
  }
}
