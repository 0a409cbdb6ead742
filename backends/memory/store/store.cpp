#include <troupe/backends/memory/store/store.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <new>

namespace troupe::memory {

namespace {

/// Buckets that one sweep looks at: some thousand entries, 0.2 milliseconds. With
/// fifty sweeps a second, even a million entries that expire at once are gone
/// within one.
constexpr std::size_t swept_buckets = 256;

table_options with_clock(const store_options& x) {
  auto result = x.shared;
  result.time = x.time;
  return result;
}

/// Wide enough for the sum of any two 64-bit integers, signed or not.
__extension__ using wide_integer = __int128;

/// Far outside of every 64-bit range, so that no 64-bit `delta` leads back.
constexpr auto far_away = wide_integer{1} << 100;

/// A decimal integer that has the right form but does not fit in 64 bits, or does
/// so without a sign only.
wide_integer parse_wide(bytes_view digits, bool negative) noexcept {
  wide_integer result = 0;
  for (auto digit : digits) {
    result = result * 10 + (digit - '0');
    if (result > far_away)
      break;
  }
  return negative ? -result : result;
}

/// The whole of `text` as a decimal integer in the one form that std::to_chars
/// gives: as in Redis, "01" and "-0" are no integers.
std::optional<wide_integer>
parse_integer(bytes_view text, const integer_range& within) noexcept {
  const bool negative = text.starts_with('-');
  auto digits = text.substr(negative ? 1 : 0);
  if (digits.starts_with('0') && text != "0")
    return std::nullopt;
  std::int64_t result = 0;
  auto* end = text.data() + text.size();
  auto [stopped, code] = std::from_chars(text.data(), end, result);
  if (stopped != end)
    return std::nullopt;
  if (code == std::errc{})
    return result;
  if (code == std::errc::result_out_of_range && within.counts_from_outside)
    return parse_wide(digits, negative);
  return std::nullopt;
}

std::string to_text(const integer_range& x) {
  return std::to_string(x.least) + " to " + std::to_string(x.most);
}

} // namespace

store::store(const store_options& options)
  : time_(*options.time),
    options_(options),
    random_(static_cast<std::uint32_t>(options.seed % 0x7ffffffe) + 1),
    forgotten_(*options_.shared.forgotten),
    table_(with_clock(options)) {
  forgotten_.tags().add(witness_);
}

store::~store() {
  forgotten_.tags().remove(witness_);
}

/// The deadline of a write: its TTL, shortened by up to the jitter's share.
time_point store::deadline_for(const write_options& how) {
  auto ttl = how.ttl.value_or(options_.ttl);
  if (ttl == no_expiry)
    return never;
  auto jitter = how.jitter.value_or(options_.jitter);
  auto full = std::chrono::nanoseconds{ttl};
  if (jitter > 0.0) {
    std::uniform_real_distribution<double> all{0.0, 1.0};
    auto share = all(random_);
    jitter_.count(share);
    full -= std::chrono::nanoseconds{static_cast<std::int64_t>(
      static_cast<double>(full.count()) * jitter * share)};
  }
  return time_.now() + full;
}

/// Uses the ids of some tags for a change.
class store::used_tags {
public:
  used_tags(store& in, const tags& names) : in_(in) {
    if (!names.empty())
      in_.forgotten_.tags().use(names.names(), in_.tags_);
  }

  ~used_tags() {
    in_.forgotten_.tags().release(in_.tags_);
    in_.tags_.clear();
  }

  used_tags(const used_tags&) = delete;
  used_tags& operator=(const used_tags&) = delete;

