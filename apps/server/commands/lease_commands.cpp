// Leases of missing keys: of many clients that miss a key, one loads its value and the
// others get it (GETL, SETL, DROPL; apps/server/leases). Tags, by which entries are
// invalidated together (TAGDEL).

#include <array>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>

#include <troupe/actors/regions/region.hpp>
#include <troupe/backends/memory/turns/turn_plan.hpp>
#include <troupe/messages/types/tags.hpp>
#include <troupe/messages/types/text/integer.hpp>
#include <troupe/messages/types/text/words.hpp>

#include "apps/resp/error_text.hpp"
#include "apps/server/calls/command_call.hpp"
#include "apps/server/calls/key_checks.hpp"
#include "apps/server/calls/ticket.hpp"
#include "apps/server/clients/client.hpp"
#include "apps/server/commands/expiry.hpp"
#include "apps/server/commands/families.hpp"
#include "apps/server/leases/lease_desk.hpp"
#include "apps/server/state/defaults.hpp"
#include "apps/server/state/server_state.hpp"

namespace troupe::server {

namespace error_text = resp::error_text;

namespace {

using flag = command_flag;
using std::chrono::milliseconds;

// -- GETL ----------------------------------------------------------------------------

// The reply is always an array of a word and what belongs to it, so that every client
// library reads it in the same way: "value" and the value, "lease" and the token, or
// "busy" and nothing.

void reply_busy(resp::reply_writer& reply) {
  reply.array(2);
  reply.bulk("busy");
  reply.null();
}

struct answer_writer {
  resp::reply_writer& reply;

  void operator()(const lease_value& x) const {
    reply.array(2);
    reply.bulk("value");
    reply.bulk(*x.value);
  }

  void operator()(const lease_grant& x) const {
    reply.array(2);
    reply.bulk("lease");
    reply.bulk(x.token);
  }

  void operator()(const lease_busy&) const {
    reply_busy(reply);
  }

  void operator()(const error& x) const {
    reply.error(error_text::of(x));
  }
};

// Whether the call was answered: with the value, or an error.
bool reply_present(command_call& call) {
  const auto found
    = call.db.visit(call.key(), [&call](const entry_view& entry) {
        call.reply.array(2);
        call.reply.bulk("value");
        call.reply.value(entry);
      });
  if (!found) {
    reply_error(call, found.error());
    return true;
  }
  count_lookups(call, *found ? 1 : 0, *found ? 0 : 1);
  return *found;
}

// A duration from `least` on, in milliseconds; replies with the error otherwise.
std::optional<milliseconds> parse_time(command_call& call, bytes_view text,
                                       std::int64_t least) {
  constexpr auto most = defaults::longest_lease_time.count();
  const auto value = parse_integer(text);
  if (!value) {
    call.reply.error(error_text::not_an_integer);
    return std::nullopt;
  }
  if (*value < least || *value > most) {
    call.reply.error("ERR the times of 'getl' are " + std::to_string(least)
                     + " to " + std::to_string(most) + " milliseconds");
    return std::nullopt;
  }
  return milliseconds{*value};
}

// Ends the leases of a client when it ends.
class lease_owner {
public:
  lease_owner(std::shared_ptr<lease_desk> desk, std::uint64_t client) noexcept
    : desk_(std::move(desk)), client_(client) {
    // nop
  }

  ~lease_owner() {
    desk_->leave(client_);
  }

