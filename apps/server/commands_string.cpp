// The commands on values: GET, SET, INCR and their kin.

#include <array>
#include <limits>
#include <string>

#include "apps/server/command_table.hpp"
#include "apps/server/error_text.hpp"
#include "apps/server/expiry.hpp"
#include "apps/server/integer.hpp"

namespace troupe::server {

namespace {

using flag = command_flag;

constexpr key_positions one_key{1, 1, 1};
constexpr key_positions all_keys{1, -1, 1};

// -- reading ---------------------------------------------------------------------

void count_lookups(command_call& call, std::size_t hits,
                   std::size_t misses) noexcept {
  call.counters.hits.add(hits);
  call.counters.misses.add(misses);
}

void get(command_call& call) {
  const auto found
    = call.db.visit(call.words[1], [&call](const entry_view& entry) {
        call.reply.bulk(entry.value);
      });
  if (!found)
    return reply_error(call, found.error());
  if (!*found)
    call.reply.null();
  count_lookups(call, *found ? 1 : 0, *found ? 0 : 1);
}

// Writes each value straight from the table behind the replies before it. Ends
// early when enough has gathered to be sent: a page of small commands may ask
// for gigabytes.
std::size_t get_many(command_call& call, std::span<const arguments> calls) {
  std::array<bytes_view, defaults::batch_size> keys;
  const auto size = std::min(calls.size(), keys.size());
  for (std::size_t i = 0; i < size; ++i)
    keys[i] = calls[i][1];
  std::size_t done = 0;
  std::size_t hits = 0;
  const auto visited = call.db.visit_many(
    std::span{keys}.first(size), [&](std::size_t, const entry_view* entry) {
      if (done > 0 && call.reply.pending() >= defaults::flush_size)
        return;
      call.reply.begin();
      if (entry != nullptr)
        call.reply.bulk(entry->value);
      else
        call.reply.null();
      call.reply.end();
      hits += entry != nullptr ? 1 : 0;
      ++done;
    });
  if (visited || done > 0) {
    count_lookups(call, hits, done - hits);
    return done;
  }
  // One of the keys was refused: find out which, one by one.
  call.reply.begin();
  get(call);
  call.reply.end();
  return 1;
}

void mget(command_call& call) {
  const auto keys = call.words.subspan(1);
  call.reply.array(keys.size());
  std::size_t hits = 0;
  const auto visited
    = call.db.visit_many(keys, [&](std::size_t, const entry_view* entry) {
        if (entry == nullptr)
          return call.reply.null();
        ++hits;
        call.reply.bulk(entry->value);
      });
  if (!visited)
    return reply_error(call, visited.error());
  count_lookups(call, hits, keys.size() - hits);
}

void string_length(command_call& call) {
  std::size_t size = 0;
  const auto found
    = call.db.visit(call.words[1], [&size](const entry_view& entry) {
        size = entry.value.size();
      });
  if (!found)
    return reply_error(call, found.error());
  count_lookups(call, *found ? 1 : 0, *found ? 0 : 1);
  call.reply.integer(static_cast<std::int64_t>(size));
}

// -- SET -------------------------------------------------------------------------

struct set_terms {
  write_options how;
  bool reply_old = false; // GET
  bool expired = false;   // EXAT with a moment that has passed
};

// Reads the words behind key and value. The rules, e.g. that EX may be repeated
// but not combined with PX, are those of Redis.
class set_parser {
public:
  explicit set_parser(command_call& call) noexcept : call_(call) {
    // nop
  }

  std::optional<set_terms> parse(std::string& refusal) {
    const auto words = call_.words;
    for (std::size_t i = 3; i < words.size(); ++i) {
      const auto has_next = i + 1 < words.size();
      if (take_condition(words[i]) || take_keep(words[i]))
        continue;
      if (!has_next || !take_expiry(words[i])) {
        refusal = error_text::syntax;
        return std::nullopt;
      }
      moment_ = words[++i];
    }
    if (expiry_ && !apply_expiry(refusal))
      return std::nullopt;
    return terms_;
  }

private:
  bool take_condition(bytes_view word) noexcept {
    auto& condition = terms_.how.condition;
    if (same_word(word, "nx") && condition != write_condition::if_present) {
      condition = write_condition::if_absent;
      return true;
    }
    if (same_word(word, "xx") && condition != write_condition::if_absent) {
      condition = write_condition::if_present;
      return true;
    }
    if (same_word(word, "get")) {
      terms_.reply_old = true;
      return true;
    }
    return false;
  }

  bool take_keep(bytes_view word) noexcept {
    if (expiry_ || !same_word(word, "keepttl"))
      return false;
    terms_.how.keep_ttl = true;
    return true;
  }

  bool take_expiry(bytes_view word) noexcept {
    constexpr std::array<std::pair<std::string_view, expiry_unit>, 4> units{
      {{"ex", {.seconds = true, .absolute = false}},
       {"px", {.seconds = false, .absolute = false}},
       {"exat", {.seconds = true, .absolute = true}},
       {"pxat", {.seconds = false, .absolute = true}}}};
    for (const auto& [name, unit] : units) {
      if (!same_word(word, name))
        continue;
      if (terms_.how.keep_ttl
          || (expiry_
              && (expiry_->seconds != unit.seconds
                  || expiry_->absolute != unit.absolute)))
        return false;
      expiry_ = unit;
      return true;
    }
    return false;
  }

  bool apply_expiry(std::string& refusal) {
    const auto left
      = positive_time_left(moment_, *expiry_, call_.what.name, refusal);
    if (!left)
      return false;
    terms_.expired = *left <= 0;
    if (!terms_.expired) {
      const auto condition = terms_.how.condition;
      terms_.how = expiring_in(to_ttl(*left));
      terms_.how.condition = condition;
    }
    return true;
  }

