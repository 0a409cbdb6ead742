#include "apps/server/commands/executor.hpp"

#include <algorithm>
#include <array>
#include <span>
#include <string>
#include <utility>

#include <troupe/actors/regions/region_declared.hpp>
#include <troupe/backends/memory/turns/change_gate.hpp>
#include <troupe/messages/types/text/integer.hpp>
#include <troupe/messages/types/text/words.hpp>

#include "apps/resp/defaults.hpp"
#include "apps/resp/error_text.hpp"
#include "apps/server/calls/atomic_section.hpp"
#include "apps/server/calls/command_call.hpp"
#include "apps/server/calls/key_checks.hpp"
#include "apps/server/clients/client.hpp"
#include "apps/server/clients/client_memory.hpp"
#include "apps/server/clients/messages.hpp"
#include "apps/server/commands/command_table.hpp"
#include "apps/server/state/defaults.hpp"
#include "apps/server/state/server_state.hpp"

namespace troupe::server {

namespace error_text = resp::error_text;

namespace {

// To hash a longer key twice costs more than the misses that it saves.
constexpr std::size_t longest_fetched_key = 512;

// The calls of `what` that follow each other from `first` on.
class call_run {
public:
  call_run(const command& what, const resp::command_batch& batch,
           std::size_t first) noexcept {
    const auto name = batch[first][0];
    const auto end = std::min(batch.size(), first + calls_.size());
    for (auto i = first; i < end; ++i) {
      const auto words = batch[i];
      if (words[0] != name || !what.accepts(words.size()))
        break;
      calls_[size_++] = words;
    }
  }

