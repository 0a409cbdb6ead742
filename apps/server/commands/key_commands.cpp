// The commands on keys, whatever they hold: DEL, EXISTS, SCAN and their kin.

#include <array>
#include <chrono>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include <troupe/actors/regions/region.hpp>
#include <troupe/messages/types/text/glob.hpp>
#include <troupe/messages/types/text/integer.hpp>
#include <troupe/messages/types/text/words.hpp>

#include "apps/resp/error_text.hpp"
#include "apps/server/calls/command_call.hpp"
#include "apps/server/calls/unfinished.hpp"
#include "apps/server/clients/unfinished_command.hpp"
#include "apps/server/commands/families.hpp"
#include "apps/server/state/server_state.hpp"

namespace troupe::server {

namespace error_text = resp::error_text;

namespace {

using flag = command_flag;

constexpr key_positions no_keys{};

// -- presence --------------------------------------------------------------------

// A key that is named twice counts twice, as in Redis.
void count_present(command_call& call, lookup as) {
  const auto keys = call.words.subspan(1);
  std::size_t present = 0;
  const auto visited = call.db.visit_many(
    keys,
    [&present](std::size_t, const entry_view* entry) {
      present += entry != nullptr ? 1 : 0;
    },
    as);
  if (!visited)
    return reply_error(call, visited.error());
  count_lookups(call, present, keys.size() - present);
  call.reply.integer(static_cast<std::int64_t>(present));
}

void exists(command_call& call) {
  count_present(call, lookup::peek);
}

void touch(command_call& call) {
  count_present(call, lookup::use);
}

void type(command_call& call) {
  const auto present = call.db.contains(call.key());
  if (!present)
    return reply_error(call, present.error());
  count_lookups(call, *present ? 1 : 0, *present ? 0 : 1);
  call.reply.simple(*present ? "string" : "none");
}

// -- walks over all keys ---------------------------------------------------------

// Keys in one piece of memory.
class key_list {
public:
  void add(bytes_view key) {
    text_.append(key);
    ends_.push_back(text_.size());
  }

  [[nodiscard]] std::size_t size() const noexcept {
    return ends_.size();
  }

  // What a reply with these keys takes, more or less.
  [[nodiscard]] std::size_t reply_size() const noexcept {
    constexpr std::size_t frame = 8;
    return text_.size() + size() * frame;
  }

  // What its memory takes.
  [[nodiscard]] std::size_t held_bytes() const noexcept {
    return text_.capacity() + ends_.capacity() * sizeof(std::size_t);
  }

  void reply(resp::reply_writer& to) const {
    to.array(size());
    std::size_t begin = 0;
    for (const auto end : ends_) {
      to.bulk(bytes_view{text_}.substr(begin, end - begin));
      begin = end;
    }
  }

private:
  bytes text_;
  std::vector<std::size_t> ends_;
};

// Goes over the keys of a database, bucket by bucket, and lists those that match. Not a
// snapshot as in Redis, for which writers would have to wait.
class key_walk : public unfinished_command {
public:
  key_walk(const region& db, bytes_view pattern, scan_cursor from)
    : db_(db),
      all_(pattern == "*"),
      pattern_(pattern, letter_case::exact),
      next_(from) {
    // nop
  }

  bool go_on(resp::reply_writer& reply,
             std::chrono::steady_clock::time_point deadline) final {
    // The clock is asked now and then: some buckets of short keys take less time than
    // that, or one with a long key.
    constexpr std::size_t buckets_per_look = 8;
    constexpr std::size_t bytes_per_look = 1024;
    do {
      met_bytes_ = 0;
      for (std::size_t i = 0;
           i < buckets_per_look && met_bytes_ < bytes_per_look; ++i) {
        const auto next = step();
        if (!next) {
          reply.error(error_text::of(next.error()));
          return true;
        }
        if (*next == 0 || enough()) {
          write(reply, *next);
          return true;
        }
        next_ = *next;
      }
    } while (std::chrono::steady_clock::now() < deadline);
    return false;
  }

  [[nodiscard]] std::size_t held_bytes() const noexcept final {
    return found_.held_bytes();
  }

protected:
  [[nodiscard]] virtual bool wanted(bytes_view key) = 0;

  // Whether the walk may end before the last key.
  [[nodiscard]] virtual bool enough() const = 0;

  virtual void write(resp::reply_writer& reply, scan_cursor next) const = 0;

  // Nobody writes "*" for anything but all keys, the empty one included.
  [[nodiscard]] bool matches(bytes_view key) const noexcept {
    return all_ || pattern_.matches(key);
  }

  key_list found_;

private:
  expected<scan_cursor> step() {
    return db_.scan(next_, [&](bytes_view key, const entry_view&) {
      met_bytes_ += key.size();
      if (wanted(key))
        found_.add(key);
    });
  }

