#include "apps/server/clients/client.hpp"

#include <algorithm>
#include <atomic>

#include "apps/resp/error_text.hpp"
#include "apps/server/state/defaults.hpp"

namespace troupe::server {

void record(const client& x) noexcept {
  if (x.record == nullptr)
    return;
  constexpr auto relaxed = std::memory_order_relaxed;
  auto& to = *x.record;
  to.last_active.store(client_record::clock::now(), relaxed);
  to.last_command.store(x.last_command, relaxed);
  to.database.store(x.database, relaxed);
  to.protocol.store(x.protocol, relaxed);
  to.queued.store(x.queue.active()
                    ? static_cast<std::int64_t>(x.queue.commands().size())
                    : -1,
                  relaxed);
  const auto topics = [&x](topic_kind kind) {
    return x.listening ? x.listening->of(kind).size() : 0;
  };
  to.channels = topics(topic_kind::channel);
  to.patterns = topics(topic_kind::pattern);
  to.shard_channels = topics(topic_kind::sharded);
}

void record_names(const client& x, client_registry& all) {
  if (x.record != nullptr)
    all.rename(*x.record, x.names);
}

std::string name_refusal(bytes_view name, std::string_view characters) {
  if (name.size() > defaults::max_client_name)
    return resp::error_text::long_name(defaults::max_client_name);
  const auto valid = std::all_of(name.begin(), name.end(),
                                 [](char c) { return c >= '!' && c <= '~'; });
  return valid ? std::string{} : std::string{characters};
}

} // namespace troupe::server