  command_call& call_;
  set_terms terms_;
  std::optional<expiry_unit> expiry_;
  bytes_view moment_;
};

// Whether a write under this condition goes ahead.
bool holds(write_condition condition, bool present) noexcept {
  return condition == write_condition::always
         || (condition == write_condition::if_present) == present;
}

// Stores a value that is past its time already, which is to remove the key.
expected<bool> set_expired(region& db, bytes_view key,
                           write_condition condition) {
  if (condition == write_condition::if_absent)
    return db.contains(key).map([](bool present) { return !present; });
  return db.erase(key).map(
    [condition](bool present) { return holds(condition, present); });
}

// The old value goes into the reply; the version makes sure that it is the one
// that was replaced.
void set_and_get(command_call& call, const set_terms& terms) {
  const auto key = call.words[1];
  auto how = terms.how;
  how.condition = write_condition::always;
  for (;;) {
    call.reply.rollback();
    auto version = no_version;
    const auto found = call.db.visit(key, [&](const entry_view& entry) {
      version = entry.version;
      call.reply.bulk(entry.value);
    });
    if (!found)
      return reply_error(call, found.error());
    if (!*found)
      call.reply.null();
    if (!holds(terms.how.condition, *found))
      return;
    if (terms.expired) {
      if (const auto erased = call.db.erase(key); !erased)
        reply_error(call, erased.error());
      return;
    }
    const auto stored
      = call.db.compare_and_set(key, version, call.words[2], how);
    if (!stored)
      return reply_error(call, stored.error());
    if (*stored)
      return;
  }
}

void set(command_call& call) {
  set_terms terms;
  if (call.words.size() > 3) {
    std::string refusal;
    const auto parsed = set_parser{call}.parse(refusal);
    if (!parsed)
      return call.reply.error(refusal);
    terms = *parsed;
    if (terms.reply_old)
      return set_and_get(call, terms);
  }
  const auto stored
    = terms.expired ? set_expired(call.db, call.words[1], terms.how.condition)
                    : call.db.set(call.words[1], call.words[2], terms.how);
  if (!stored)
    reply_error(call, stored.error());
  else if (*stored)
    call.reply.ok();
  else
    call.reply.null();
}

void set_expiring(command_call& call, expiry_unit unit) {
  std::string refusal;
  const auto left
    = positive_time_left(call.words[2], unit, call.what.name, refusal);
  if (!left)
    return call.reply.error(refusal);
  const auto stored
    = call.db.set(call.words[1], call.words[3], expiring_in(to_ttl(*left)));
  if (!stored)
    return reply_error(call, stored.error());
  call.reply.ok();
}

void setex(command_call& call) {
  set_expiring(call, {.seconds = true, .absolute = false});
}

void psetex(command_call& call) {
  set_expiring(call, {.seconds = false, .absolute = false});
}

void setnx(command_call& call) {
  const auto stored = call.db.set_if_absent(call.words[1], call.words[2]);
  if (!stored)
    return reply_error(call, stored.error());
  call.reply.integer(*stored ? 1 : 0);
}

// -- numbers ---------------------------------------------------------------------

void add(command_call& call, std::int64_t delta) {
  const auto sum = call.db.increment(call.words[1], delta);
  if (!sum)
    return reply_error(call, sum.error());
  call.reply.integer(*sum);
}

void incr(command_call& call) {
  add(call, 1);
}

void decr(command_call& call) {
  add(call, -1);
}

void incrby(command_call& call) {
  const auto delta = parse_integer(call.words[2]);
  if (!delta)
    return call.reply.error(error_text::not_an_integer);
  add(call, *delta);
}

void decrby(command_call& call) {
  const auto delta = parse_integer(call.words[2]);
  if (!delta)
    return call.reply.error(error_text::not_an_integer);
  if (*delta == std::numeric_limits<std::int64_t>::min())
    return call.reply.error(error_text::decrement_overflow);
  add(call, -*delta);
}

constexpr std::string_view group = "string";

// clang-format off
constexpr std::array commands{
  command{"get", 2, flag::readonly | flag::fast, one_key, group, "1.0.0",
          "Get the value of a key", get, get_many},
  command{"set", -3, flag::write | flag::denyoom, one_key, group, "1.0.0",
          "Set the value of a key", set},
  command{"mget", -2, flag::readonly | flag::fast, all_keys, group, "1.0.0",
          "Get the values of several keys", mget},
  command{"setnx", 3, flag::write | flag::denyoom | flag::fast, one_key, group,
          "1.0.0", "Set a key that does not exist yet", setnx},
  command{"setex", 4, flag::write | flag::denyoom, one_key, group, "2.0.0",
          "Set a key with a TTL in seconds", setex},
  command{"psetex", 4, flag::write | flag::denyoom, one_key, group, "2.6.0",
          "Set a key with a TTL in milliseconds", psetex},
  command{"incr", 2, flag::write | flag::denyoom | flag::fast, one_key, group,
          "1.0.0", "Add one to the integer of a key", incr},
  command{"decr", 2, flag::write | flag::denyoom | flag::fast, one_key, group,
          "1.0.0", "Subtract one from the integer of a key", decr},
  command{"incrby", 3, flag::write | flag::denyoom | flag::fast, one_key, group,
          "1.0.0", "Add to the integer of a key", incrby},
  command{"decrby", 3, flag::write | flag::denyoom | flag::fast, one_key, group,
          "1.0.0", "Subtract from the integer of a key", decrby},
  command{"strlen", 2, flag::readonly | flag::fast, one_key, group, "2.2.0",
          "Get the length of a value", string_length},
};
// clang-format on

} // namespace

std::span<const command> string_commands() noexcept {
  return commands;
}

} // namespace troupe::server
