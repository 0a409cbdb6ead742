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

/// A command: its manual, how many arguments it takes, and its reader, which is called
/// with such a number of arguments only.
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
                  "ls takes -a and one PREFIX, but not " + quote_if_needed(x));
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
      return fail(errc::invalid_argument, "the interval must be at least 1ms");
    result.interval = *interval;
  }
  if (words.size() == 2) {
    const auto* const end = words[1].data() + words[1].size();
    const auto [stop, code]
      = std::from_chars(words[1].data(), end, result.frames);
    if (code != std::errc{} || stop != end || result.frames == 0)
      return fail(errc::invalid_argument,
                  "COUNT must be a number from 1 on, not "
                    + quote_if_needed(words[1]));
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
      return fail(
        errc::invalid_argument,
        "the TTL must be at least 1ms; omit it to use the region's TTL");
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
                                            "'loads' lists the numbers");
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
    return fail(errc::invalid_argument, "the deadline must be at least 1ms");
  result.deadline = *deadline;
  return result;
}

expected<command> read_send(arguments words) {
  send_command result{words[0], {}, {}};
  if (words.size() > 1 && words[1] != "help")
    result = {words[0], words[1], {words.begin() + 2, words.end()}};
  else if (words.size() > 2)
    return fail(errc::invalid_argument, "'help' takes no values");
  return result;
}

/// The argument at `index`; empty without one.
std::string optional_word(arguments words, std::size_t index) {
  return index < words.size() ? words[index] : std::string{};
}

