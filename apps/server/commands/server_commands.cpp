// The commands about the server: COMMAND, INFO, DBSIZE, FLUSHALL, SHUTDOWN.

#include <algorithm>
#include <array>
#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include <troupe/actors/regions/region_declared.hpp>
#include <troupe/messages/types/text/glob.hpp>
#include <troupe/messages/types/text/words.hpp>

#include "apps/resp/error_text.hpp"
#include "apps/server/calls/atomic_section.hpp"
#include "apps/server/calls/command_call.hpp"
#include "apps/server/clients/client.hpp"
#include "apps/server/commands/command_table.hpp"
#include "apps/server/commands/families.hpp"
#include "apps/server/leases/lease_desk.hpp"
#include "apps/server/state/info.hpp"
#include "apps/server/state/server_state.hpp"

namespace troupe::server {

namespace error_text = resp::error_text;

namespace {

using flag = command_flag;

// -- the database ------------------------------------------------------------------

void dbsize(command_call& call) {
  call.reply.integer(static_cast<std::int64_t>(call.db.size()));
}

// ASYNC and SYNC are understood; it takes the same time either way.
template <class F>
void flush(command_call& call, F clear) {
  const auto words = call.words;
  if (words.size() > 2
      || (words.size() == 2 && !same_word(words[1], "sync")
          && !same_word(words[1], "async")))
    return call.reply.error(error_text::syntax);
  atomic_section section{call.self};
  add_keys(call, section);
  if (const auto begun = section.begin(); !begun)
    return reply_error(call, begun.error());
  if (const expected<void> cleared = clear(); !cleared)
    return reply_error(call, cleared.error());
  call.reply.ok();
}

void flushdb(command_call& call) {
  flush(call, [&call] {
    return call.db.clear().map(
      [&call] { call.server.leases->cleared(call.db); });
  });
}

void flushall(command_call& call) {
  flush(call, [&call] {
    expected<void> result;
    call.server.databases.for_each([&](std::size_t, region& x) {
      if (result)
        result = x.clear().map([&] { call.server.leases->cleared(x); });
    });
    return result;
  });
}

void time(command_call& call) {
  using namespace std::chrono;
  const auto now
    = duration_cast<microseconds>(system_clock::now().time_since_epoch());
  call.reply.array(2);
  call.reply.bulk(std::to_string(now.count() / 1'000'000));
  call.reply.bulk(std::to_string(now.count() % 1'000'000));
}

void info(command_call& call) {
  call.reply.verbatim(info_text(call.server, call.words.subspan(1)));
}

// -- SHUTDOWN ----------------------------------------------------------------------

// SHUTDOWN [NOSAVE | SAVE] [NOW] [FORCE] [ABORT]. There is nothing to save, so that
// all but ABORT mean the same. It has no reply: the connection closes.
void shutdown(command_call& call) {
  const auto options = call.words.subspan(1);
  const auto has = [options](std::string_view wanted) {
    return std::any_of(options.begin(), options.end(),
                       [&](bytes_view x) { return same_word(x, wanted); });
  };
  constexpr std::array<std::string_view, 4> hows{"save", "nosave", "now",
                                                 "force"};
  const auto is_how = [&](bytes_view x) {
    return std::any_of(hows.begin(), hows.end(),
                       [&](auto y) { return same_word(x, y); });
  };
  const auto aborts = has("abort");
  const auto ends = std::any_of(options.begin(), options.end(), is_how);
  const auto known
    = std::all_of(options.begin(), options.end(), [&](bytes_view x) {
        return is_how(x) || same_word(x, "abort");
      });
  if (!known || (aborts && ends) || (has("save") && has("nosave")))
    return call.reply.error(error_text::syntax);
  if (aborts)
    return call.reply.error(error_text::no_shutdown);
  if (!call.server.options.may_shut_down)
    return call.reply.error(error_text::no_shutdown_here);
  call.server.shutdown_asked = true;
  call.self.leaving = true;
}

// -- COMMAND -----------------------------------------------------------------------

struct flag_name {
  flag bit;
  std::string_view text;
};

constexpr std::array flag_names{
  flag_name{flag::write, "write"},
  flag_name{flag::readonly, "readonly"},
  flag_name{flag::denyoom, "denyoom"},
  flag_name{flag::admin, "admin"},
  flag_name{flag::pubsub, "pubsub"},
  flag_name{flag::blocking, "blocking"},
  flag_name{flag::noscript, "noscript"},
  flag_name{flag::loading, "loading"},
  flag_name{flag::stale, "stale"},
  flag_name{flag::skip_slowlog, "skip_slowlog"},
  flag_name{flag::fast, "fast"},
  flag_name{flag::no_auth, "no_auth"},
  flag_name{flag::no_multi, "no_multi"},
  flag_name{flag::allow_busy, "allow_busy"},
};

void reply_words(command_call& call,
                 const std::vector<std::string_view>& words) {
  call.reply.set(words.size());
  for (const auto& x : words)
    call.reply.simple(x);
}

std::vector<std::string_view> names_of(command_flags flags) {
  std::vector<std::string_view> result;
  for (const auto& x : flag_names)
    if (flags.has(x.bit))
      result.push_back(x.text);
  return result;
}

template <std::size_t N>
bool is_one_of(std::string_view x,
               const std::array<std::string_view, N>& names) noexcept {
  return std::find(names.begin(), names.end(), x) != names.end();
}

// In Redis's order. What neither flags nor group tell is told by name.
std::vector<std::string_view> categories_of(const command& x) {
  static constexpr std::array<std::string_view, 3> keyspace{
    "dbsize", "flushall", "flushdb"};
  static constexpr std::array<std::string_view, 4> dangerous{
    "flushall", "flushdb", "info", "keys"};
  const auto container = x.name.substr(0, x.name.find('|'));
  const bool is_connection
    = container == "command" || (x.group == "connection" && x.name != "client");
  std::vector<std::string_view> result;
  const auto add = [&result](bool wanted, std::string_view name) {
    if (wanted)
      result.push_back(name);
  };
  add(x.group == "generic" || is_one_of(x.name, keyspace), "@keyspace");
  add(x.flags.has(flag::readonly), "@read");
  add(x.flags.has(flag::write), "@write");
  add(x.group == "string", "@string");
  add(x.flags.has(flag::pubsub), "@pubsub");
  add(x.flags.has(flag::admin), "@admin");
  add(true, x.flags.has(flag::fast) ? "@fast" : "@slow");
  add(x.flags.has(flag::blocking), "@blocking");
  add(x.flags.has(flag::admin) || is_one_of(x.name, dangerous), "@dangerous");
  add(is_connection, "@connection");
  add(x.group == "transactions", "@transaction");
  return result;
}

// The ten fields of Redis 7; tips and key specifications stay empty.
void reply_details(command_call& call, const command& x) {
  call.reply.array(10);
  call.reply.bulk(x.name);
  call.reply.integer(x.arity);
  reply_words(call, names_of(x.flags));
  call.reply.integer(x.keys.first);
  call.reply.integer(x.keys.last);
  call.reply.integer(x.keys.step);
  reply_words(call, categories_of(x));
  call.reply.set(0);
  call.reply.set(0);
  if (x.subcommands.empty())
    return call.reply.set(0);
  call.reply.array(x.subcommands.size());
  for (const auto& sub : x.subcommands)
    reply_details(call, sub);
}

void reply_docs(command_call& call, const command& x) {
  const auto has_more = !x.subcommands.empty();
  call.reply.bulk(x.name);
  call.reply.map(has_more ? 4 : 3);
  call.reply.bulk("summary");
  call.reply.bulk(x.summary);
  call.reply.bulk("since");
  call.reply.bulk(x.since);
  call.reply.bulk("group");
  call.reply.bulk(x.group);
  if (!has_more)
    return;
  call.reply.bulk("subcommands");
  call.reply.map(x.subcommands.size());
  for (const auto& sub : x.subcommands)
    reply_docs(call, sub);
}

// "name" or "container|name".
const command* find_by_full_name(bytes_view name) {
  const auto bar = name.find('|');
  const auto* top = find_command(name.substr(0, bar));
  if (top == nullptr || bar == bytes_view::npos)
    return top;
  return find_subcommand(*top, name.substr(bar + 1));
}

void command_all(command_call& call) {
  const auto all = all_commands();
  call.reply.array(all.size());
  for (const auto* x : all)
    reply_details(call, *x);
}

void command_info(command_call& call) {
  const auto names = call.words.subspan(2);
  if (names.empty())
    return command_all(call);
  call.reply.array(names.size());
  for (const auto& name : names) {
    if (const auto* x = find_by_full_name(name))
      reply_details(call, *x);
    else
      call.reply.null();
  }
}

void command_docs(command_call& call) {
  const auto names = call.words.subspan(2);
  std::vector<const command*> found;
  for (const auto& name : names)
    if (const auto* x = find_by_full_name(name))
      found.push_back(x);
  if (names.empty())
    found.assign(all_commands().begin(), all_commands().end());
  call.reply.map(found.size());
  for (const auto* x : found)
    reply_docs(call, *x);
}

void command_count(command_call& call) {
  call.reply.integer(static_cast<std::int64_t>(all_commands().size()));
}

// COMMAND LIST [FILTERBY (MODULE name | ACLCAT category | PATTERN pattern)]
void command_list(command_call& call) {
  const auto words = call.words;
  if (words.size() != 2
      && (words.size() != 5 || !same_word(words[2], "filterby")))
    return call.reply.error(error_text::syntax);
  std::function<bool(const command&)> wanted
    = [](const command&) { return true; };
  if (words.size() == 5 && same_word(words[3], "pattern"))
    wanted = [p = words[4]](const command& x) { return glob_match(p, x.name); };
  else if (words.size() == 5 && same_word(words[3], "aclcat"))
    wanted = [category = words[4]](const command& x) {
      const auto categories = categories_of(x);
      return std::any_of(
        categories.begin(), categories.end(),
        [category](auto c) { return same_word(category, c.substr(1)); });
    };
  else if (words.size() == 5 && same_word(words[3], "module"))
    wanted = [](const command&) { return false; };
  else if (words.size() == 5)
    return call.reply.error(error_text::syntax);
  std::vector<std::string_view> names;
  for (const auto* x : all_commands())
    if (wanted(*x))
      names.push_back(x->name);
  call.reply.array(names.size());
  for (const auto& x : names)
    call.reply.bulk(x);
}

} // namespace

std::span<const command> server_commands() noexcept {
  constexpr std::string_view group = "server";
  constexpr auto always = flag::loading | flag::stale;
  constexpr auto admin = flag::admin | flag::noscript | always;

  // clang-format off
  static constexpr std::array command_commands{
    command{"command|count", 2, always, {}, group, "2.8.13",
            "Count the commands", command_count},
    command{"command|docs", -2, always, {}, group, "7.0.0",
            "Describe all or some commands", command_docs},
    command{"command|help", 2, always, {}, group, "5.0.0", "Show this text",
            reply_help},
    command{"command|info", -2, always, {}, group, "2.8.13",
            "Get the details of all or some commands", command_info},
    command{"command|list", -2, always, {}, group, "7.0.0",
            "List the names of the commands", command_list},
  };

  static constexpr std::array commands{
    command{"info", -1, always, {}, group, "1.0.0",
            "Get information about the server", info},
    command{"command", -1, always, {}, group, "2.8.13",
            "Get the details of all commands", command_all, nullptr,
            command_commands},
    command{"dbsize", 1, flag::readonly | flag::fast, {}, group, "1.0.0",
            "Count the keys", dbsize},
    command{"flushall", -1, flag::write | flag::all_databases, {}, group,
            "1.0.0", "Remove all keys of all databases", flushall},
    command{"flushdb", -1, flag::write | flag::whole_database, {}, group,
            "1.0.0", "Remove all keys of the database", flushdb},
    command{"shutdown", -1, admin | flag::no_multi | flag::allow_busy, {}, group,
            "1.0.0", "End the server, once its clients have their replies",
            shutdown},
    command{"time", 1, always | flag::fast, {}, group, "2.6.0",
            "Get the server's time", time},
  };
  // clang-format on
  return commands;
}

} // namespace troupe::server
