// MEMORY and EXPLAIN: what a key takes, and why it is in its state.

#include <array>

#include <troupe/actors/regions/region_declared.hpp>
#include <troupe/messages/types/text/integer.hpp>
#include <troupe/messages/types/text/words.hpp>

#include "apps/resp/error_text.hpp"
#include "apps/server/calls/command_call.hpp"
#include "apps/server/commands/command_table.hpp"
#include "apps/server/commands/families.hpp"

namespace troupe::server {

namespace error_text = resp::error_text;

namespace {

using flag = command_flag;

// SAMPLES is for values with parts; there are none, so it is read and not used.
bool parse_samples(command_call& call) {
  const auto words = call.words.subspan(3);
  for (std::size_t i = 0; i < words.size(); i += 2) {
    if (!same_word(words[i], "samples") || i + 1 == words.size()) {
      call.reply.error(error_text::syntax);
      return false;
    }
    const auto count = parse_integer(words[i + 1]);
    if (!count || *count < 0) {
      call.reply.error(count ? error_text::syntax : error_text::not_an_integer);
      return false;
    }
  }
  return true;
}

void memory_usage(command_call& call) {
  if (!parse_samples(call))
    return;
  const auto charge = call.db.charge(call.words[2]);
  if (!charge)
    return reply_error(call, charge.error());
  if (*charge)
    call.reply.integer(static_cast<std::int64_t>(**charge));
  else
    call.reply.null();
}

// A sentence for each element.
void explain(command_call& call) {
  const auto found = call.db.explain(call.key());
  if (!found)
    return reply_error(call, found.error());
  const auto sentences = sentences_of(*found);
  call.reply.array(sentences.size());
  for (const auto& x : sentences)
    call.reply.bulk(x);
}

} // namespace

std::span<const command> memory_commands() noexcept {
  constexpr std::string_view group = "server";

  // clang-format off
  static constexpr std::array subcommands{
    command{"memory|help", 2, flag::loading | flag::stale, {}, group, "4.0.0",
            "Show this text", reply_help},
    command{"memory|usage", -3, flag::readonly, {2, 2, 1}, group, "4.0.0",
            "Get the bytes that a key is charged", memory_usage},
  };

  static constexpr std::array commands{
    command{"explain", 2, flag::readonly, one_key, "generic", "1.0.0",
            "Say why a key is present or missing", explain},
    command{"memory", -2, {}, {}, group, "4.0.0", "Commands on memory", nullptr,
            nullptr, subcommands},
  };
  // clang-format on
  return commands;
}

} // namespace troupe::server