const entry entries[] = {
  {{"help", "[COMMAND]", "explains a command, or lists all", ""},
   0,
   1,
   read_help},
  {{"ls", "[-a] [PREFIX]", "shows the tree of actors",
    "MAILBOX counts waiting messages, HANDLED finished messages and\n"
    "operations, RESTARTS survived crashes. MEMORY and KEYS are what the\n"
    "actor owns. The row of a region includes its shards.\n"
    "Topics have SUBSCRIBERS; their HANDLED counts published messages. The\n"
    "first 100 topics are shown.\n"
    "  -a      shows every shard\n"
    "  PREFIX  shows only actors whose name begins with it, also shards\n"},
   0,
   2,
   read_ls},
  {{"stat", "", "shows figures of the server and of each region",
    "MEMORY of a region counts its tables and entries; 'resident' counts the\n"
    "whole process. HANDLED counts messages and operations.\n"},
   0,
   0,
   [](arguments) -> expected<command> { return stat_command{}; }},
  {{"metrics", "[PREFIX]", "shows all counters, gauges and histograms",
    "Shows each metric with its labels and its meaning. Times and sizes have\n"
    "a unit. Of a histogram it shows the number of counted values, and the\n"
    "values that 50, 90 and 99 % of them do not exceed, each exact to 1/16.\n"
    "  PREFIX  shows only metrics whose name begins with it, as in\n"
    "          metrics troupe_region_\n"},
   0,
   1,
   [](arguments x) -> expected<command> {
     return metrics_command{x.empty() ? std::string{} : x[0]};
   }},
  {{"top", "[INTERVAL [COUNT]]", "shows what the actors do, again and again",
    "Shows the tree of actors with the messages and operations that each\n"
    "handled per second during the last interval, and the share of one\n"
    "processor that the process used. Enter or Ctrl-C stops it.\n"
    "  INTERVAL  time between two updates: 500ms, 2s, 1m; a number without a\n"
    "            unit counts seconds. Default: 2s.\n"
    "  COUNT     number of updates. Default: until it is stopped; 1 without a\n"
    "            terminal or with --json.\n"},
   0,
   2,
   read_top},
  {{"use", "REGION", "chooses the region of the commands on keys",
    "At the start it is db0 or, on a server without db0, the first region by\n"
    "name.\n"},
   1,
   1,
   [](arguments x) -> expected<command> { return use_command{x[0]}; }},
  {{"get", "KEY", "shows a value",
    "The value is shown in quotes, with escapes for bytes that are not\n"
    "printable ASCII. A key without a value shows (nil).\n"},
   1,
   1,
   [](arguments x) -> expected<command> { return get_command{x[0]}; }},
  {{"set", "KEY VALUE [TTL]", "stores a value",
    "  TTL  time to live: 500ms, 30s, 5m, 2h, 1d, 1h30m; a number without a\n"
    "       unit counts seconds. Default: the region's TTL.\n"
    "A region refuses set unless its values are strings or integers: only the\n"
    "program that opened the region can encode values of other types.\n"},
   2,
   3,
   read_set},
  {{"del", "KEY...", "removes keys", "Shows how many of the keys existed.\n"},
   1,
   any_number,
   [](arguments x) -> expected<command> {
     return del_command{{x.begin(), x.end()}};
   }},
  {{"clear", "[REGION]", "removes all keys of a region",
    "  REGION  default: the one that 'use' chose\n"
    "Asks for confirmation on a terminal, unless --yes was given.\n"},
   0,
   1,
   [](arguments x) -> expected<command> {
     return clear_command{optional_word(x, 0)};
   }},
  {{"invalidate", "TAG [REGION]", "removes all keys of a region with a tag",
    "Loads in flight that began before do not bring them back.\n"
    "  REGION  default: the one that 'use' chose\n"
    "Asks for confirmation on a terminal, unless --yes was given.\n"},
   1,
   2,
   [](arguments x) -> expected<command> {
     return invalidate_command{x[0], optional_word(x, 1)};
   }},
  {{"explain", "KEY [REGION]", "says why a key is present or missing",
    "Shows the state of the key, its load in flight, and what was recorded\n"
    "about it, newest first: erases, clears, invalidations, evictions,\n"
    "expiries and loads. Each shard keeps its last 256 events. A plain set\n"
    "is recorded only with the server's option record-sets.\n"
    "  REGION  default: the one that 'use' chose\n"},
   1,
   2,
   [](arguments x) -> expected<command> {
     return explain_command{x[0], optional_word(x, 1)};
   }},
  {{"regions", "", "lists the regions with their contents and limits",
    "CHARGED are the bytes that count against the LIMIT; MOST KEYS is the\n"
    "limit of the number of keys. LOADS counts loads in flight.\n"},
   0,
   0,
   [](arguments) -> expected<command> { return regions_command{}; }},
  {{"ttl", "KEY", "shows how long a value still lives",
    "'none' if the value does not expire, (nil) if the key has no value.\n"},
   1,
   1,
   [](arguments x) -> expected<command> { return ttl_command{x[0]}; }},
  {{"loads", "", "lists the loads in flight, oldest first",
    "LEFT is the time until the attempt's deadline. A load is FENCED when its\n"
    "key was changed or invalidated meanwhile: its result goes to the waiters\n"
    "and is not stored.\n"},
   0,
   0,
   [](arguments) -> expected<command> { return loads_command{}; }},
  {{"breakers", "", "lists the circuit breakers of the regions' loads",
    "An open breaker lets no load run, because its source has failed too "
    "often\n"
    "in a row. LEFT is the time until it lets one load through; that one\n"
    "decides whether it closes. REFUSED counts the loads that failed at "
    "once.\n"},
   0,
   0,
   [](arguments) -> expected<command> { return breakers_command{}; }},
  {{"cancel", "LOAD", "cancels a load; its waiters get an error",
    "  LOAD  a number from 'loads'\n"},
   1,
   1,
   read_cancel},
  {{"kill", "ACTOR", "ends an actor as a crash would, to test restarts",
    "Its supervisor starts it again. A shard keeps its keys.\n"
    "  ACTOR  a name from 'ls -a'\n"
    "Asks for confirmation on a terminal, unless --yes was given.\n"},
   1,
   1,
   [](arguments x) -> expected<command> { return kill_command{x[0]}; }},
  {{"restart", "ACTOR", "starts an actor that crashed too often and stays down",
    "Its crash count begins at zero again. A shard has the keys that it had;\n"
    "on a server with failed-shards=absent it is empty.\n"
    "  ACTOR  an actor that 'ls -a' shows as failed\n"},
   1,
   1,
   [](arguments x) -> expected<command> { return restart_command{x[0]}; }},
  {{"drain", "[DEADLINE]", "finishes the work in flight and stops the server",
    "Accepts no new clients, answers the present ones, and waits for loads\n"
    "in flight.\n"
    "  DEADLINE  time for clients and loads together: 500ms, 30s, 5m; a\n"
    "            number without a unit counts seconds. Default: 10s.\n"
    "Asks for confirmation on a terminal, unless --yes was given.\n"},
   0,
   1,
   read_drain},
  {{"nodes", "", "lists the programs that send requests to this server",
    "A node is an actor system, such as a console. It is listed while an\n"
    "actor of it that sent a request lives. ADDRESS is the node's address.\n"},
   0,
   0,
   [](arguments) -> expected<command> { return nodes_command{}; }},
  {{"send", "ACTOR [MESSAGE [VALUE...]]",
    "sends a message and shows the answer",
    "  ACTOR    a name from 'ls -a'\n"
    "  MESSAGE  without it, or with 'help', lists the messages that the actor\n"
    "           accepts, their fields as name:type (in brackets: with a\n"
    "           default), and the answers\n"
    "  VALUE    one for each field in order, or NAME=VALUE in any order\n"
    "When the values do not fit the message, nothing is sent, and the exit\n"
    "code is 2.\n"},
   1,
   any_number,
   read_send},
  {{"quit", "", "leaves the console; the end of the input does the same", ""},
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
