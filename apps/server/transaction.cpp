#include "apps/server/transaction.hpp"

#include <utility>

#include "apps/server/defaults.hpp"

namespace troupe::server {

namespace {

expected<version_number> version_of(const region& where, bytes_view key) {
  auto result = no_version;
  auto found = where.visit(
    key, [&result](const entry_view& x) { result = x.version; }, lookup::peek);
  if (!found)
    return tl::unexpected{std::move(found.error())};
  return result;
}

} // namespace

queued_command::queued_command(const command& what, arguments words)
  : what_(&what) {
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

bool transaction::queue(const command& what, arguments words) {
  auto size = sizeof(queued_command);
  for (const auto& x : words)
    size += sizeof(bytes_view) + x.size();
  if (bytes_ + size > defaults::max_transaction)
    return false;
  commands_.emplace_back(what, words);
  bytes_ += size;
  return true;
}

expected<void> transaction::watch(region& where, bytes_view key) {
  std::pair place{&where, bytes{key}};
  if (watched_.contains(place))
    return {};
  const auto size = sizeof(*watched_.begin()) + key.size();
  if (watched_bytes_ + size > defaults::max_transaction)
    return fail(errc::overloaded, "too many watched keys; UNWATCH some");
  auto version = version_of(where, key);
  if (!version)
    return tl::unexpected{std::move(version.error())};
  watched_.emplace(std::move(place), *version);
  watched_bytes_ += size;
  return {};
}

bool transaction::watched_unchanged() const {
  for (const auto& [place, version] : watched_) {
    const auto present = version_of(*place.first, place.second);
    if (!present || *present != version)
      return false;
  }
  return true;
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