  [[nodiscard]] std::span<const resp::arguments> calls() const noexcept {
    return {calls_.data(), size_};
  }

private:
  std::array<resp::arguments, resp::defaults::batch_size> calls_;
  std::size_t size_ = 0;
};

/// Tells whether the command reads several keys, which must be of one moment. Not so
/// those that walk over all keys: they are no snapshots.
bool reads_several(const command& what, resp::arguments words) noexcept {
  return what.flags.has(command_flag::readonly)
         && what.key_count(words.size()) > 1;
}

/// The database that a call selects, if it will.
region* selected_by(const command_call& call) {
  if (call.what.name != "select")
    return nullptr;
  auto& all = call.server.databases;
  const auto index = parse_integer(call.words[1]);
  if (!index || *index < 0 || std::cmp_greater_equal(*index, all.count()))
    return nullptr;
  return all.open(static_cast<std::size_t>(*index)).value_or(nullptr);
}

/// Whether it begins a request of HTTP. Such a thing is sent by a web page that wants
/// to write here: the rest of it may be inline commands.
bool speaks_http(resp::arguments words) noexcept {
  return same_word(words[0], "post") || same_word(words[0], "host:");
}

} // namespace

std::size_t executor::run(const resp::command_batch& batch, std::size_t first,
                          client& self, resp::reply_writer& reply) {
  auto next = first;
  fetched_begin_ = fetched_ = first;
  reply.protocol(self.protocol);
  do {
    // What was published before the client sent this stands before the reply.
    if (self.listening && write_messages(self, reply)) [[unlikely]]
      break;
    next += self.replies == reply_mode::on
              ? run_next(batch, next, self, reply)
              : run_unheard(batch, next, self, reply);
  } while (next < batch.size() && !self.leaving && !self.unfinished
           && reply.pending() < defaults::flush_size);
  counters_.commands.add(next - first);
  return next;
}

std::size_t executor::run_next(const resp::command_batch& batch,
                               std::size_t first, client& self,
                               resp::reply_writer& reply) {
  const auto words = batch[first];
  std::string refusal;
  const auto* what = resolve(words, refusal);
  if (what == nullptr) {
    if (speaks_http(words)) [[unlikely]] {
      // As Redis: without a word, nothing more of it is executed.
      counters_.http_requests.add(1);
      server_.report_http(self.record ? self.record->address : "");
      self.leaving = true;
      return 1;
    }
    refuse(words, self, reply, std::move(refusal));
    return 1;
  }
  if (server_.access.required() && !self.authenticated
      && !what->flags.has(command_flag::no_auth)) [[unlikely]] {
    reply.error(what->name == "exec" ? error_text::exec_not_authenticated
                                     : error_text::not_authenticated);
    return 1;
  }
  if (self.protocol == 2 && self.subscribed()
      && !what->flags.has(command_flag::for_subscribers)) [[unlikely]] {
    refuse(words, self, reply, error_text::not_for_subscribers(what->name));
    return 1;
  }
  self.last_command = &what->name;
  if (self.queue.active() && !what->flags.has(command_flag::not_queued))
    [[unlikely]] {
    if (what->flags.has(command_flag::no_multi)
        || what->flags.has(command_flag::alone)) {
      refuse(words, self, reply, std::string{error_text::not_in_transaction});
      return 1;
    }
    queue(*what, words, self, reply);
    return 1;
  }
  auto& db = server_.databases[self.database];
  command_call call{db, self, server_, counters_, reply, *what, words};
  const auto& gate = memory::change_gate::process();
  for (int i = 0; i < defaults::reads_between_changes; ++i) {
    const auto moment = gate.await_closed();
    const auto mark = reply.pending();
    const auto done = run_closed(call, batch, first);
    if (!(done > 1 || reads_several(*what, words))
        || gate.unchanged_since(moment)) [[likely]] {
      settle_lookups(call);
      return done;
    }
    // What answers later keeps nothing of what it has read.
    if (self.unfinished)
      return done;
    // Some of it may be of before the change and some of after it.
    reply.truncate(mark);
    call.hits = 0;
    call.misses = 0;
  }
  run_held(call);
  return 1;
}

/// Runs commands whose replies the client does not want. What is no reply, it
/// gets all the same.
std::size_t executor::run_unheard(const resp::command_batch& batch,
                                  std::size_t first, client& self,
                                  resp::reply_writer& reply) {
  if (self.replies == reply_mode::skip_next)
    self.replies = reply_mode::skipping;
  const auto mark = reply.pending();
  reply.keep_asides(true);
  const auto done = run_next(batch, first, self, reply);
  if (self.replies == reply_mode::off || self.replies == reply_mode::skipping) {
    reply.truncate_to_asides(mark);
    if (self.unfinished)
      self.unfinished->unheard = true;
  }
  reply.keep_asides(false);
  if (self.replies == reply_mode::skipping)
    self.replies = reply_mode::on;
  return done;
}

/// Runs a reading command while nobody can change what it reads: there was
/// always a change in its way.
void executor::run_held(command_call& call) {
  atomic_section section{call.self};
  add_keys(call, section);
  if (const auto begun = section.begin(); !begun) {
    call.reply.begin();
    return reply_error(call, begun.error());
  }
  run_command(call);
  settle_lookups(call);
}

/// Runs the command, and those of its kind behind it that can run together.
std::size_t executor::run_closed(command_call& call,
                                 const resp::command_batch& batch,
                                 std::size_t first) {
  if (first + 1 < batch.size()) {
    if (call.what.run_many != nullptr
        && call.self.replies != reply_mode::skipping) {
      const call_run run{call.what, batch, first};
      // A long one fetches for itself.
      if (run.calls().size() < region::prefetched_keys)
        fetch_ahead(call, batch, first);
      if (run.calls().size() > 1)
        return call.what.run_many(call, run.calls());
    } else {
      fetch_ahead(call, batch, first);
    }
  }
  if (first >= fetched_begin_ && first < fetched_)
    call.fetched = ahead_[first - fetched_begin_].key;
  run_command(call);
  return 1;
}

/// Fetches what this command and those behind it will touch, some at a time. What
/// runs them may be another database by then: nothing depends on it.
void executor::fetch_ahead(command_call& call, const resp::command_batch& batch,
                           std::size_t first) noexcept {
  if (first < fetched_)
    return;
  std::array<upcoming_key, region::prefetched_keys> keys;
  std::size_t size = 0;
  const auto end = std::min(batch.size(), first + keys.size());
  ahead_ = {};
  const auto* what = &call.what;
  auto name = batch[first][0];
  for (auto i = first; i < end; ++i) {
    const auto words = batch[i];
    if (words[0] != name) {
      name = words[0];
      what = find_command(name);
    }
    if (what != nullptr && what->keys.first == 1 && words.size() > 1
        && words[1].size() <= longest_fetched_key)
      ahead_[i - first] = keys[size++]
        = {words[1], what->flags.has(command_flag::write)};
  }
  call.db.prefetch(std::span{keys}.first(size));
  fetched_begin_ = first;
  fetched_ = end;
}

// As Redis: a refused command spoils the transaction, and a refused EXEC ends it.
void executor::refuse(resp::arguments words, client& self,
                      resp::reply_writer& reply, std::string why) {
  self.queue.spoil();
  if (same_word(words[0], "exec")) {
    self.queue.end();
    why = error_text::exec_refused(why);
  }
  reply.error(why);
}

/// Whether the database takes keys and values of these sizes at all.
expected<void> executor::check_sizes(const command_call& call) {
  const auto& what = call.what;
  const auto stores = what.flags.has(command_flag::denyoom);
  const auto first = static_cast<std::size_t>(what.keys.first);
  const auto step = static_cast<std::size_t>(what.keys.step);
  const auto keys = what.key_count(call.words.size());
  for (std::size_t i = 1; i < call.words.size(); ++i) {
    const auto is_key = keys > 0 && i >= first && (i - first) % step == 0
                        && (i - first) / step < keys;
    // No other word of a command that stores is longer than what it stores.
    auto ok = expected<void>{};
    if (is_key)
      ok = check_key(call.db, call.words[i]);
    else if (stores)
      ok = check_value(call.db, call.words[i]);
    if (!ok)
      return ok;
  }
  return {};
}

/// Whether there is room for what the command stores, as things are now. What has to
/// wait for a shard is left to EXEC.
expected<void> executor::check_room(command_call& call) const {
  const auto in_one_database = call.what.add_more_keys == nullptr;
  if (!call.what.flags.has(command_flag::denyoom)
      || (in_one_database && !call.db.limited()))
    return {};
  atomic_section section{call.self};
  add_keys(call, section);
  if (!section.try_look())
    return {};
  section.plan(call);
  return section.reserve();
}

// As Redis: what there is no room for is told now, not by EXEC.
void executor::queue(const command& what, resp::arguments words, client& self,
                     resp::reply_writer& reply) {
  command_call call{
    self.queue.database(), self, server_, counters_, reply, what, words};
  const auto ok = check_sizes(call).and_then([&] { return check_room(call); });
  if (!ok) {
    self.queue.spoil();
    return reply.error(error_text::of(ok.error()));
  }
  if (!self.queue.queue(what, words, server_.options.limits.command)) {
    self.queue.spoil();
    return reply.error(error_text::transaction_too_large);
  }
  if (!count_memory(self, server_)) [[unlikely]]
    return evict(self, counters_, reply);
  if (auto* next = selected_by(call))
    self.queue.select(*next);
  reply.simple("QUEUED");
}

} // namespace troupe::server
