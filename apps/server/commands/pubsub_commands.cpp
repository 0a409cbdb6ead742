// Publishing and subscribing: SUBSCRIBE, PUBLISH, PUBSUB and their kin.

#include <algorithm>
#include <array>
#include <memory>
#include <string>
#include <vector>

#include <troupe/actors/topics/subscriptions.hpp>
#include <troupe/actors/topics/topic_hub.hpp>
#include <troupe/messages/types/text/glob.hpp>

#include "apps/resp/error_text.hpp"
#include "apps/server/calls/command_call.hpp"
#include "apps/server/clients/client.hpp"
#include "apps/server/clients/client_memory.hpp"
#include "apps/server/clients/messages.hpp"
#include "apps/server/commands/command_table.hpp"
#include "apps/server/commands/families.hpp"
#include "apps/server/state/defaults.hpp"
#include "apps/server/state/server_state.hpp"

namespace troupe::server {

namespace error_text = resp::error_text;

namespace {

using flag = command_flag;

// -- subscribing ---------------------------------------------------------------------

subscriptions& listening(command_call& call) {
  auto& result = call.self.listening;
  if (!result)
    result = std::make_unique<subscriptions>(call.server.topics->directory(),
                                             call.self.make_subscriber());
  return *result;
}

// The number in a confirmation: patterns count with channels.
std::int64_t count(const client& self, topic_kind kind) noexcept {
  if (!self.listening)
    return 0;
  const auto size = [&self](topic_kind x) {
    return static_cast<std::int64_t>(self.listening->of(x).size());
  };
  return kind == topic_kind::sharded
           ? size(kind)
           : size(topic_kind::channel) + size(topic_kind::pattern);
}

// Each stands for itself: what has been joined or left is not taken back when
// the next fails.
void confirm(command_call& call, topic_kind kind, bytes_view name) {
  call.reply.aside([&] {
    call.reply.push(3);
    call.reply.bulk(call.what.name);
    call.reply.bulk(name);
    call.reply.integer(count(call.self, kind));
  });
}

// Looks at what the client keeps and is owed. When that is too much, it is let go, with
// the reason.
bool may_go_on(command_call& call, std::size_t pending) {
  const auto fits = count_memory(call.self, call.server);
  if (fits && call.reply.pending() - pending <= defaults::max_confirmations)
    return true;
  evict(call.self, call.counters, call.reply,
        fits ? error_text::too_many_confirmations(defaults::max_confirmations)
             : std::string{error_text::client_evicted});
  return false;
}

// Calls `f(name)` for each of these topics, and looks at the bounds now and then.
template <class Names, class F>
void for_each_name(command_call& call, const Names& topics, F f) {
  const auto pending = call.reply.pending();
  std::size_t names = 0;
  for (const auto& name : topics) {
    f(name);
    if (++names % defaults::names_between_looks == 0
        && !may_go_on(call, pending))
      return;
  }
  may_go_on(call, pending);
}

// Patterns do not see it: it would take too long to compare it with them.
bool is_long_channel(bytes_view name) noexcept {
  return name.size() > longest_channel;
}

void subscribe(command_call& call, topic_kind kind) {
  const auto names = call.words.subspan(1);
  if (kind == topic_kind::pattern
      && std::any_of(names.begin(), names.end(),
                     [](bytes_view x) { return x.size() > longest_pattern; }))
    return call.reply.error(error_text::pattern_too_long());
  if (kind == topic_kind::channel
      && std::any_of(names.begin(), names.end(), is_long_channel))
    return call.reply.error(error_text::channel_too_long(longest_channel));
  auto& topics = listening(call);
  for_each_name(call, names, [&](bytes_view name) {
    topics.add(kind, name);
    confirm(call, kind, name);
  });
}

// What was heard of a topic is written before the end of the subscription is
// confirmed: no client expects anything afterwards.
void unsubscribe(command_call& call, topic_kind kind, bytes_view name) {
  if (call.self.listening && call.self.listening->remove(kind, name))
    write_messages_before_reply(call.self, call.reply);
  confirm(call, kind, name);
}

void unsubscribe_all(command_call& call, topic_kind kind) {
  std::vector<bytes> names;
  if (call.self.listening)
    for (const auto& entry : call.self.listening->of(kind))
      names.push_back(entry.first);
  if (!names.empty())
    return for_each_name(
      call, names, [&](bytes_view name) { unsubscribe(call, kind, name); });
  call.reply.aside([&] {
    call.reply.push(3);
    call.reply.bulk(call.what.name);
    call.reply.null();
    call.reply.integer(count(call.self, kind));
  });
}

template <topic_kind Kind>
void run_subscribe(command_call& call) {
  subscribe(call, Kind);
}

template <topic_kind Kind>
void run_unsubscribe(command_call& call) {
  if (call.words.size() == 1)
    return unsubscribe_all(call, Kind);
  for_each_name(call, call.words.subspan(1),
                [&call](bytes_view name) { unsubscribe(call, Kind, name); });
}

// -- publishing ----------------------------------------------------------------------

// A publisher that listens itself reads the message before the reply.
void reply_heard(command_call& call, const expected<std::size_t>& heard) {
  if (!heard)
    return reply_error(call, heard.error());
  write_messages_before_reply(call.self, call.reply);
  call.reply.integer(static_cast<std::int64_t>(*heard));
}

void publish(command_call& call) {
  if (is_long_channel(call.words[1]))
    return call.reply.error(error_text::channel_too_long(longest_channel));
  reply_heard(call, call.server.topics->publish(call.words[1], call.words[2]));
}

void spublish(command_call& call) {
  reply_heard(
    call, call.server.topics->publish_sharded(call.words[1], call.words[2]));
}

// -- PUBSUB --------------------------------------------------------------------------

template <topic_kind Kind>
void pubsub_channels(command_call& call) {
  const auto words = call.words;
  if (words.size() > 3)
    return call.reply.error(error_text::wrong_subcommand_call(words));
  if (words.size() == 3 && words[2].size() > longest_pattern)
    return call.reply.error(error_text::pattern_too_long());
  std::vector<std::shared_ptr<topic>> found;
  for (auto& x : call.server.topics->directory().list(Kind))
    if (words.size() == 2
        || glob_match(words[2], x->name().text, letter_case::exact))
      found.push_back(std::move(x));
  call.reply.array(found.size());
  for (const auto& x : found)
    call.reply.bulk(x->name().text);
}

template <topic_kind Kind>
void pubsub_numsub(command_call& call) {
  const auto names = call.words.subspan(2);
  call.reply.array(names.size() * 2);
  for (const auto& name : names) {
    call.reply.bulk(name);
    call.reply.integer(static_cast<std::int64_t>(
      call.server.topics->directory().subscribers(Kind, name)));
  }
}

void pubsub_numpat(command_call& call) {
  call.reply.integer(static_cast<std::int64_t>(
    call.server.topics->directory().size(topic_kind::pattern)));
}

} // namespace

std::span<const command> pubsub_commands() noexcept {
  constexpr std::string_view group = "pubsub";
  constexpr auto always = flag::pubsub | flag::loading | flag::stale;
  constexpr auto subscribing = always | flag::noscript | flag::for_subscribers;
  constexpr auto channel = topic_kind::channel;
  constexpr auto pattern = topic_kind::pattern;
  constexpr auto sharded = topic_kind::sharded;

  // clang-format off
  static constexpr std::array pubsub_subcommands{
    command{"pubsub|channels", -2, always, {}, group, "2.8.0",
            "List the channels that have subscribers", pubsub_channels<channel>},
    command{"pubsub|help", 2, flag::loading | flag::stale, {}, group, "6.2.0",
            "Show this text", reply_help},
    command{"pubsub|numpat", 2, always, {}, group, "2.8.0",
            "Count the patterns that have subscribers", pubsub_numpat},
    command{"pubsub|numsub", -2, always, {}, group, "2.8.0",
            "Count the subscribers of channels", pubsub_numsub<channel>},
    command{"pubsub|shardchannels", -2, always, {}, group, "7.0.0",
            "List the sharded channels that have subscribers",
            pubsub_channels<sharded>},
    command{"pubsub|shardnumsub", -2, always, {}, group, "7.0.0",
            "Count the subscribers of sharded channels", pubsub_numsub<sharded>},
  };

  static constexpr std::array commands{
    command{"subscribe", -2, subscribing, {}, group, "2.0.0",
            "Listen to channels", run_subscribe<channel>},
    command{"unsubscribe", -1, subscribing, {}, group, "2.0.0",
            "Stop listening to channels", run_unsubscribe<channel>},
    command{"psubscribe", -2, subscribing, {}, group, "2.0.0",
            "Listen to the channels that match patterns", run_subscribe<pattern>},
    command{"punsubscribe", -1, subscribing, {}, group, "2.0.0",
            "Stop listening to patterns", run_unsubscribe<pattern>},
    command{"publish", 3, always | flag::fast, {}, group, "2.0.0",
            "Send a message to the subscribers of a channel", publish},
    command{"pubsub", -2, {}, {}, group, "2.8.0",
            "Commands on channels and subscribers", nullptr, nullptr,
            pubsub_subcommands},
    command{"ssubscribe", -2, subscribing, {1, -1, 1}, group, "7.0.0",
            "Listen to sharded channels", run_subscribe<sharded>},
    command{"sunsubscribe", -1, subscribing, {1, -1, 1}, group, "7.0.0",
            "Stop listening to sharded channels", run_unsubscribe<sharded>},
    command{"spublish", 3, always | flag::fast, {1, 1, 1}, group, "7.0.0",
            "Send a message to the subscribers of a sharded channel", spublish},
  };
  // clang-format on
  return commands;
}

} // namespace troupe::server