  const region& db_;
  const bool all_;
  const glob pattern_;
  scan_cursor next_;
  std::size_t met_bytes_ = 0; // Of keys, since the clock was asked.
};

class keys_command final : public key_walk {
public:
  explicit keys_command(const command_call& call)
    : key_walk(call.db, call.words[1], 0),
      most_(call.server.options.max_reply) {
    // nop
  }

private:
  bool wanted(bytes_view key) override {
    return matches(key);
  }

  // Too much for a reply, which says so.
  [[nodiscard]] bool enough() const override {
    return found_.reply_size() > most_;
  }

  void write(resp::reply_writer& reply, scan_cursor) const override {
    found_.reply(reply);
  }

  std::size_t most_;
};

void keys(command_call& call) {
  if (call.words[1].size() > longest_pattern)
    return call.reply.error(error_text::pattern_too_long());
  begin_long(call, std::make_unique<keys_command>(call));
}

void randomkey(command_call& call) {
  thread_local std::minstd_rand random{std::random_device{}()};
  const auto key = call.db.random_key(random);
  if (!key)
    return reply_error(call, key.error());
  if (*key)
    call.reply.bulk(**key);
  else
    call.reply.null();
}

struct scan_terms {
  bytes_view pattern = "*";
  std::size_t count = 10;
  bool strings = true; // Other types match no key.
};

std::optional<scan_terms> parse_scan(resp::arguments options,
                                     std::string& refusal) {
  scan_terms result;
  for (std::size_t i = 0; i < options.size(); i += 2) {
    if (i + 1 == options.size()) {
      refusal = error_text::syntax;
      return std::nullopt;
    }
    const auto value = options[i + 1];
    if (same_word(options[i], "match")) {
      if (value.size() > longest_pattern) {
        refusal = error_text::pattern_too_long();
        return std::nullopt;
      }
      result.pattern = value;
    } else if (same_word(options[i], "type")) {
      result.strings = same_word(value, "string");
    } else if (same_word(options[i], "count")) {
      const auto count = parse_integer(value);
      if (!count || *count < 1) {
        refusal = count ? error_text::syntax : error_text::not_an_integer;
        return std::nullopt;
      }
      result.count = static_cast<std::size_t>(*count);
    } else {
      refusal = error_text::syntax;
      return std::nullopt;
    }
  }
  return result;
}

// As Redis, looks at ten buckets for every key asked for, so that a table with
// much room does not make a call long; and stops early at half of what a reply
// may have.
class scan_command final : public key_walk {
public:
  scan_command(const command_call& call, scan_cursor from,
               const scan_terms& terms)
    : key_walk(call.db, terms.pattern, from),
      strings_(terms.strings),
      count_(terms.count),
      most_(call.server.options.max_reply / 2) {
    // nop
  }

private:
  bool wanted(bytes_view key) override {
    ++met_;
    return strings_ && matches(key);
  }

  // Asked once for each bucket.
  [[nodiscard]] bool enough() const override {
    constexpr std::size_t buckets_per_key = 10;
    return met_ >= count_ || ++buckets_ / buckets_per_key >= count_
           || found_.reply_size() >= most_;
  }

  void write(resp::reply_writer& reply, scan_cursor next) const override {
    reply.array(2);
    reply.bulk(std::to_string(next));
    found_.reply(reply);
  }

  bool strings_;
  std::size_t count_;
  std::size_t most_;
  std::size_t met_ = 0;
  mutable std::size_t buckets_ = 0;
};

void scan(command_call& call) {
  const auto start = parse_cursor(call.words[1]);
  if (!start)
    return call.reply.error(error_text::invalid_cursor);
  std::string refusal;
  const auto terms = parse_scan(call.words.subspan(2), refusal);
  if (!terms)
    return call.reply.error(refusal);
  begin_long(call, std::make_unique<scan_command>(call, *start, *terms));
}

} // namespace

std::span<const command> key_commands() noexcept {
  constexpr std::string_view group = "generic";

  // clang-format off
  static constexpr std::array commands{
    command{"exists", -2, flag::readonly | flag::fast, all_keys, group, "1.0.0",
            "Count the keys that exist", exists},
    command{"type", 2, flag::readonly | flag::fast, one_key, group, "1.0.0",
            "Determine the type stored at a key", type},
    command{"touch", -2, flag::readonly | flag::fast, all_keys, group, "3.2.1",
            "Count the keys that exist, and let them idle from now on", touch},
    command{"keys", 2, flag::readonly, no_keys, group, "1.0.0",
            "List the keys that match a pattern", keys},
    command{"scan", -2, flag::readonly, no_keys, group, "2.8.0",
            "Walk over the keys step by step", scan},
    command{"randomkey", 1, flag::readonly, no_keys, group, "1.0.0",
            "Get some key", randomkey},
  };
  // clang-format on
  return commands;
}

} // namespace troupe::server