  lease_owner(const lease_owner&) = delete;
  lease_owner& operator=(const lease_owner&) = delete;

private:
  const std::shared_ptr<lease_desk> desk_;
  const std::uint64_t client_;
};

void ask_for_lease(command_call& call, milliseconds wait, milliseconds lasts) {
  auto& self = call.self;
  const auto desk = call.server.leases;
  if (self.leases == nullptr)
    self.leases = std::make_shared<const lease_owner>(desk, self.id);
  const auto waits = wait.count() > 0;
  deferral how;
  // A client that does not wait is answered in the next turn of the key.
  how.timeout = waits ? wait : call.db.op_timeout();
  if (waits)
    how.timed_out = reply_busy;
  const auto answer = defer(call, std::move(how));
  lease_request request;
  request.client = self.id;
  request.lasts = lasts;
  request.waits = waits;
  request.gone = answer.cancelled();
  request.answer = [answer](const lease_answer& x) {
    return answer.answer(
      [x](resp::reply_writer& reply) { std::visit(answer_writer{reply}, x); });
  };
  if (const auto asked = desk->ask(call.db, call.key(), std::move(request));
      !asked)
    answer.fail(asked.error());
}

// GETL key wait-ms [lease-ms]
void getl(command_call& call) {
  const auto words = call.words;
  if (words.size() > 4)
    return call.reply.error(error_text::syntax);
  const auto wait = parse_time(call, words[2], 0);
  if (!wait)
    return;
  auto lasts = std::optional{defaults::lease_time};
  if (words.size() == 4)
    lasts = parse_time(call, words[3], 1);
  if (!lasts || reply_present(call))
    return;
  // EXEC holds the key, so that no client could load it meanwhile.
  if (call.self.changing)
    return reply_busy(call.reply);
  ask_for_lease(call, *wait, *lasts);
}

// -- SETL and DROPL ------------------------------------------------------------------

// TAGS n tag [tag ...], from `words[0]` on. Returns how many words it has, or 0.
std::size_t take_tags(resp::arguments words, tags& result) {
  if (words.size() < 2 || !same_word(words[0], "tags"))
    return 0;
  const auto count = parse_integer(words[1]);
  if (!count || *count < 1 || std::cmp_greater(*count, words.size() - 2))
    return 0;
  const auto size = static_cast<std::size_t>(*count);
  for (const auto& name : words.subspan(2, size))
    result.add(name);
  return 2 + size;
}

// The options of SETL, or, in `refusal`, why they are refused.
std::optional<write_options> parse_setl(const command_call& call,
                                        std::string& refusal) {
  write_options result;
  auto rest = call.words.subspan(4);
  while (!rest.empty()) {
    const auto seconds = same_word(rest[0], "ex");
    std::size_t taken = 0;
    if ((seconds || same_word(rest[0], "px")) && rest.size() > 1
        && !result.ttl) {
      const auto until = parse_positive_expiry(
        call, rest[1], {.seconds = seconds, .absolute = false}, refusal);
      if (!until)
        return std::nullopt;
      const auto how = expiring_in(until->left);
      result.ttl = how.ttl;
      result.jitter = how.jitter;
      taken = 2;
    } else if (result.tags.empty()) {
      taken = take_tags(rest, result.tags);
    }
    if (taken == 0) {
      refusal = error_text::syntax;
      return std::nullopt;
    }
    rest = rest.subspan(taken);
  }
  return result;
}

// SETL key token value [EX seconds | PX milliseconds] [TAGS n tag [tag ...]]
void setl(command_call& call) {
  std::string refusal;
  auto how = parse_setl(call, refusal);
  if (!how)
    return call.reply.error(refusal);
  const auto key = call.key();
  if (const auto checked = check_entry(call.db, key.key, call.words[3]);
      !checked)
    return reply_error(call, checked.error());
  const auto answer = defer(call, {.timeout = call.db.op_timeout()});
  call.server.leases->store(call.db, key, call.words[2], call.words[3],
                            std::move(*how), [answer](expected<bool> stored) {
                              if (!stored)
                                answer.fail(stored.error());
                              else
                                answer.answer(
                                  [ok = *stored](resp::reply_writer& reply) {
                                    ok ? reply.ok() : reply.null();
                                  });
                            });
}

void plan_setl(command_call& call, memory::turn_plan& plan) {
  plan.set(call.shards(), call.words[1], call.words[3].size(), true,
           memory::turn_plan::step::depends);
}

// DROPL key token
void dropl(command_call& call) {
  const auto key = call.key();
  if (const auto checked = check_key(call.db, key.key); !checked)
    return reply_error(call, checked.error());
  const auto dropped = call.server.leases->drop(call.db, key, call.words[2]);
  call.reply.integer(dropped ? 1 : 0);
}

// -- TAGDEL --------------------------------------------------------------------------

// TAGDEL tag [tag ...]
void tagdel(command_call& call) {
  const auto names = call.words.subspan(1);
  for (const auto& name : names)
    if (name.size() > tags::longest)
      return call.reply.error("ERR a tag has up to "
                              + std::to_string(tags::longest) + " bytes");
  for (const auto& name : names)
    if (const auto done = call.db.invalidate_tag(name); !done)
      return reply_error(call, done.error());
  call.reply.integer(static_cast<std::int64_t>(names.size()));
}

} // namespace

std::span<const command> lease_commands() noexcept {
  constexpr std::string_view group = "string";

  // clang-format off
  static constexpr std::array commands{
    command{"getl", -3, flag::write | flag::blocking, one_key, group, "7.0.0",
            "Get the value of a key or, of all clients that miss it, alone the "
            "right to load it", getl},
    command{"setl", -4, flag::write | flag::denyoom | flag::no_multi, one_key,
            group, "7.0.0", "Store the value of a load, unless the key has "
            "changed since GETL", setl}.planned(plan_setl),
    command{"dropl", 3, flag::write | flag::fast, one_key, group, "7.0.0",
            "Give up the right to load a key", dropl},
    command{"tagdel", -2, flag::write | flag::fast | flag::alone, {}, "generic",
            "7.0.0", "Delete all keys that have one of these tags", tagdel},
  };
  // clang-format on
  return commands;
}

} // namespace troupe::server
