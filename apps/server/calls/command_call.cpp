#include "apps/server/calls/command_call.hpp"

#include <new>
#include <utility>

#include <troupe/actors/regions/region_declared.hpp>

#include "apps/resp/error_text.hpp"
#include "apps/server/state/databases.hpp"

namespace troupe::server {

namespace error_text = resp::error_text;

memory::shard_map& command_call::shards() const noexcept {
  return shards_of(db);
}

const std::vector<hashed_key>& command_call::keys() {
  const auto count = what.key_count(words.size());
  const auto first = static_cast<std::size_t>(what.keys.first);
  const auto step = static_cast<std::size_t>(what.keys.step);
  for (auto i = hashed.size(); i < count; ++i)
    hashed.emplace_back(words[first + i * step]);
  return hashed;
}

void run_command(command_call& call) {
  call.reply.begin();
  try {
    call.what.run(call);
  } catch (const std::bad_alloc&) {
    call.reply.rollback();
    call.reply.error(error_text::out_of_memory);
  }
  call.reply.end();
}

void reply_error(command_call& call, const error& why) {
  call.reply.rollback();
  call.reply.error(error_text::of(why));
}

expected<bool> store(command_call& call, const hashed_key& key,
                     bytes_view value, const write_options& how) {
  if (auto* const x = call.self.gathered(value))
    return call.db.set(key, *x, how);
  return call.db.set(key, value, how);
}

void count_lookups(command_call& call, std::size_t hits,
                   std::size_t misses) noexcept {
  call.hits += hits;
  call.misses += misses;
}

void settle_lookups(command_call& call) noexcept {
  call.counters.hits.add(std::exchange(call.hits, 0));
  call.counters.misses.add(std::exchange(call.misses, 0));
}

} // namespace troupe::server
