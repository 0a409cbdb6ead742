#include "apps/server/clients/transaction.hpp"

#include <algorithm>
#include <utility>

#include <troupe/actors/regions/region_declared.hpp>

namespace troupe::server {

queued_command::queued_command(region& database, const command& what,
                               resp::arguments words)
  : database_(&database), what_(&what) {
  std::size_t size = 0;
  for (const auto& x : words)
    size += x.size();
  text_.reserve(size);
  words_.reserve(words.size());
  for (const auto& x : words) {
    const auto* const begin = text_.data() + text_.size();
    text_.insert(text_.end(), x.begin(), x.end());
    words_.emplace_back(begin, x.size());
  }
}

bool transaction::queue(const command& what, resp::arguments words,
                        std::size_t most) {
  auto size = sizeof(queued_command);
  for (const auto& x : words)
    size += sizeof(bytes_view) + x.size();
  if (bytes_ + size > most)
    return false;
  commands_.emplace_back(*database_, what, words);
  bytes_ += size;
  return true;
}

expected<void> transaction::watch(region& where, bytes_view key,
                                  std::size_t most) {
  std::pair place{&where, bytes{key}};
  if (watched_.contains(place))
    return {};
  // The provider has a copy of an absent key, and some bytes more.
  constexpr std::size_t beside = 64;
  const auto size = sizeof(*watched_.begin()) + beside + 2 * key.size();
  if (watched_bytes_ + size > most)
    return fail(errc::overloaded, "too many watched keys; UNWATCH some");
  auto state = where.watch(key);
  if (!state)
    return tl::unexpected{std::move(state.error())};
  watched_.emplace(std::move(place), std::move(*state));
  watched_bytes_ += size;
  return {};
}

bool transaction::watched_unchanged() const {
  return std::all_of(watched_.begin(), watched_.end(), [](const auto& x) {
    const auto& [where, key] = x.first;
    return where->unchanged(key, x.second).value_or(false);
  });
}

void transaction::end() noexcept {
  active_ = false;
  spoiled_ = false;
  bytes_ = 0;
  commands_.clear();
  unwatch();
}

std::vector<queued_command> transaction::take() noexcept {
  auto result = std::move(commands_);
  end();
  return result;
}

} // namespace troupe::server
