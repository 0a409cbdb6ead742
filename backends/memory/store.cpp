#include <troupe/backends/memory/store.hpp>

#include <array>
#include <charconv>
#include <limits>

namespace troupe::memory {

namespace {

/// Buckets that one sweep looks at: some 70 entries, a few microseconds.
constexpr std::size_t swept_buckets = 16;

tl::unexpected<error> no_memory() {
  return fail(errc::out_of_memory);
}

/// The whole of `text` as a decimal integer in the one form that std::to_chars
/// gives: as in Redis, "01" and "-0" are no integers.
std::optional<std::int64_t> parse_integer(bytes_view text) noexcept {
  auto digits = text.substr(text.starts_with('-') ? 1 : 0);
  if (digits.starts_with('0') && text != "0")
    return std::nullopt;
  std::int64_t result = 0;
  auto* end = text.data() + text.size();
  auto [stopped, code] = std::from_chars(text.data(), end, result);
  if (code != std::errc{} || stopped != end)
    return std::nullopt;
  return result;
}

} // namespace

store::store(const store_options& options)
  : time_(*options.time),
    options_(options),
    random_(static_cast<std::uint32_t>(options.seed % 0x7ffffffe) + 1) {
  // nop
}

/// The deadline of a write: its TTL, shortened by up to the jitter's share.
time_point store::deadline_for(const write_options& how) {
  auto ttl = how.ttl.value_or(options_.ttl);
  if (ttl == no_expiry)
    return never;
  auto jitter = how.jitter.value_or(options_.jitter);
  auto full = std::chrono::nanoseconds{ttl};
  if (jitter > 0.0) {
    std::uniform_real_distribution<double> share{0.0, jitter};
    full -= std::chrono::nanoseconds{static_cast<std::int64_t>(
      static_cast<double>(full.count()) * share(random_))};
  }
  return time_.now() + full;
}

/// Every way to store ends here: publishes, voids leases; the new version.
expected<version_number> store::put(const table::position& where,
                                    const hashed_key& key, bytes_view value,
                                    time_point deadline) {
  if (!table_.put(where, key, value, deadline))
    return no_memory();
  loads_.fence(key.key);
  return table_.version();
}

/// Removes the entry, if there is one, and voids leases either way.
void store::remove(const table::position& where, const hashed_key& key) {
  if (where.item != nullptr)
    table_.remove(where);
  else
    table_.skip_version();
  loads_.fence(key.key);
}

expected<bool> store::set(const hashed_key& key, bytes_view value,
                          const write_options& how) {
  auto where = table_.locate(key);
  auto present = how.condition == write_condition::always && !how.keep_ttl
                   ? false
                   : live(where);
  if (how.condition == write_condition::if_absent && present)
    return false;
  if (how.condition == write_condition::if_present && !present)
    return false;
  auto deadline = how.keep_ttl && present ? where.item->deadline()
                                          : deadline_for(how);
  if (auto stored = put(where, key, value, deadline); !stored)
    return tl::unexpected{std::move(stored.error())};
  updates_.overtake(key.key);
  return true;
}

expected<std::optional<version_number>>
store::compare_and_set(const hashed_key& key, version_number version,
                       bytes_view value, const write_options& how) {
  auto where = table_.locate(key);
  auto present = live(where);
  if ((present ? where.item->version() : no_version) != version)
    return std::nullopt;
  auto deadline = how.keep_ttl && present ? where.item->deadline()
                                          : deadline_for(how);
  auto stored = put(where, key, value, deadline);
  if (!stored)
    return tl::unexpected{std::move(stored.error())};
  return *stored;
}

expected<bool> store::compare_and_erase(const hashed_key& key,
                                        version_number version) {
  auto where = table_.locate(key);
  if (!live(where))
    return version == no_version;
  if (where.item->version() != version)
    return false;
  remove(where, key);
  return true;
}

expected<bool> store::erase(const hashed_key& key) {
  auto where = table_.locate(key);
  auto present = live(where);
  remove(where, key);
  updates_.overtake(key.key);
  return present;
}

expected<bool> store::touch(const hashed_key& key, ttl_duration ttl) {
  auto where = table_.locate(key);
  if (!live(where))
    return false;
  auto deadline = ttl == no_expiry ? never : time_.now() + ttl;
  table_.touch(where, deadline);
  return true;
}

expected<std::int64_t> store::increment(const hashed_key& key,
                                        std::int64_t delta) {
  auto where = table_.locate(key);
  auto present = live(where);
  std::int64_t sum = 0;
  if (present) {
    auto old = parse_integer(where.item->value());
    if (!old)
      return fail(errc::not_an_integer,
                  "the value is not a decimal 64-bit integer");
    sum = *old;
  }
  if (__builtin_add_overflow(sum, delta, &sum))
    return fail(errc::integer_overflow,
                "the sum is outside of the 64-bit range");
  std::array<char, std::numeric_limits<std::int64_t>::digits10 + 3> text;
  auto* end = std::to_chars(text.data(), text.data() + text.size(), sum).ptr;
  auto size = static_cast<std::size_t>(end - text.data());
  auto deadline = present ? where.item->deadline() : deadline_for({});
  if (auto stored = put(where, key, {text.data(), size}, deadline); !stored)
    return tl::unexpected{std::move(stored.error())};
  return sum;
}

/// The second half of `transform`. `present`: there is a live entry at `where`.
expected<void> store::apply(const table::position& where, bool present,
                            const hashed_key& key, const edit& next) {
  switch (next.what) {
    case edit::action::keep:
      break;
    case edit::action::store: {
      auto deadline = next.deadline               ? *next.deadline
                      : next.how.keep_ttl && present ? where.item->deadline()
                                                     : deadline_for(next.how);
      if (auto stored = put(where, key, next.value, deadline); !stored)
        return tl::unexpected{std::move(stored.error())};
      break;
    }
    case edit::action::erase:
      remove(where, key);
      break;
    case edit::action::touch:
      if (present)
        table_.touch(where, *next.deadline);
      break;
  }
  return {};
}

expected<void> store::clear() {
  if (!table_.clear())
    return no_memory();
  loads_.fence_all();
  updates_.overtake_all();
  return {};
}

expected<load_decision> store::acquire_load(const hashed_key& key, load_id id) {
  if (auto where = table_.locate(key); live(where))
    return load_hit{bytes{where.item->value()}};
  if (auto holder = loads_.holder(key.key); holder != 0)
    return load_joined{holder};
  loads_.grant(key.key, id);
  return load_granted{};
}

expected<bool> store::commit_load(const hashed_key& key, load_id id,
                                  bytes_view value, const write_options& how) {
  // An update that holds its lease has read the key already; a load that stored
  // now would be lost without having been seen.
  if (!loads_.release(key.key, id) || updates_.held(key.key))
    return false;
  auto stored = put(table_.locate(key), key, value, deadline_for(how));
  if (!stored)
    return tl::unexpected{std::move(stored.error())};
  return true;
}

expected<void> store::release_load(const hashed_key& key, load_id id) {
  loads_.release(key.key, id);
  return {};
}

expected<bool> store::holds_load(const hashed_key& key, load_id id) const {
  return loads_.holder(key.key) == id;
}

expected<update_snapshot> store::begin_update(const hashed_key& key,
                                              std::uint64_t token) {
  update_snapshot result;
  if (auto where = table_.locate(key); live(where))
    result.value.emplace(where.item->value());
  updates_.grant(key.key, token, time_.now() + options_.update_lease);
  loads_.fence(key.key);
  return result;
}

expected<update_outcome> store::commit_update(const hashed_key& key,
                                              std::uint64_t token,
                                              std::optional<bytes_view> value,
                                              const write_options& how) {
  if (!updates_.holds(key.key, token))
    return update_outcome::lost;
  if (updates_.overtaken(key.key)) {
    updates_.release(key.key);
    return update_outcome::overtaken;
  }
  auto where = table_.locate(key);
  auto present = live(where);
  expected<void> result;
  if (value) {
    auto deadline = how.keep_ttl && present ? where.item->deadline()
                                            : deadline_for(how);
    if (auto stored = put(where, key, *value, deadline); !stored)
      result = tl::unexpected{std::move(stored.error())};
  } else if (present) {
    remove(where, key);
  }
  updates_.release(key.key);
  if (!result)
    return tl::unexpected{std::move(result.error())};
  return update_outcome::stored;
}

expected<void> store::abandon_update(const hashed_key& key,
                                     std::uint64_t token) {
  if (updates_.holds(key.key, token))
    updates_.release(key.key);
  return {};
}

void store::sweep() {
  if (table_.expiring() > 0 || table_.retired_bytes() > 0)
    table_.sweep(time_.now(), swept_buckets);
  if (updates_.any())
    updates_.release_overdue(time_.now());
}

} // namespace troupe::memory
