// The commands on keys, whatever they hold: DEL, EXPIRE, TTL and their kin.

#include <array>
#include <optional>
#include <string>

#include "apps/server/command_table.hpp"
#include "apps/server/error_text.hpp"
#include "apps/server/expiry.hpp"

namespace troupe::server {

namespace {

using flag = command_flag;

constexpr key_positions one_key{1, 1, 1};
constexpr key_positions all_keys{1, -1, 1};

// -- presence --------------------------------------------------------------------

// A key that is named twice counts twice, as in Redis.
void exists(command_call& call) {
  std::int64_t present = 0;
  const auto visited = call.db.visit_many(
    call.words.subspan(1), [&present](std::size_t, const entry_view* entry) {
      present += entry != nullptr ? 1 : 0;
    });
  if (!visited)
    return reply_error(call, visited.error());
  call.reply.integer(present);
}

void type(command_call& call) {
  const auto present = call.db.contains(call.words[1]);
  if (!present)
    return reply_error(call, present.error());
  call.reply.simple(*present ? "string" : "none");
}

// -- the time left ---------------------------------------------------------------

void reply_time_left(command_call& call, std::int64_t unit) {
  const auto left = call.db.ttl(call.words[1]);
  if (!left)
    return reply_error(call, left.error());
  if (!*left)
    call.reply.integer(-2);
  else if (**left == no_expiry)
    call.reply.integer(-1);
  else
    call.reply.integer(((*left)->count() + unit / 2) / unit);
}

void ttl(command_call& call) {
  reply_time_left(call, 1000);
}

void pttl(command_call& call) {
  reply_time_left(call, 1);
}

// -- changing it -----------------------------------------------------------------

struct expire_condition {
  bool without = false; // NX: only a key without a deadline
  bool with = false;    // XX: only one with a deadline
  bool later = false;   // GT: only if it lives longer then
  bool sooner = false;  // LT: only if it lives shorter then

  [[nodiscard]] bool any() const noexcept {
    return without || with || later || sooner;
  }

