#include "apps/console/commands.hpp"

#include <charconv>
#include <cstddef>
#include <limits>
#include <span>
#include <utility>

#include <troupe/messages/types/text/suggest.hpp>

#include "apps/console/text/units.hpp"

namespace troupe::console {

namespace {

using arguments = std::span<const std::string>;

constexpr auto any_number = std::numeric_limits<std::size_t>::max();

/// A command with its manual, how many arguments it takes, and its reader,
/// which can rely on that number.
struct entry {
  manual about;
  std::size_t least;
  std::size_t most;
  expected<command> (*read)(arguments words);
};

expected<command> read_help(arguments words) {
  if (words.empty())
    return help_command{};
  if (find_manual(words[0]) == nullptr)
    return fail(errc::invalid_argument,
                "there is no command " + quote_if_needed(words[0])
                  + did_you_mean(words[0], command_names()));
  return help_command{words[0]};
}

expected<command> read_ls(arguments words) {
  ls_command result;
  for (const auto& x : words) {
    if (x == "-a" && !result.all)
      result.all = true;
    else if (!x.starts_with('-') && !x.empty() && result.prefix.empty())
      result.prefix = x;
    else
      return fail(errc::invalid_argument,
                  "ls does not know what " + quote_if_needed(x) + " is");
  }
  return result;
}

expected<command> read_top(arguments words) {
  top_command result;
  if (!words.empty()) {
    auto interval = parse_duration(words[0]);
    if (!interval)
      return tl::unexpected{std::move(interval.error())};
    if (interval->count() == 0)
      return fail(errc::invalid_argument, "an interval is at least 1ms");
    result.interval = *interval;
  }
  if (words.size() == 2) {
    const auto* const end = words[1].data() + words[1].size();
    const auto [stop, code]
      = std::from_chars(words[1].data(), end, result.frames);
    if (code != std::errc{} || stop != end || result.frames == 0)
      return fail(errc::invalid_argument,
                  quote_if_needed(words[1])
                    + " is not a number of pictures, 1 or more");
  }
  return result;
}

expected<command> read_set(arguments words) {
  set_command result{words[0], words[1], std::nullopt};
  if (words.size() == 3) {
    auto ttl = parse_duration(words[2]);
    if (!ttl)
      return tl::unexpected{std::move(ttl.error())};
    if (ttl->count() == 0)
      return fail(errc::invalid_argument,
                  "a TTL is at least 1ms; leave it out for the region's");
    result.ttl = *ttl;
  }
  return result;
}

expected<command> read_cancel(arguments words) {
  cancel_command result;
  const auto& text = words[0];
  const auto* const end = text.data() + text.size();
  const auto [stop, code] = std::from_chars(text.data(), end, result.load);
  if (code != std::errc{} || stop != end)
    return fail(errc::invalid_argument, quote_if_needed(text)
                                          + " is not the number of a load; "
                                            "'loads' shows the numbers");
  return result;
}

expected<command> read_drain(arguments words) {
  drain_command result;
  if (words.empty())
    return result;
  auto deadline = parse_duration(words[0]);
  if (!deadline)
    return tl::unexpected{std::move(deadline.error())};
  if (deadline->count() == 0)
    return fail(errc::invalid_argument, "a deadline is at least 1ms");
  result.deadline = *deadline;
  return result;
}

expected<command> read_send(arguments words) {
  send_command result{words[0], {}, {}};
  if (words.size() > 1 && words[1] != "help")
    result = {words[0], words[1], {words.begin() + 2, words.end()}};
  else if (words.size() > 2)
    return fail(errc::invalid_argument, "'help' takes nothing more");
  return result;
}

const entry entries[] = {
  {{"help", "[COMMAND]", "explains a command, or lists all", ""},
   0,
   1,
   read_help},
  {{"ls", "[-a] [PREFIX]", "the tree of actors",
    "MAILBOX counts messages that wait, HANDLED messages and operations done,\n"
    "RESTARTS crashes survived, MEMORY and KEYS what the actor owns. The "
    "shards\n"
    "of a region are added up in its row.\n"
    "Topics have SUBSCRIBERS, and under HANDLED the messages published; the\n"
    "first 100 are shown.\n"
    "  -a      shows every shard\n"
    "  PREFIX  shows only actors whose name begins so, shards included\n"},
   0,
   2,
   read_ls},
  {{"stat", "", "figures of the server and of each region",
    "MEMORY of a region is that of its tables and entries; 'resident' is that\n"
    "of the whole process. HANDLED counts messages and operations.\n"},
   0,
   0,
   [](arguments) -> expected<command> { return stat_command{}; }},
  {{"metrics", "[PREFIX]", "everything that is counted or measured",
    "Each metric with its labels and what it means; times and sizes have a\n"
    "unit. A histogram shows how many values it has counted, and which value\n"
    "50, 90 and 99 % of them do not exceed, exact to 1/16 of it.\n"
    "  PREFIX  shows only metrics whose name begins so: troupe_region_\n"},
   0,
   1,
   [](arguments x) -> expected<command> {
     return metrics_command{x.empty() ? std::string{} : x[0]};
   }},
  {{"top", "[INTERVAL [COUNT]]", "what the actors do, again and again",
    "The tree of actors with what each handled per second since the picture\n"
    "before, and how much of a processor the process used. Enter or Ctrl-C\n"
    "stops it.\n"
    "  INTERVAL  between two pictures: 500ms, 2s, 1m; a number alone counts\n"
    "            seconds. Default: 2s.\n"
    "  COUNT     how many pictures. Default: until it is stopped; one where\n"
    "            nobody is at a terminal.\n"},
   0,
   2,
   read_top},
  {{"use", "REGION", "chooses the region of get, set, del, ttl and clear",
    "At the start it is db0 or, on a server without one, the first by name.\n"},
   1,
   1,
   [](arguments x) -> expected<command> { return use_command{x[0]}; }},
  {{"get", "KEY", "shows a value",
    "The value stands between quotes, with escapes for what is not printable\n"
    "ASCII; (nil) when there is none.\n"},
   1,
   1,
   [](arguments x) -> expected<command> { return get_command{x[0]}; }},
  {{"set", "KEY VALUE [TTL]", "stores a value",
    "  TTL  how long it lives: 500ms, 30s, 5m, 2h, 1d, 1h30m; a number alone\n"
    "       counts seconds. Default: the region's.\n"
    "Refused where the values have a type whose bytes cannot be typed: only\n"
    "the program that opened the region can encode them.\n"},
   2,
   3,
   read_set},
  {{"del", "KEY...", "removes keys", "Shows how many of them there were.\n"},
   1,
   any_number,
   [](arguments x) -> expected<command> {
     return del_command{{x.begin(), x.end()}};
   }},
  {{"clear", "", "removes all keys of the region",
    "On a terminal it asks before, unless --yes was given.\n"},
   0,
   0,
   [](arguments) -> expected<command> { return clear_command{}; }},
  {{"ttl", "KEY", "how long a value still lives",
    "'none' when it does not expire, (nil) when there is no such key.\n"},
   1,
   1,
   [](arguments x) -> expected<command> { return ttl_command{x[0]}; }},
  {{"loads", "", "the loads in flight, oldest first",
    "LEFT is the time until the attempt's deadline. The result of a fenced "
    "load\n"
    "goes to those who wait, but is not stored: the key has changed "
    "meanwhile.\n"},
   0,
   0,
   [](arguments) -> expected<command> { return loads_command{}; }},
  {{"cancel", "LOAD", "gives up a load; those who wait get an error",
    "  LOAD  a number from 'loads'\n"},
   1,
   1,
   read_cancel},
  {{"kill", "ACTOR", "ends an actor as a crash would, to rehearse one",
    "Its supervisor starts it again. A shard keeps its keys.\n"
    "  ACTOR  a name from 'ls -a'\n"
    "On a terminal it asks before, unless --yes was given.\n"},
   1,
   1,
   [](arguments x) -> expected<command> { return kill_command{x[0]}; }},
  {{"restart", "ACTOR", "starts an actor that crashed too often and stays down",
    "As if it had never crashed. A shard has the keys that it had, unless the\n"
    "server runs with failed-shards=absent, where it is empty.\n"
    "  ACTOR  one that 'ls -a' shows as failed\n"},
   1,
   1,
   [](arguments x) -> expected<command> { return restart_command{x[0]}; }},
  {{"drain", "[DEADLINE]", "finishes what is in flight and stops the server",
    "Takes no clients any more, answers those that there are, and waits for\n"
    "the loads in flight.\n"
    "  DEADLINE  how long clients and loads may take together: 500ms, 30s, "
    "5m;\n"
    "            a number alone counts seconds. Default: 10s.\n"
    "On a terminal it asks before, unless --yes was given.\n"},
   0,
   1,
   read_drain},
  {{"nodes", "", "the other programs that ask this server",
    "Actor systems, such as consoles, of which an actor has asked something\n"
    "and still lives; ADDRESS is theirs.\n"},
   0,
   0,
   [](arguments) -> expected<command> { return nodes_command{}; }},
  {{"send", "ACTOR [MESSAGE [VALUE...]]",
    "sends a message and shows the answer",
    "  ACTOR    a name from 'ls -a'\n"
    "  MESSAGE  what to say; without it, or with 'help', shows what the actor\n"
    "           takes: messages, their fields as name:type, with a default\n"
    "           between brackets, and the answer\n"
    "  VALUE    one for each field in turn, or NAME=VALUE for a field by name\n"
    "Exit code 2 when the values make no message; nothing is sent then.\n"},
   1,
   any_number,
   read_send},
  {{"quit", "", "leaves the console (as does the end of the input)", ""},
   0,
   0,
   [](arguments) -> expected<command> { return quit_command{}; }},
};

const entry* find_entry(std::string_view name) {
  for (const auto& x : entries)
    if (x.about.name == name)
      return &x;
  return nullptr;
}

tl::unexpected<error> wrong_use(const entry& which, const std::string& why) {
  return fail(errc::invalid_argument, why + "\nusage: " + which.about.usage());
}

} // namespace

std::string manual::usage() const {
  std::string result{name};
  if (!arguments.empty())
    result += " " + std::string{arguments};
  return result;
}

const std::vector<manual>& manuals() {
  static const std::vector<manual> all = [] {
    std::vector<manual> result;
    for (const auto& x : entries)
      result.push_back(x.about);
    return result;
  }();
  return all;
}

const manual* find_manual(std::string_view name) {
  const auto* found = find_entry(name);
  return found == nullptr ? nullptr : &found->about;
}

std::vector<std::string> command_names() {
  std::vector<std::string> result;
  for (const auto& x : entries)
    result.emplace_back(x.about.name);
  return result;
}

expected<command> parse_command(const word_list& words) {
  const auto& name = words.front();
  const auto* found = find_entry(name);
  if (found == nullptr)
    return fail(errc::invalid_argument, "unknown command "
                                          + quote_if_needed(name)
                                          + did_you_mean(name, command_names())
                                          + "\n'help' lists the commands");
  const auto rest = arguments{words}.subspan(1);
  if (rest.size() < found->least)
    return wrong_use(*found, name + ": an argument is missing");
  if (rest.size() > found->most)
    return wrong_use(*found, name + ": too many arguments");
  auto result = found->read(rest);
  if (!result)
    return wrong_use(*found, result.error().text());
  return result;
}

expected<std::vector<command>> parse_line(std::string_view line) {
  auto all = split(line);
  if (!all)
    return tl::unexpected{std::move(all.error())};
  std::vector<command> result;
  for (const auto& words : *all) {
    auto parsed = parse_command(words);
    if (!parsed)
      return tl::unexpected{std::move(parsed.error())};
    result.push_back(std::move(*parsed));
  }
  return result;
}

} // namespace troupe::console
