#include <troupe/backends/memory/store/core.hpp>

#include <chrono>
#include <new>
#include <string>

namespace troupe::memory {

namespace {

table_options with_clock(const store_options& x) {
  auto result = x.shared;
  result.time = x.time;
  return result;
}

} // namespace

store_core::store_core(const store_options& options)
  : time_(*options.time),
    options_(options),
    random_(static_cast<std::uint32_t>(options.seed % 0x7ffffffe) + 1),
    forgotten_(*options_.shared.forgotten),
    table_(with_clock(options)) {
  forgotten_.tags().add(witness_);
}

store_core::~store_core() {
  forgotten_.tags().remove(witness_);
}

/// Sets the deadline of a write, which its TTL gives, shortened by up to the jitter's
/// share, and the moments that go with it.
void store_core::set_ttl(entry_attributes& to, const write_options& how,
                         ttl_duration ttl) {
  auto jitter = how.jitter.value_or(options_.jitter);
  auto full = std::chrono::nanoseconds{ttl};
  if (jitter > 0.0) {
    std::uniform_real_distribution<double> all{0.0, 1.0};
    auto share = all(random_);
    jitter_.count(share);
    full -= std::chrono::nanoseconds{static_cast<std::int64_t>(
      static_cast<double>(full.count()) * jitter * share)};
  }
  to.deadline = time_.now() + full;
  if (options_.has_moments() || how.stale_for) [[unlikely]]
    set_moments(to, how, full);
}

/// Sets the moments of a write whose TTL ends in `ttl`.
void store_core::set_moments(entry_attributes& to, const write_options& how,
                             std::chrono::nanoseconds ttl) {
  to.moments = {};
  // An entry that is written with a deadline in the past is removed in this way.
  if (to.deadline == never || ttl <= ttl.zero())
    return;
  to.moments.stale_for = how.stale_for.value_or(options_.stale_for);
  const auto share = options_.refresh_ahead;
  if (share <= 0.0)
    return;
  // Spread, so that keys that were written together are not refreshed together.
  std::uniform_real_distribution<double> spread{share, (1.0 + share) / 2};
  const auto ahead = static_cast<double>(ttl.count()) * (1.0 - spread(random_));
  to.moments.refresh_offset
    = std::chrono::nanoseconds{-static_cast<std::int64_t>(ahead)};
}

/// The attributes of a written entry. `present` is the live entry that it replaces, or
/// nullptr; `tags` are the ids of the tags in `how`.
entry_attributes
store_core::attributes_for(const write_options& how, const entry* present,
                           std::span<const tag_id> tags, inheritance from_old) {
  entry_attributes result;
  if (present == nullptr
      || (!how.keep_ttl && from_old == inheritance::as_told)) {
    result = fresh_attributes(how);
  } else {
    result = present->attributes();
    if (how.ttl && !how.keep_ttl) {
      result.deadline = never;
      result.moments = {};
      if (*how.ttl != no_expiry)
        set_ttl(result, how, *how.ttl);
    } else if (how.stale_for && !how.keep_ttl && result.deadline != never) {
      result.moments.stale_for = *how.stale_for;
    }
    if (how.idle && !how.keep_ttl)
      result.idle
        = *how.idle == no_expiry ? std::chrono::nanoseconds{0} : *how.idle;
    if (result.slides())
      result.idle_until = time_.now() + result.idle;
  }
  if (!tags.empty()) [[unlikely]] {
    result.tags = tags;
    result.born = forgotten_.tags().sequence();
  }
  return result;
}

error store_core::refusal(put_result why) const {
  switch (why) {
    case put_result::too_large:
      return {errc::value_too_large,
              "one entry may take up to "
                + std::to_string(table_.largest_charge()) + " bytes, half of "
                + table_.narrowest_bytes().name()
                + "; store less under one key, or raise that limit"};
    case put_result::no_room:
      return {errc::limit_reached,
              "the limit is reached, and nothing is evicted"};
    default:
      return {errc::out_of_memory};
  }
}

/// Applies a clear, or a stop, of all stores that share the invalidations.
expected<void> store_core::catch_up() {
  if (stopped())
    return fail(errc::shutting_down,
                "the region has been stopped; its runtime has ended");
  return make_empty();
}

/// Whether there is a live entry at `where`, for a change that depends on it.
expected<bool> store_core::look(table::position& where, const hashed_key& key) {
  if (live(where))
    return true;
  if (auto ok = confirm_absence(where, key); !ok)
    return tl::unexpected{std::move(ok.error())};
  return false;
}

/// Every write ends here: publishes the entry and voids leases.
put_result store_core::place(const table::position& where,
                             const hashed_key& key, bytes_view value,
                             const entry_attributes& with,
                             value_buffer* gathered) {
  auto result = table_.put(where, key, value, with, gathered);
  if (result == put_result::done) [[likely]]
    note_stored(key.key);
  return result;
}

/// The same; returns the new version.
expected<version_number>
store_core::put(const table::position& where, const hashed_key& key,
                bytes_view value, const entry_attributes& with) {
  if (auto x = place(where, key, value, with); x != put_result::done)
    [[unlikely]]
    return tl::unexpected{refusal(x)};
  return table_.version();
}

/// Removes the entry, if there is one, and voids leases in both cases.
void store_core::remove(const table::position& where, const hashed_key& key) {
  if (where.item != nullptr)
    table_.remove(where);
  else
    table_.skip_version();
  fence(key.key, key_event_kind::erased);
}

/// What a stored value means to loads and to the recorded events of its key.
void store_core::note_loads_and_events(bytes_view key) {
  if (options_.record_sets)
    table_.record(key_event_kind::stored, key_event_kind::stored, key);
  fence(key, key_event_kind::stored);
}

/// Voids the load lease of the key, if there is one, because of this event.
void store_core::fence(bytes_view key, key_event_kind why) {
  if (loads_.size() == 0) [[likely]]
    return;
  if (const auto held = loads_.fence(key); held != 0)
    table_.record(key_event_kind::load_fenced, why, key, held);
}

/// Voids the leases of all loads. The events of other keys must not all be overwritten,
/// so it records only some of the leases.
void store_core::fence_all(key_event_kind why) noexcept {
  auto left = options_.shared.events / 4;
  loads_.fence_all([&](bytes_view key, load_id held) noexcept {
    if (left == 0)
      return;
    --left;
    table_.record(key_event_kind::load_fenced, why, key, held);
  });
}

update_leases::passed store_core::passing_update(const hashed_key& key,
                                                 bool present) const {
  return !updates_.held(key.key) || updates_.given(key.key).present == present
           ? update_leases::passed::blind
           : update_leases::passed::late;
}

expected<void> store_core::clear() {
  return make_empty().map([this] {
    table_.record(key_event_kind::cleared, key_event_kind::cleared, {});
  });
}

expected<void> store_core::make_empty() {
  // Before the old entries are removed.
  updates_.overtake_all([this](bytes_view text) {
    const hashed_key key{text, hash_key(text)};
    return passing(key, live(table_.locate(key)));
  });
  if (!table_.renew())
    return tl::unexpected{refusal(put_result::no_memory)};
  fence_all(key_event_kind::cleared);
  return {};
}

bool store_core::forget() noexcept {
  const auto done = [this]() noexcept {
    try {
      return clear().has_value();
    } catch (const std::bad_alloc&) {
      return false;
    }
  }();
  forgetting_.store(!done, std::memory_order_relaxed);
  return done;
}

} // namespace troupe::memory
