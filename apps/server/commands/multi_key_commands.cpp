// The commands that change several keys as one: MSET, DEL, RENAME, COPY and their kin.

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include <troupe/actors/regions/region.hpp>
#include <troupe/backends/memory/turns/turn_plan.hpp>
#include <troupe/messages/types/text/integer.hpp>
#include <troupe/messages/types/text/words.hpp>

#include "apps/resp/error_text.hpp"
#include "apps/server/calls/atomic_section.hpp"
#include "apps/server/calls/command_call.hpp"
#include "apps/server/calls/key_checks.hpp"
#include "apps/server/clients/client.hpp"
#include "apps/server/commands/families.hpp"
#include "apps/server/state/databases.hpp"
#include "apps/server/state/server_state.hpp"

namespace troupe::server {

namespace error_text = resp::error_text;

namespace {

using flag = command_flag;

// -- several keys --------------------------------------------------------------------

// Begins a change of all keys of the call; replies with the error otherwise.
bool begin(command_call& call, atomic_section& section) {
  add_keys(call, section);
  const auto begun = section.begin();
  if (!begun)
    reply_error(call, begun.error());
  return begun.has_value();
}

// Has room for all that the call stores, before it stores anything.
bool reserve(command_call& call, atomic_section& section) {
  section.plan(call);
  const auto reserved = section.reserve();
  if (!reserved)
    reply_error(call, reserved.error());
  return reserved.has_value();
}

// The pairs of MSET and MSETNX, which are refused as a whole.
bool check_pairs(command_call& call, resp::arguments pairs) {
  if (pairs.size() % 2 != 0) {
    call.reply.error(error_text::wrong_arity(call.what.name));
    return false;
  }
  for (std::size_t i = 0; i < pairs.size(); i += 2)
    if (const auto checked = check_entry(call.db, pairs[i], pairs[i + 1]);
        !checked) {
      reply_error(call, checked.error());
      return false;
    }
  return true;
}

bool set_pairs(command_call& call, resp::arguments pairs) {
  for (std::size_t i = 0; i < pairs.size(); i += 2)
    if (const auto stored = store(call, call.keys()[i / 2], pairs[i + 1]);
        !stored) {
      reply_error(call, stored.error());
      return false;
    }
  return true;
}

void mset(command_call& call) {
  const auto pairs = call.words.subspan(1);
  if (!check_pairs(call, pairs))
    return;
  atomic_section section{call.self};
  if (begin(call, section) && reserve(call, section) && set_pairs(call, pairs))
    call.reply.ok();
}

void msetnx(command_call& call) {
  const auto pairs = call.words.subspan(1);
  if (!check_pairs(call, pairs))
    return;
  atomic_section section{call.self};
  if (!begin(call, section))
    return;
  for (const auto& key : call.keys()) {
    const auto present = call.db.contains(key);
    if (!present)
      return reply_error(call, present.error());
    if (*present)
      return call.reply.integer(0);
  }
  if (reserve(call, section) && set_pairs(call, pairs))
    call.reply.integer(1);
}

void del(command_call& call) {
  if (const auto checked = check_keys(call.db, call.words.subspan(1)); !checked)
    return reply_error(call, checked.error());
  // One key needs no more than its own mailbox.
  atomic_section section{call.self};
  if (call.keys().size() > 1 && !begin(call, section))
    return;
  std::int64_t erased = 0;
  for (const auto& key : call.keys()) {
    const auto result = call.db.erase(key);
    if (!result)
      return reply_error(call, result.error());
    erased += *result ? 1 : 0;
  }
  call.reply.integer(erased);
}

// -- moving and copying --------------------------------------------------------------

// What a key comes to that is given the name it has.
expected<transfer_result> stay(const region& where, const hashed_key& key) {
  const auto present = where.visit(key, [](const entry_view&) {});
  if (!present)
    return tl::unexpected{present.error()};
  return *present ? transfer_result::exists : transfer_result::absent;
}

void rename_key(command_call& call, bool if_absent) {
  if (const auto checked = check_keys(call.db, call.words.subspan(1)); !checked)
    return reply_error(call, checked.error());
  const auto& from = call.keys()[0];
  const auto& to = call.keys()[1];
  atomic_section section{call.self};
  if (!begin(call, section))
    return;
  const auto renamed = from.key == to.key ? stay(call.db, from)
                                          : call.db.rename(from, to, if_absent);
  if (!renamed)
    return reply_error(call, renamed.error());
  if (*renamed == transfer_result::absent)
    return call.reply.error(error_text::no_such_key);
  if (if_absent)
    call.reply.integer(*renamed == transfer_result::done ? 1 : 0);
  else
    call.reply.ok();
}

void rename(command_call& call) {
  rename_key(call, false);
}

void renamenx(command_call& call) {
  rename_key(call, true);
}

// What COPY says behind its two keys.
struct copy_terms {
  region* target;
  bool replace = false;
};

// The database of this number; or, in `refusal`, why there is none.
region* find_database(databases& all, bytes_view number, std::string& refusal) {
  const auto index = parse_integer(number);
  if (!index || !std::in_range<int>(*index)) {
    refusal = index ? error_text::int_range : error_text::not_an_integer;
    return nullptr;
  }
  if (*index < 0 || std::cmp_greater_equal(*index, all.count())) {
    refusal = error_text::database_range;
    return nullptr;
  }
  const auto opened = all.open(static_cast<std::size_t>(*index));
  if (!opened)
    refusal = error_text::of(opened.error());
  return opened.value_or(nullptr);
}

std::optional<copy_terms> parse_copy(command_call& call, std::string& refusal) {
  copy_terms result{&call.db};
  const auto words = call.words;
  for (std::size_t i = 3; i < words.size(); ++i) {
    if (same_word(words[i], "replace")) {
      result.replace = true;
    } else if (same_word(words[i], "db") && i + 1 < words.size()) {
      result.target = find_database(call.server.databases, words[++i], refusal);
      if (result.target == nullptr)
        return std::nullopt;
    } else {
      refusal = error_text::syntax;
      return std::nullopt;
    }
  }
  return result;
}

void add_copy_target(command_call& call, atomic_section& section) {
  std::string refusal;
  if (const auto terms = parse_copy(call, refusal))
    section.add(*terms->target, call.words[2]);
}

void copy(command_call& call) {
  std::string refusal;
  const auto terms = parse_copy(call, refusal);
  if (!terms)
    return call.reply.error(refusal);
  const auto from = call.words[1];
  const auto to = call.words[2];
  if (from == to && terms->target == &call.db)
    return call.reply.error(error_text::same_object);
  if (const auto checked = check_keys(call.db, call.words.subspan(1, 2));
      !checked)
    return reply_error(call, checked.error());
  atomic_section section{call.self};
  if (!begin(call, section))
    return;
  const auto copied = call.db.copy(from, *terms->target, to, !terms->replace);
  if (!copied)
    return reply_error(call, copied.error());
  const auto hit = *copied != transfer_result::absent;
  count_lookups(call, hit ? 1 : 0, hit ? 0 : 1);
  call.reply.integer(*copied == transfer_result::done ? 1 : 0);
}

// -- what they take ------------------------------------------------------------------

void plan_pairs(command_call& call, memory::turn_plan& plan,
                memory::turn_plan::step how) {
  const auto pairs = call.words.subspan(1);
  // A call with half a pair is refused, and changes nothing.
  if (pairs.size() % 2 != 0)
    return;
  for (std::size_t i = 0; i < pairs.size(); i += 2) {
    const auto* gathered = call.self.gathered(pairs[i + 1]);
    plan.set(call.shards(), call.keys()[i / 2], pairs[i + 1].size(), false, how,
             gathered == nullptr ? 0 : gathered->footprint());
  }
}

void plan_mset(command_call& call, memory::turn_plan& plan) {
  plan_pairs(call, plan, memory::turn_plan::step::certain);
}

void plan_msetnx(command_call& call, memory::turn_plan& plan) {
  plan_pairs(call, plan, memory::turn_plan::step::depends);
}

void plan_del(command_call& call, memory::turn_plan& plan) {
  for (const auto& key : call.keys())
    plan.erase(call.shards(), key);
}

void plan_rename(command_call& call, memory::turn_plan& plan) {
  plan.move(call.shards(), call.keys()[0], call.keys()[1]);
}

void plan_renamenx(command_call& call, memory::turn_plan& plan) {
  plan.move(call.shards(), call.keys()[0], call.keys()[1],
            memory::turn_plan::step::depends);
}

void plan_copy(command_call& call, memory::turn_plan& plan) {
  std::string refusal;
  if (const auto terms = parse_copy(call, refusal))
    plan.copy(call.shards(), call.words[1], shards_of(*terms->target),
              call.words[2]);
}

} // namespace

std::span<const command> multi_key_commands() noexcept {
  constexpr key_positions two_keys{1, 2, 1};
  constexpr key_positions every_second{1, -1, 2};

  // clang-format off
  static constexpr std::array commands{
    command{"mset", -3, flag::write | flag::denyoom, every_second, "string",
            "1.0.1", "Set several keys", mset}.planned(plan_mset),
    command{"msetnx", -3, flag::write | flag::denyoom, every_second, "string",
            "1.0.1", "Set several keys, none of which exists yet", msetnx}
      .planned(plan_msetnx),
    command{"del", -2, flag::write, all_keys, "generic", "1.0.0", "Delete keys",
            del}.planned(plan_del),
    command{"unlink", -2, flag::write | flag::fast, all_keys, "generic", "4.0.0",
            "Delete keys; the same as DEL", del}.planned(plan_del),
    command{"rename", 3, flag::write, two_keys, "generic", "1.0.0",
            "Give a key another name", rename}.planned(plan_rename),
    command{"renamenx", 3, flag::write | flag::fast, two_keys, "generic", "1.0.0",
            "Give a key another name, which no key has yet", renamenx}
      .planned(plan_renamenx),
    command{"copy", -3, flag::write | flag::denyoom, two_keys, "generic", "6.2.0",
            "Copy a key", copy, nullptr, {}, add_copy_target}.planned(plan_copy),
  };
  // clang-format on
  return commands;
}

} // namespace troupe::server
