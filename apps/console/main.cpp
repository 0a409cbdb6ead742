// troupe-console: shows and controls the actors of a running Troupe server.

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <variant>
#include <vector>

#include <poll.h>
#include <unistd.h>

#include <troupe/messages/interface_forms.hpp>

#include "apps/console/commands.hpp"
#include "apps/console/line_editor.hpp"
#include "apps/console/options.hpp"
#include "apps/console/peer/answer.hpp"
#include "apps/console/peer/connection.hpp"
#include "apps/console/session.hpp"
#include "apps/console/text/colours.hpp"
#include "apps/console/views/views.hpp"

namespace {

using namespace troupe::console;

void print(std::FILE* to, const std::string& text) {
  std::fwrite(text.data(), 1, text.size(), to);
  std::fflush(to);
}

void complain(const std::string& text) {
  print(stderr, wants_colours(STDERR_FILENO) ? painted_complaint(text) : text);
}

/// How the program prints and asks.
struct manners {
  bool json = false;
  bool interactive = false; ///< Lines are typed one by one.
  bool asks = false;        ///< Asks before commands that cannot be undone.
};

exit_code refuse(const troupe::error& reason, const manners& how,
                 const std::string& hint = {}) {
  if (how.json)
    print(stdout, json_of(failure{wrong_usage, reason}).text() + "\n");
  else
    complain("error: " + reason.text() + "\n" + hint);
  return wrong_usage;
}

exit_code show(const outcome& x) {
  print(stdout, x.text);
  complain(x.complaint);
  return x.code;
}

/// How long the program may take to notice a Ctrl-C whose signal went to another thread.
constexpr std::chrono::milliseconds interrupt_poll{100};

/// Ctrl-D on a terminal ends one answer, not all input: the next question reads again.
void forget_end() {
  if (isatty(STDIN_FILENO) == 0)
    return;
  std::cin.clear();
  std::clearerr(stdin);
}

/// Waits; false when Enter or Ctrl-C was pressed, or the input ended.
bool wait(std::chrono::milliseconds time) {
  const auto until = std::chrono::steady_clock::now() + time;
  for (;;) {
    if (interrupt_guard::take())
      return false;
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(
      until - std::chrono::steady_clock::now());
    if (left.count() <= 0)
      return true;
    pollfd input{STDIN_FILENO, POLLIN, 0};
    if (poll(&input, 1,
             static_cast<int>(std::min(left, interrupt_poll).count()))
        <= 0)
      continue;
    std::string ignored;
    std::getline(std::cin, ignored);
    forget_end();
    return false;
  }
}

/// Whether the user agrees. Ctrl-C and the end of the input mean no.
bool agreed(const std::string& question) {
  const interrupt_guard guard;
  print(stderr, question + " [y/N] ");
  std::string reply;
  for (;;) {
    pollfd input{STDIN_FILENO, POLLIN, 0};
    const auto ready
      = poll(&input, 1, static_cast<int>(interrupt_poll.count())) > 0;
    if (interrupt_guard::take()) {
      print(stderr, "\n");
      return false;
    }
    if (ready)
      break;
  }
  std::getline(std::cin, reply);
  forget_end();
  return reply == "y" || reply == "Y" || reply == "yes";
}

/// Prints one update after the other; on a terminal each replaces the last.
exit_code run_top(session& with, const top_command& what, const manners& how) {
  const auto live = on_terminal() && !how.json;
  // Enter and Ctrl-C stop it. Otherwise Ctrl-C ends the program, as usual.
  const auto stoppable = live || how.interactive;
  std::optional<interrupt_guard> guard;
  if (how.interactive)
    guard.emplace();
  // Not printed: it would cover the time since the process began. It is the start for
  // the first interval.
  if (auto first = with.run(what, 0); first.code != succeeded)
    return show(first);
  const auto frames = what.frames == 0 && !live ? 1 : what.frames;
  for (std::size_t i = 0; frames == 0 || i < frames; ++i) {
    if (stoppable) {
      if (!wait(what.interval)) {
        print(stdout, "\n");
        break;
      }
    } else {
      std::this_thread::sleep_for(what.interval);
    }
    const auto result = with.run(what, terminal_width());
    print(stdout, (live ? "\033[H\033[2J" : "") + result.text);
    complain(result.complaint);
    if (result.code != succeeded)
      return result.code;
    if (live)
      print(stdout, "\nEnter stops it\n");
  }
  return succeeded;
}

/// Runs commands until one fails.
exit_code run(session& with, const std::vector<command>& commands,
              const manners& how) {
  for (const auto& x : commands) {
    // Pressed before the command began, or during the one before it.
    if (how.interactive && interrupt_guard::take()) {
      print(stdout, "\n");
      return failed;
    }
    if (const auto* top = std::get_if<top_command>(&x)) {
      if (const auto code = run_top(with, *top, how); code != succeeded)
        return code;
      continue;
    }
    if (how.asks)
      if (const auto question = with.question(x);
          !question.empty() && !agreed(question))
        return show(with.report(
          {failed,
           {troupe::errc::invalid_argument,
            "not confirmed, so nothing was done; with --yes no question is "
            "asked"}}));
    std::optional<interrupt_release> release;
    if (how.interactive)
      release.emplace();
    const auto code = show(with.run(x, terminal_width()));
    if (code != succeeded || with.over())
      return code;
  }
  return succeeded;
}

exit_code run_lines(session& with, const std::vector<std::string>& lines,
                    const manners& how) {
  std::vector<command> all;
  for (const auto& line : lines) {
    auto commands = parse_line(line);
    if (!commands)
      return refuse(commands.error(), how);
    all.insert(all.end(), commands->begin(), commands->end());
  }
  return run(with, all, how);
}

exit_code run_input(session& with, const manners& how) {
  std::string line;
  while (!with.over() && std::getline(std::cin, line)) {
    auto commands = parse_line(line);
    if (!commands)
      return refuse(commands.error(), how);
    if (auto code = run(with, *commands, how); code != succeeded)
      return code;
  }
  return succeeded;
}

/// The messages that an actor accepts.
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

/// The loads that can be cancelled.
std::vector<std::string> load_numbers(connection& peer) {
  std::vector<std::string> result;
  if (!peer.is_open())
    return result;
  if (const auto all = peer.ask(troupe::list_loads_request{}))
    for (const auto& x : all->loads)
      result.push_back(std::to_string(x.id));
  return result;
}

/// What can follow the words of a command.
std::vector<std::string> candidates(connection& peer,
                                    const std::vector<std::string>& before) {
  if (before.size() == 2 && before[0] == "send")
    return message_names(peer, before[1]);
  if (before.empty() || (before.size() == 1 && before[0] == "help"))
    return command_names();
  const auto& name = before[0];
  if (name == "cancel" && before.size() == 1)
    return load_numbers(peer);
  // The commands that have the name of an actor as their argument.
  static constexpr std::string_view naming[]
    = {"clear", "kill", "ls", "restart", "send", "use"};
  const bool takes_name
    = (before.size() == 1
       && std::find(std::begin(naming), std::end(naming), name)
            != std::end(naming))
      || (before.size() == 2
          && ((name == "ls" && before[1] == "-a") || name == "explain"
              || name == "invalidate"));
  if (!takes_name || !peer.is_open())
    return {};
  const bool wants_region = name == "use" || name == "clear"
                            || name == "explain" || name == "invalidate";
  std::vector<std::string> result;
  if (auto all = peer.ask(troupe::list_actors_request{}))
    for (const auto& x : all->actors)
      if (!wants_region || x.kind == "region")
        result.push_back(quote_if_needed(x.name));
  return result;
}

void run_terminal(session& with, connection& peer, const manners& how) {
  print(stdout, "'help' lists the commands, Tab completes\n");
  if (auto opened = peer.open(); !opened)
    show(with.report(opened.error()));
  line_editor editor{[&](auto& before) { return candidates(peer, before); }};
  const interrupt_guard guard;
  while (!with.over()) {
    if (peer.is_open())
      with.look_for_region();
    const auto& region = with.region();
    auto line
      = editor.read((region.empty() ? region : quote_if_needed(region)) + "> ");
    if (!line) {
      print(stdout, "\n");
      return;
    }
    auto commands = parse_line(*line);
    if (!commands)
      refuse(commands.error(), how);
    else
      run(with, *commands, how);
  }
}

exit_code run_console(const std::vector<std::string>& arguments) {
  const auto* inherited = std::getenv("TROUPE_CONSOLE_PASSWORD");
  auto chosen = parse_options(arguments, inherited != nullptr ? inherited : "");
  if (!chosen) {
    const auto json = std::find(arguments.begin(), arguments.end(), "--json")
                      != arguments.end();
    return refuse(chosen.error(), {json}, "Try 'troupe-console --help'.\n");
  }
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
  const manners how{chosen->json, interactive,
                    !chosen->yes && isatty(STDIN_FILENO) != 0};
  if (!chosen->lines.empty())
    return run_lines(with, chosen->lines, how);
  if (!interactive)
    return run_input(with, how);
  run_terminal(with, peer, how);
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