  // `present` is empty for a key without a deadline.
  [[nodiscard]] bool allows(std::optional<std::int64_t> present,
                            std::int64_t wanted) const noexcept {
    if ((without && present) || (with && !present))
      return false;
    if (later && (!present || wanted <= *present))
      return false;
    return !(sooner && present && wanted >= *present);
  }
};

std::optional<expire_condition> parse_condition(arguments options,
                                                std::string& refusal) {
  expire_condition result;
  for (const auto& word : options) {
    if (same_word(word, "nx"))
      result.without = true;
    else if (same_word(word, "xx"))
      result.with = true;
    else if (same_word(word, "gt"))
      result.later = true;
    else if (same_word(word, "lt"))
      result.sooner = true;
    else {
      refusal = error_text::unsupported_option(word);
      return std::nullopt;
    }
  }
  if (result.without && (result.with || result.later || result.sooner))
    refusal = error_text::expire_options_nx;
  else if (result.later && result.sooner)
    refusal = error_text::expire_options_gt_lt;
  else
    return result;
  return std::nullopt;
}

// An entry as it was at one instant.
struct entry_copy {
  bytes value;
  version_number version = no_version;
  bool expires = false;
};

expected<std::optional<entry_copy>> copy_entry(const region& db,
                                               bytes_view key) {
  std::optional<entry_copy> result;
  const auto found = db.visit(key, [&result](const entry_view& entry) {
    result = {bytes{entry.value}, entry.version, entry.deadline != never};
  });
  if (!found)
    return tl::unexpected{found.error()};
  return result;
}

expected<bool> expire_at_once(region& db, bytes_view key, std::int64_t left) {
  return left <= 0 ? db.erase(key) : db.touch(key, to_ttl(left));
}

// The region gives a TTL to whatever it finds; a condition on the old one needs
// the entry's version to hold until the new one is in place. That the copy
// costs time is fine: hardly anybody uses these options.
expected<bool> expire_if(region& db, bytes_view key, std::int64_t left,
                         const expire_condition& condition) {
  for (;;) {
    const auto entry = copy_entry(db, key);
    if (!entry)
      return tl::unexpected{entry.error()};
    if (!*entry)
      return false;
    std::optional<std::int64_t> present;
    if ((*entry)->expires) {
      const auto rest = db.ttl(key);
      if (!rest)
        return tl::unexpected{rest.error()};
      if (!*rest)
        continue;
      present = (*rest)->count();
    }
    if (!condition.allows(present, left))
      return false;
    if (left <= 0)
      return db.erase(key);
    const auto stored = db.compare_and_set(
      key, (*entry)->version, (*entry)->value, expiring_in(to_ttl(left)));
    if (!stored)
      return tl::unexpected{stored.error()};
    if (*stored)
      return true;
  }
}

void expire_with(command_call& call, expiry_unit unit) {
  std::string refusal;
  const auto condition = parse_condition(call.words.subspan(3), refusal);
  if (!condition)
    return call.reply.error(refusal);
  const auto left = time_left(call.words[2], unit, call.what.name, refusal);
  if (!left)
    return call.reply.error(refusal);
  const auto key = call.words[1];
  const auto changed = condition->any()
                         ? expire_if(call.db, key, *left, *condition)
                         : expire_at_once(call.db, key, *left);
  if (!changed)
    return reply_error(call, changed.error());
  call.reply.integer(*changed ? 1 : 0);
}

void expire(command_call& call) {
  expire_with(call, {.seconds = true, .absolute = false});
}

void pexpire(command_call& call) {
  expire_with(call, {.seconds = false, .absolute = false});
}

void expireat(command_call& call) {
  expire_with(call, {.seconds = true, .absolute = true});
}

void pexpireat(command_call& call) {
  expire_with(call, {.seconds = false, .absolute = true});
}

void persist(command_call& call) {
  const auto key = call.words[1];
  for (;;) {
    const auto entry = copy_entry(call.db, key);
    if (!entry)
      return reply_error(call, entry.error());
    if (!*entry || !(*entry)->expires)
      return call.reply.integer(0);
    const auto stored = call.db.compare_and_set(
      key, (*entry)->version, (*entry)->value, expiring_in(no_expiry));
    if (!stored)
      return reply_error(call, stored.error());
    if (*stored)
      return call.reply.integer(1);
  }
}

constexpr std::string_view group = "generic";

// clang-format off
constexpr std::array commands{
  command{"exists", -2, flag::readonly | flag::fast, all_keys, group, "1.0.0",
          "Count the keys that exist", exists},
  command{"type", 2, flag::readonly | flag::fast, one_key, group, "1.0.0",
          "Determine the type stored at a key", type},
  command{"ttl", 2, flag::readonly | flag::fast, one_key, group, "1.0.0",
          "Get the time to live of a key in seconds", ttl},
  command{"pttl", 2, flag::readonly | flag::fast, one_key, group, "2.6.0",
          "Get the time to live of a key in milliseconds", pttl},
  command{"expire", -3, flag::write | flag::fast, one_key, group, "1.0.0",
          "Set the time to live of a key in seconds", expire},
  command{"pexpire", -3, flag::write | flag::fast, one_key, group, "2.6.0",
          "Set the time to live of a key in milliseconds", pexpire},
  command{"expireat", -3, flag::write | flag::fast, one_key, group, "1.2.0",
          "Set the Unix time in seconds when a key expires", expireat},
  command{"pexpireat", -3, flag::write | flag::fast, one_key, group, "2.6.0",
          "Set the Unix time in milliseconds when a key expires", pexpireat},
  command{"persist", 2, flag::write | flag::fast, one_key, group, "2.2.0",
          "Remove the expiration of a key", persist},
};
// clang-format on

} // namespace

std::span<const command> key_commands() noexcept {
  return commands;
}

} // namespace troupe::server