  [[nodiscard]] std::span<const tag_id> ids() const noexcept {
    return in_.tags_;
  }

private:
  store& in_;
};

/// What an entry carries that takes nothing over from another and has no tags.
inline entry_attributes store::fresh_attributes(const write_options& how) {
  entry_attributes result;
  result.deadline = deadline_for(how);
  if (const auto idle = how.idle.value_or(options_.idle); idle != no_expiry) {
    result.idle = idle;
    result.idle_until = time_.now() + idle;
  }
  return result;
}

/// What a written entry carries; `present` is the live one that it replaces, or
/// nullptr, and `tags` are the ids of those in `how`.
entry_attributes
store::attributes_for(const write_options& how, const entry* present,
                      std::span<const tag_id> tags, inheritance from_old) {
  entry_attributes result;
  if (present == nullptr
      || (!how.keep_ttl && from_old == inheritance::as_told)) {
    result = fresh_attributes(how);
  } else {
    result = present->attributes();
    if (how.ttl && !how.keep_ttl)
      result.deadline = deadline_for(how);
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

error store::refusal(put_result why) const {
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

/// What a clear, or the end, of all that share the invalidations asks for.
expected<void> store::catch_up() {
  if (stopped())
    return fail(errc::shutting_down,
                "the region has been stopped; its runtime has ended");
  return clear();
}

/// Whether there is a live entry at `where`, for a change that depends on it.
expected<bool> store::look(table::position& where, const hashed_key& key) {
  if (live(where))
    return true;
  if (auto ok = confirm_absence(where, key); !ok)
    return tl::unexpected{std::move(ok.error())};
  return false;
}

/// Every way to store ends here: publishes, voids leases.
put_result store::place(const table::position& where, const hashed_key& key,
                        bytes_view value, const entry_attributes& with,
                        value_buffer* gathered) {
  auto result = table_.put(where, key, value, with, gathered);
  if (result == put_result::done) [[likely]]
    note_stored(key.key);
  return result;
}

/// The same; the new version.
expected<version_number> store::put(const table::position& where,
                                    const hashed_key& key, bytes_view value,
                                    const entry_attributes& with) {
  if (auto x = place(where, key, value, with); x != put_result::done)
    [[unlikely]]
    return tl::unexpected{refusal(x)};
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
  const auto present = look(where, key);
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

/// What a blind write is to an update under a lease that finds a live entry, or none.
update_leases::passed store::passing(const hashed_key& key,
                                     bool present) const {
  return !updates_.held(key.key) || updates_.given(key.key).present == present
           ? update_leases::passed::blind
           : update_leases::passed::late;
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
  // Some keys ahead: first their buckets, later the entries in them.
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
  if (!live(where))
    return version == no_version;
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

expected<std::int64_t> store::increment(const hashed_key& key,
                                        std::int64_t delta,
                                        const integer_range& within) {
  auto where = table_.locate(key);
  const decision made{*this, where, key};
  const auto present = look(where, key);
  if (!present) [[unlikely]]
    return tl::unexpected{present.error()};
  wide_integer wide_sum = delta;
  if (*present) {
    auto old = parse_integer(where.item->value(), within);
    if (!old)
      return fail(errc::not_an_integer,
                  within.counts_from_outside
                    ? "the value is not a decimal integer"
                    : "the value is not a decimal 64-bit integer");
    wide_sum += *old;
  }
  if (wide_sum < within.least || wide_sum > wide_integer{within.most})
    return fail(errc::integer_overflow,
                "the sum is outside of the range of the values, "
                  + to_text(within));
  const auto sum = static_cast<std::int64_t>(wide_sum);
  std::array<char, std::numeric_limits<std::uint64_t>::digits10 + 3> text;
  auto* last = text.data() + text.size();
  auto* end = wide_sum < 0 ? std::to_chars(text.data(), last, sum).ptr
                           : std::to_chars(text.data(), last,
                                           static_cast<std::uint64_t>(wide_sum))
                               .ptr;
  auto size = static_cast<std::size_t>(end - text.data());
  write_options how;
  how.keep_ttl = true;
  auto with = attributes_for(how, *present ? where.item : nullptr);
  if (auto stored = put(where, key, {text.data(), size}, with); !stored)
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
      used_tags tags{*this, next.how.tags};
      const tag_step step{forgotten_.tags(), witness_, !next.how.tags.empty()};
      auto with
        = attributes_for(next.how, present ? where.item : nullptr, tags.ids());
      if (next.deadline)
        with.deadline = *next.deadline;
      if (auto x = place(where, key, next.value, with, next.gathered);
          x != put_result::done)
        return tl::unexpected{refusal(x)};
      break;
    }
    case edit::action::splice:
      return splice(where, present, key, next);
    case edit::action::erase:
      remove(where, key);
      break;
    case edit::action::touch:
      if (!present)
        break;
      if (auto x = table_.touch(where, key, *next.deadline);
          x != put_result::done)
        return tl::unexpected{refusal(x)};
      break;
  }
  return {};
}

expected<void> store::splice(const table::position& where, bool present,
                             const hashed_key& key, const edit& next) {
  const auto old = present ? where.item->value() : bytes_view{};
  const auto offset = next.offset == edit::at_end ? old.size() : next.offset;
  const auto with = attributes_for(next.how, present ? where.item : nullptr);
  if (auto x = table_.splice(where, key, old, offset, next.value, with);
      x != put_result::done)
    return tl::unexpected{refusal(x)};
  note_stored(key.key);
  return {};
}

expected<transfer_result> store::transfer(const hashed_key& source, store& to,
                                          const hashed_key& key,
                                          const transfer_terms& terms) {
  auto from = table_.locate(source);
  auto where = to.table_.locate(key);
  const decision made{*this, from, source};
  const decision other{to, where, key, false, 1};
  if (!use(from))
    return transfer_result::absent;
  if (terms.if_absent && to.live(where))
    return transfer_result::exists;
  auto with = from.item->attributes();
  if (with.slides())
    with.idle_until = time_.now() + with.idle;
  if (!forgotten_.shares_tags_with(to.forgotten_))
    with.tags = {};
  const auto x = terms.keep_source
                   ? to.table_.put_copy(where, key, *from.item, with)
                   : table_.move(from, to.table_, where, key, with);
  if (x != put_result::done)
    return tl::unexpected{to.refusal(x)};
  to.note_stored(key.key);
  to.updates_.release(key.key);
  if (!terms.keep_source) {
    loads_.fence(source.key);
    updates_.release(source.key);
  }
  return transfer_result::done;
}

expected<void> store::clear() {
  // Before what was there is gone.
  updates_.overtake_all([this](bytes_view text) {
    const hashed_key key{text, hash_key(text)};
    return passing(key, live(table_.locate(key)));
  });
  if (!table_.renew())
    return tl::unexpected{refusal(put_result::no_memory)};
  loads_.fence_all();
  return {};
}

bool store::forget() noexcept {
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

expected<load_decision>
store::acquire_load(const hashed_key& key, load_id id,
                    std::shared_ptr<const load_tags> tags) {
  if (auto present = use(table_.locate(key)))
    return load_hit{bytes{present->value}};
  const auto now = forgotten_.tags().sequence();
  if (auto* held = loads_.find(key.key)) {
    const auto killed = held->born < now && held->tags != nullptr
                        && forgotten_.tags().killed_by_name(
                          held->born, held->tags->copy().names());
    if (!killed)
      return load_joined{held->id, now};
    loads_.fence(key.key);
  }
  loads_.grant(key.key, {id, now, std::move(tags)});
  return load_granted{now};
}

expected<load_outcome>
store::commit_load(const hashed_key& key, load_id id, std::uint64_t born,
                   std::optional<bytes_view> value, const write_options& how) {
  // First, so that an error ends the lease, too.
  const auto held = loads_.release(key.key, id);
  used_tags tags{*this, how.tags};
  const tag_step step{forgotten_.tags(), witness_, !how.tags.empty()};
  load_outcome result;
  result.killed = forgotten_.tags().killed(born, tags.ids());
  // An update that holds its lease has read the key already; a load that stored
  // now would be lost without having been seen.
  if (!held || result.killed || !value || updates_.held(key.key))
    return result;
  auto with = attributes_for(how, nullptr, tags.ids());
  with.born = born;
  auto stored = put(table_.locate(key), key, *value, with);
  if (!stored)
    return tl::unexpected{std::move(stored.error())};
  result.stored = true;
  return result;
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
  const tag_step step{forgotten_.tags(), witness_};
  update_leases::snapshot given;
  given.taken = forgotten_.tags().sequence();
  auto where = table_.locate(key);
  auto present = use(where);
  if (!present)
    if (auto ok = confirm_absence(where, key); !ok)
      return tl::unexpected{std::move(ok.error())};
  if (present) {
    result.value.emplace(present->value);
    given.present = true;
    for (auto x : where.item->tags())
      given.tags.emplace_back(forgotten_.tags().name_of(x));
  }
  updates_.grant(key.key, token, time_.now() + options_.update_lease,
                 std::move(given));
  loads_.fence(key.key);
  return result;
}

expected<update_outcome> store::commit_update(const hashed_key& key,
                                              std::uint64_t token,
                                              std::optional<bytes_view> value,
                                              const write_options& how) {
  if (!updates_.holds(key.key, token))
    return update_outcome::lost;
  struct ending {
    ~ending() {
      of.release(key);
    }

    update_leases& of;
    bytes_view key;
  } at_the_end{updates_, key.key};
  if (const auto by = updates_.overtaken(key.key);
      by != update_leases::passed::none) {
    using passed = update_leases::passed;
    const auto before
      = by == passed::blind
        || (by != passed::late && (by == passed::erased) == value.has_value());
    return before ? update_outcome::overtaken : update_outcome::changed;
  }
  const auto& given = updates_.given(key.key);
  used_tags tags{*this, how.tags};
  auto where = table_.locate(key);
  const decision made{*this, where, key, true};
  const auto present = live(where);
  // What the function was given is dead. If nothing but an invalidation killed it, that
  // has killed a result with the same tags, too, and came after the update; else the
  // function has to see that the entry has gone.
  if (given.present && !present) {
    const auto killed
      = where.item != nullptr && !table_.expired(*where.item)
        && forgotten_.tags().killed_by_name(given.taken, given.tags);
    const auto shares_fate
      = !value || how.tags.empty()
        || std::all_of(given.tags.begin(), given.tags.end(),
                       [&](auto& name) { return how.tags.contains(name); });
    return killed && shares_fate ? update_outcome::overtaken
                                 : update_outcome::changed;
  }
  if (!value) {
    if (present)
      remove(where, key);
    return update_outcome::stored;
  }
  auto with = attributes_for(how, present ? where.item : nullptr, tags.ids(),
                             inheritance::rest);
  auto stored = put(where, key, *value, with);
  if (!stored)
    return tl::unexpected{std::move(stored.error())};
  return update_outcome::stored;
}

expected<void> store::abandon_update(const hashed_key& key,
                                     std::uint64_t token) {
  if (updates_.holds(key.key, token))
    updates_.release(key.key);
  return {};
}

void store::sweep() {
  if (forgetting()) [[unlikely]]
    forget();
  if (absences_.any()) [[unlikely]]
    absences_.drop_abandoned();
  // Without memory for an empty table the old one stays, dead to all.
  if (settle() && table_.wants_sweep())
    table_.sweep(swept_buckets);
  if (updates_.any())
    updates_.release_overdue(time_.now());
}

} // namespace troupe::memory
