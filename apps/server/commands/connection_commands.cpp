// The commands about the connection itself: PING, HELLO, SELECT and their kin.

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <utility>

#include <troupe/messages/types/text/integer.hpp>
#include <troupe/messages/types/text/words.hpp>

#include "apps/resp/error_text.hpp"
#include "apps/server/calls/command_call.hpp"
#include "apps/server/clients/client.hpp"
#include "apps/server/clients/messages.hpp"
#include "apps/server/commands/families.hpp"
#include "apps/server/state/server_state.hpp"

namespace troupe::server {

namespace error_text = resp::error_text;

namespace {

using flag = command_flag;

void ping(command_call& call) {
  if (call.words.size() > 2)
    return call.reply.error(error_text::wrong_arity(call.what.name));
  const auto has_text = call.words.size() == 2;
  // A subscriber in RESP2 takes every reply for a message.
  if (call.self.protocol == 2 && call.self.subscribed()) {
    call.reply.array(2);
    call.reply.bulk("pong");
    return call.reply.bulk(has_text ? call.words[1] : bytes_view{});
  }
  if (has_text)
    return call.reply.bulk(call.words[1]);
  call.reply.simple("PONG");
}

void echo(command_call& call) {
  call.reply.bulk(call.words[1]);
}

void quit(command_call& call) {
  call.self.leaving = true;
  call.reply.ok();
}

void select(command_call& call) {
  const auto index = parse_integer(call.words[1]);
  if (!index)
    return call.reply.error(error_text::not_an_integer);
  auto& all = call.server.databases;
  if (*index < 0 || std::cmp_greater_equal(*index, all.count()))
    return call.reply.error(error_text::database_range);
  const auto number = static_cast<std::size_t>(*index);
  if (const auto opened = all.open(number); !opened)
    return reply_error(call, opened.error());
  call.self.database = number;
  call.reply.ok();
}

// This reply is the first in that version.
void speak(command_call& call, int protocol) {
  call.self.protocol = protocol;
  call.reply.protocol(protocol);
}

void rename(command_call& call, bytes_view name) {
  call.self.names.client = name;
  record_names(call.self, call.server.clients);
}

void reset(command_call& call) {
  if (call.self.listening) {
    call.self.listening->clear();
    write_messages_before_reply(call.self, call.reply);
    call.self.listening.reset();
  }
  speak(call, 2);
  rename(call, {});
  call.self.database = 0;
  call.self.replies = reply_mode::on;
  if (call.self.record != nullptr)
    call.self.record->no_touch = false;
  call.self.authenticated = !call.server.access.required();
  call.self.queue.end();
  call.reply.simple("RESET");
}

// -- AUTH and HELLO ----------------------------------------------------------------

// Replies with the error when the client is not let in. Without a password the
// default user is let in with any.
bool authenticate(command_call& call, bytes_view user, bytes_view password) {
  if (call.server.access.admits(user, password)) {
    call.self.authenticated = true;
    return true;
  }
  call.reply.error(error_text::wrong_password);
  return false;
}

void auth(command_call& call) {
  if (call.words.size() > 3)
    return call.reply.error(error_text::syntax);
  const auto has_user = call.words.size() == 3;
  if (!has_user && !call.server.access.required())
    return call.reply.error(error_text::no_password);
  if (authenticate(call, has_user ? call.words[1] : "default",
                   call.words.back()))
    call.reply.ok();
}

struct hello_options {
  std::int64_t protocol = 0; // 0: as it is
  std::optional<bytes_view> user;
  bytes_view password;
  std::optional<bytes_view> name;
};

// HELLO [protocol [AUTH user password] [SETNAME name]]. Nothing after an error
// was replied.
std::optional<hello_options> parse_hello(command_call& call) {
  hello_options result;
  const auto words = call.words;
  std::string refusal;
  if (words.size() > 1) {
    const auto version = parse_integer(words[1]);
    if (!version)
      refusal = error_text::protocol_not_an_integer;
    else if (*version != 2 && *version != 3)
      refusal = error_text::protocol_version;
    else
      result.protocol = *version;
  }
  for (std::size_t i = 2; i < words.size() && refusal.empty(); ++i) {
    const auto more = words.size() - i - 1;
    if (same_word(words[i], "auth") && more >= 2) {
      result.user = words[i + 1];
      result.password = words[i + 2];
      i += 2;
    } else if (same_word(words[i], "setname") && more >= 1) {
      result.name = words[++i];
      refusal = name_refusal(*result.name, error_text::client_name);
    } else {
      refusal = error_text::hello_option(words[i]);
    }
  }
  if (refusal.empty())
    return result;
  call.reply.error(refusal);
  return std::nullopt;
}

void reply_greeting(command_call& call) {
  call.reply.map(7);
  call.reply.bulk("server");
  call.reply.bulk("redis");
  call.reply.bulk("version");
  call.reply.bulk(redis_version);
  call.reply.bulk("proto");
  call.reply.integer(call.self.protocol);
  call.reply.bulk("id");
  call.reply.integer(static_cast<std::int64_t>(call.self.id));
  call.reply.bulk("mode");
  call.reply.bulk("standalone");
  call.reply.bulk("role");
  call.reply.bulk("master");
  call.reply.bulk("modules");
  call.reply.array(0);
}

// Changes nothing unless every option is right.
void hello(command_call& call) {
  const auto options = parse_hello(call);
  if (!options)
    return;
  if (options->user && !authenticate(call, *options->user, options->password))
    return;
  if (call.server.access.required() && !call.self.authenticated)
    return call.reply.error(error_text::hello_not_authenticated);
  if (options->name)
    rename(call, *options->name);
  if (options->protocol != 0)
    speak(call, static_cast<int>(options->protocol));
  reply_greeting(call);
}

} // namespace

std::span<const command> connection_commands() noexcept {
  constexpr std::string_view group = "connection";
  constexpr auto always = flag::loading | flag::stale;
  constexpr auto handshake
    = flag::noscript | flag::fast | flag::no_auth | flag::allow_busy | always;

  // clang-format off
  static constexpr std::array commands{
    command{"ping", -1, flag::fast | flag::for_subscribers, {}, group, "1.0.0",
            "Ping the server", ping},
    command{"echo", 2, always | flag::fast, {}, group, "1.0.0",
            "Echo the given string", echo},
    command{"quit", -1, handshake | flag::not_queued | flag::for_subscribers, {},
            group, "1.0.0", "Close the connection", quit},
    command{"select", 2, always | flag::fast, {}, group, "1.0.0",
            "Select the database", select},
    command{"auth", -2, handshake, {}, group, "1.0.0",
            "Authenticate to the server", auth},
    command{"hello", -1, handshake, {}, group, "6.0.0",
            "Agree on the version of the protocol", hello},
    command{"reset", 1, handshake | flag::not_queued | flag::for_subscribers, {},
            group, "6.2.0", "Reset the connection", reset},
  };
  // clang-format on
  return commands;
}

} // namespace troupe::server
