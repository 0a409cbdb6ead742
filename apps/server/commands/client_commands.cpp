// CLIENT: what a client tells about itself, and what it learns of the others.

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <vector>

#include <troupe/messages/types/text/integer.hpp>
#include <troupe/messages/types/text/words.hpp>

#include "apps/resp/error_text.hpp"
#include "apps/server/calls/command_call.hpp"
#include "apps/server/clients/client.hpp"
#include "apps/server/clients/client_memory.hpp"
#include "apps/server/commands/command_table.hpp"
#include "apps/server/commands/families.hpp"
#include "apps/server/state/client_registry.hpp"
#include "apps/server/state/server_state.hpp"

namespace troupe::server {

namespace error_text = resp::error_text;

namespace {

using flag = command_flag;

// -- about itself ------------------------------------------------------------------

void client_id(command_call& call) {
  call.reply.integer(static_cast<std::int64_t>(call.self.id));
}

void client_getname(command_call& call) {
  if (call.self.names.client.empty())
    return call.reply.null();
  call.reply.bulk(call.self.names.client);
}

void client_setname(command_call& call) {
  if (const auto refusal = name_refusal(call.words[2], error_text::client_name);
      !refusal.empty())
    return call.reply.error(refusal);
  call.self.names.client = call.words[2];
  record_names(call.self, call.server.clients);
  call.reply.ok();
}

// Redis 7.2; libraries send it to every server and want no error.
void client_setinfo(command_call& call) {
  const auto is_name = same_word(call.words[2], "lib-name");
  if (!is_name && !same_word(call.words[2], "lib-ver"))
    return call.reply.error(error_text::unrecognized_option(call.words[2]));
  if (const auto refusal
      = name_refusal(call.words[3], is_name ? error_text::library_name
                                            : error_text::library_version);
      !refusal.empty())
    return call.reply.error(refusal);
  auto& names = call.self.names;
  (is_name ? names.library : names.library_version) = call.words[3];
  record_names(call.self, call.server.clients);
  call.reply.ok();
}

std::optional<bool> parse_switch(bytes_view word) {
  if (same_word(word, "on"))
    return true;
  if (same_word(word, "off"))
    return false;
  return std::nullopt;
}

// Nothing is evicted and nothing is touched by reading, so both are only shown.
void client_switch(command_call& call,
                   std::atomic<bool> client_record::*which) {
  const auto on = parse_switch(call.words[2]);
  if (!on)
    return call.reply.error(error_text::syntax);
  if (call.self.record != nullptr)
    (*call.self.record).*which = *on;
  call.reply.ok();
}

void client_no_evict(command_call& call) {
  client_switch(call, &client_record::no_evict);
}

void client_no_touch(command_call& call) {
  client_switch(call, &client_record::no_touch);
}

// The replies of EXEC are counted before they are written.
void client_reply(command_call& call) {
  auto& mode = call.self.replies;
  if (call.self.changing)
    return call.reply.error(error_text::reply_in_transaction);
  if (same_word(call.words[2], "on")) {
    mode = reply_mode::on;
    return call.reply.ok();
  }
  if (same_word(call.words[2], "off"))
    mode = reply_mode::off;
  else if (!same_word(call.words[2], "skip"))
    return call.reply.error(error_text::syntax);
  else if (mode != reply_mode::off)
    mode = reply_mode::skip_next;
}

// -- about the others --------------------------------------------------------------

bool is_client_type(bytes_view word) {
  return same_word(word, "normal") || same_word(word, "pubsub")
         || same_word(word, "master") || same_word(word, "replica")
         || same_word(word, "slave");
}

client_registry::filter of_type(bytes_view type) {
  return [type](const client_record& x) { return same_word(type, x.type()); };
}

std::string unknown_type(bytes_view type) {
  return std::string{"ERR Unknown client type '"}.append(type).append("'");
}

void client_info(command_call& call) {
  record(call.self);
  call.reply.verbatim(call.server.clients.list(
    [&call](const client_record& x) { return x.id == call.self.id; }));
}

// CLIENT LIST [TYPE type] [ID id ...]
void client_list(command_call& call) {
  const auto words = call.words.subspan(2);
  client_registry::filter wanted = [](const client_record&) { return true; };
  std::vector<std::int64_t> ids;
  if (words.size() == 2 && same_word(words[0], "type")) {
    if (!is_client_type(words[1]))
      return call.reply.error(unknown_type(words[1]));
    wanted = of_type(words[1]);
  } else if (words.size() > 1 && same_word(words[0], "id")) {
    for (const auto& word : words.subspan(1)) {
      const auto id = parse_integer(word);
      if (!id)
        return call.reply.error(error_text::client_number);
      ids.push_back(*id);
    }
    wanted = [&ids](const client_record& x) {
      return std::any_of(ids.begin(), ids.end(), [&x](std::int64_t id) {
        return std::cmp_equal(id, x.id);
      });
    };
  } else if (!words.empty()) {
    return call.reply.error(error_text::syntax);
  }
  record(call.self);
  call.reply.verbatim(call.server.clients.list(wanted));
}

struct kill_terms {
  std::vector<client_registry::filter> filters;
  bool spares_self = true;
};

// Adds one condition of CLIENT KILL; or says why not.
std::string add_term(kill_terms& to, bytes_view name, bytes_view value) {
  if (same_word(name, "id")) {
    const auto id = parse_integer(value);
    if (!id || *id < 1)
      return std::string{error_text::client_number_positive};
    to.filters.push_back(
      [id](const client_record& x) { return std::cmp_equal(*id, x.id); });
  } else if (same_word(name, "type")) {
    if (!is_client_type(value))
      return unknown_type(value);
    to.filters.push_back(of_type(value));
  } else if (same_word(name, "addr")) {
    to.filters.push_back(
      [value](const client_record& x) { return x.address == value; });
  } else if (same_word(name, "laddr")) {
    to.filters.push_back(
      [value](const client_record& x) { return x.local_address == value; });
  } else if (same_word(name, "user")) {
    if (value != "default")
      return std::string{"ERR No such user '"}.append(value).append("'");
  } else if (same_word(name, "skipme")
             && (same_word(value, "yes") || same_word(value, "no"))) {
    to.spares_self = same_word(value, "yes");
  } else {
    return std::string{error_text::syntax};
  }
  return {};
}

std::size_t kill_clients(command_call& call, const kill_terms& terms) {
  const auto self = call.self.id;
  const auto wanted = [&terms, self](const client_record& x) {
    return !(terms.spares_self && x.id == self)
           && std::all_of(terms.filters.begin(), terms.filters.end(),
                          [&x](const auto& f) { return f(x); });
  };
  return call.server.clients.end(wanted, self,
                                 [&call] { call.self.leaving = true; });
}

// CLIENT KILL address, or CLIENT KILL name value [name value ...]
void client_kill(command_call& call) {
  const auto words = call.words.subspan(2);
  kill_terms terms;
  if (words.size() == 1) {
    terms.spares_self = false;
    add_term(terms, "addr", words[0]);
    if (kill_clients(call, terms) == 0)
      return call.reply.error(error_text::no_such_client);
    return call.reply.ok();
  }
  if (words.size() % 2 != 0)
    return call.reply.error(error_text::syntax);
  for (std::size_t i = 0; i < words.size(); i += 2)
    if (const auto refusal = add_term(terms, words[i], words[i + 1]);
        !refusal.empty())
      return call.reply.error(refusal);
  call.reply.integer(static_cast<std::int64_t>(kill_clients(call, terms)));
}

// CLIENT UNBLOCK id [TIMEOUT|ERROR]
void client_unblock(command_call& call) {
  const auto words = call.words.subspan(2);
  auto how = unblocking::timeout;
  if (words.size() > 2)
    return call.reply.error(error_text::wrong_subcommand_call(call.words));
  if (words.size() == 2) {
    if (same_word(words[1], "error"))
      how = unblocking::error;
    else if (!same_word(words[1], "timeout"))
      return call.reply.error(
        "ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR");
  }
  const auto id = parse_integer(words[0]);
  if (!id)
    return call.reply.error(error_text::not_an_integer);
  const auto ended
    = *id > 0
      && call.server.clients.unblock(static_cast<std::uint64_t>(*id), how);
  call.reply.integer(ended ? 1 : 0);
}

} // namespace

std::span<const command> client_commands() noexcept {
  constexpr std::string_view group = "connection";
  constexpr auto always = flag::loading | flag::stale;
  constexpr auto plain = flag::noscript | always;
  constexpr auto admin = flag::admin | plain;

  // clang-format off
  static constexpr std::array subcommands{
    command{"client|getname", 2, plain, {}, group, "2.6.9",
            "Get the name of the connection", client_getname},
    command{"client|help", 2, always, {}, group, "5.0.0",
            "Show this text", reply_help},
    command{"client|id", 2, plain, {}, group, "5.0.0",
            "Get the number of the connection", client_id},
    command{"client|info", 2, plain, {}, group, "6.2.0",
            "Describe the connection", client_info},
    command{"client|kill", -3, admin, {}, group, "2.4.0",
            "Close connections", client_kill},
    command{"client|list", -2, admin, {}, group, "2.4.0",
            "Describe all or some connections", client_list},
    command{"client|no-evict", 3, admin, {}, group, "7.0.0",
            "Understood; nothing is evicted", client_no_evict},
    command{"client|no-touch", 3, plain, {}, group, "7.2.0",
            "Understood; reading touches nothing", client_no_touch},
    command{"client|reply", 3, plain, {}, group, "3.2.0",
            "Tell whether replies are wanted", client_reply},
    command{"client|setinfo", 4, plain, {}, group, "7.2.0",
            "Tell the name or version of the client library", client_setinfo},
    command{"client|setname", 3, plain, {}, group, "2.6.9",
            "Name the connection", client_setname},
    command{"client|unblock", -3, admin, {}, group, "5.0.0",
            "End the wait of a command of another connection", client_unblock},
  };

  static constexpr std::array commands{
    command{"client", -2, {}, {}, group, "2.4.0",
            "Commands on client connections", nullptr, nullptr, subcommands},
  };
  // clang-format on
  return commands;
}

} // namespace troupe::server
