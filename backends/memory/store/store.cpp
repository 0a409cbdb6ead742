#include <troupe/backends/memory/store/store.hpp>

#include <algorithm>
#include <utility>

namespace troupe::memory {

namespace {

/// Buckets that one sweep checks: some thousand entries, 0.2 ms. With fifty sweeps per
/// second, even a million entries that expire at once are removed within one second.
constexpr std::size_t swept_buckets = 256;

} // namespace

expected<bool> store::set(const hashed_key& key, bytes_view value,
                          const write_options& how, value_buffer* gathered) {
  if (how.condition != write_condition::always || how.keep_ttl
      || !how.tags.empty() || updates_.any()) [[unlikely]]
    return set_looking(key, value, how, gathered);
  if (auto x
      = place(table_.locate(key), key, value, fresh_attributes(how), gathered);
      x != put_result::done) [[unlikely]]
    return tl::unexpected{refusal(x)};
  return true;
}

/// A set that depends on the present entry, has tags, or may overtake an update.
expected<bool> store::set_looking(const hashed_key& key, bytes_view value,
                                  const write_options& how,
                                  value_buffer* gathered) {
  used_tags tags{*this, how.tags};
  auto where = table_.locate(key);
  const decision made{*this, where, key, !how.tags.empty()};
  auto present = look(where, key);
  if (!present) [[unlikely]]
    return present;
  if (how.condition == write_condition::if_absent && *present)
    return false;
  if (how.condition == write_condition::if_present && !*present)
    return false;
  const auto with
    = attributes_for(how, *present ? where.item : nullptr, tags.ids());
  const auto by = passing(key, *present);
  if (auto x = place(where, key, value, with, gathered); x != put_result::done)
    return tl::unexpected{refusal(x)};
  updates_.overtake(key.key, by);
  return true;
}

expected<key_state> store::watch(const hashed_key& key) {
  const auto where = table_.locate(key);
  key_state result;
  if (live(where))
    result.version = where.item->version();
  else
    result.absence = absences_.watch(key.key);
  return result;
}

expected<void> store::set_many(std::span<const hashed_key> keys,
                               std::span<const bytes_view> values,
                               const write_options& how) {
  // Some keys ahead: first their buckets, then the entries in these.
  constexpr std::size_t ahead = 8;
  for (std::size_t i = 0; i < std::min(ahead, keys.size()); ++i)
    table_.prefetch_for_write(keys[i].hash);
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (i + ahead < keys.size())
      table_.prefetch_for_write(keys[i + ahead].hash);
    if (i + ahead / 2 < keys.size())
      table_.prefetch_entry(keys[i + ahead / 2].hash);
    if (auto stored = set(keys[i], values[i], how); !stored)
      return tl::unexpected{std::move(stored.error())};
  }
  return {};
}

expected<std::optional<version_number>>
store::compare_and_set(const hashed_key& key, version_number version,
                       bytes_view value, const write_options& how,
                       inheritance from_old) {
  used_tags tags{*this, how.tags};
  auto where = table_.locate(key);
  const decision made{*this, where, key, !how.tags.empty()};
  const auto present = look(where, key);
  if (!present) [[unlikely]]
    return tl::unexpected{present.error()};
  if ((*present ? where.item->version() : no_version) != version)
    return std::nullopt;
  auto stored = put(
    where, key, value,
    attributes_for(how, *present ? where.item : nullptr, tags.ids(), from_old));
  if (!stored)
    return tl::unexpected{std::move(stored.error())};
  return *stored;
}

expected<bool> store::compare_and_erase(const hashed_key& key,
                                        version_number version) {
  auto where = table_.locate(key);
  const decision made{*this, where, key};
  if (!live(where)) {
    if (version != no_version)
      return false;
    if (lingers(where))
      remove(where, key);
    return true;
  }
  if (where.item->version() != version)
    return false;
  remove(where, key);
  return true;
}

expected<bool> store::erase(const hashed_key& key) {
  auto where = table_.locate(key);
  const decision made{*this, where, key};
  const auto present = live(where);
  remove(where, key);
  updates_.overtake(key.key, present ? update_leases::passed::erased
                                     : update_leases::passed::found_none);
  return present;
}

expected<bool> store::touch(const hashed_key& key, ttl_duration ttl) {
  auto where = table_.locate(key);
  const decision made{*this, where, key};
  if (!live(where))
    return false;
  auto deadline = ttl == no_expiry ? never : time_.now() + ttl;
  if (auto x = table_.touch(where, key, deadline); x != put_result::done)
    return tl::unexpected{refusal(x)};
  return true;
}

expected<void> store::admit(std::size_t charge) const {
  if (!table_.admits(charge))
    return tl::unexpected{refusal(put_result::too_large)};
  return {};
}

expected<void> store::reserve(const demand& coming) {
  if (!table_.reserve(coming))
    return tl::unexpected{refusal(put_result::no_room)};
  return {};
}

void store::sweep() {
  if (forgetting()) [[unlikely]]
    forget();
  if (absences_.any()) [[unlikely]]
    absences_.drop_abandoned();
  // Without memory for an empty table the old one stays; all its entries are dead.
  if (settle() && table_.wants_sweep())
    table_.sweep(swept_buckets);
  if (updates_.any())
    updates_.release_overdue(time_.now());
}

} // namespace troupe::memory
