#include "conformance/plain_store.hpp"

#include <algorithm>
#include <chrono>
#include <limits>
#include <string>
#include <utility>
#include <variant>

using namespace troupe;

namespace conformance {

namespace {

__extension__ using wide_integer = __int128;

/// The integer that `text` is in the one way to write it; nothing for other text, as
/// "01", "-0" and "+1". What has more digits than 64 bits is counted as `far_away`.
std::optional<wide_integer> integer_of(bytes_view text) {
  constexpr wide_integer far_away = wide_integer{1} << 100;
  constexpr std::size_t most_digits = 25;
  const auto negative = text.starts_with('-');
  const auto digits = text.substr(negative ? 1 : 0);
  const auto all_digits = std::all_of(
    digits.begin(), digits.end(), [](char x) { return x >= '0' && x <= '9'; });
  if (digits.empty() || !all_digits || (digits.front() == '0' && text != "0"))
    return std::nullopt;
  wide_integer result = 0;
  for (auto x : digits.substr(0, most_digits))
    result = result * 10 + (x - '0');
  if (digits.size() > most_digits)
    result = far_away;
  return negative ? -result : result;
}

bool fits_64_bits(wide_integer x) {
  return x >= std::numeric_limits<std::int64_t>::min()
         && x <= std::numeric_limits<std::int64_t>::max();
}

} // namespace

plain_store::plain_store(const troupe::clock& time,
                         const region_options& options)
  : time_(time), options_(options), random_(std::random_device{}()) {
  // nop
}

// -- reading -----------------------------------------------------------------------

const plain_entry* plain_store::look(bytes_view key) const {
  const auto i = entries_.find(key);
  return i != entries_.end() && i->second.deadline() > time_.now() ? &i->second
                                                                   : nullptr;
}

const plain_entry* plain_store::read(bytes_view key, lookup as) {
  const auto* const result = look(key);
  if (result != nullptr && as == lookup::use)
    use(entries_.find(key)->second);
  return result;
}

/// The entry that is live, or stale but usable.
plain_entry* plain_store::usable(bytes_view key) {
  const auto i = entries_.find(key);
  return i != entries_.end() && i->second.moments().usable_until > time_.now()
           ? &i->second
           : nullptr;
}

const plain_entry* plain_store::read_usable(bytes_view key, lookup as) {
  if (const auto* const live = read(key, as))
    return live;
  return usable(key);
}

staleness plain_entry::moments() const {
  staleness result;
  if (deadline() == never)
    return result;
  result.usable_until = deadline() + stale_for;
  result.refresh_from = behind  ? deadline() + *behind
                        : ahead ? std::min(deadline(), ttl_end - *ahead)
                                : deadline();
  result.absence = absence;
  return result;
}

/// Its idle time starts anew.
void plain_store::use(plain_entry& x) const {
  x.idle_end = x.idle == no_expiry ? never : time_.now() + x.idle;
}

// -- making entries ----------------------------------------------------------------

/// Sets the end of the TTL and the moments.
void plain_store::set_end(plain_entry& x, const write_options& how) {
  const auto ttl = how.ttl.value_or(options_.ttl);
  if (ttl == no_expiry)
    return;
  std::chrono::nanoseconds span{ttl};
  if (const auto jitter = how.jitter.value_or(options_.jitter); jitter > 0.0) {
    const auto share = std::uniform_real_distribution<double>{}(random_);
    const auto slots = static_cast<double>(jitter_.size());
    ++jitter_[std::min(jitter_.size() - 1,
                       static_cast<std::size_t>(share * slots))];
    span -= std::chrono::duration_cast<std::chrono::nanoseconds>(span * jitter
                                                                 * share);
  }
  x.ttl_end = time_.now() + span;
  set_moments(x, how, span);
}

void plain_store::set_moments(plain_entry& x, const write_options& how,
                              std::chrono::nanoseconds ttl) {
  x.stale_for = {};
  x.ahead.reset();
  if (x.ttl_end == never || ttl <= ttl.zero())
    return;
  x.stale_for = how.stale_for.value_or(
    std::max(options_.fail_safe, options_.stale_while_revalidate));
  if (const auto share = options_.refresh_ahead; share > 0.0)
    x.ahead = std::chrono::duration_cast<std::chrono::nanoseconds>(
      ttl
      * (1.0
         - std::uniform_real_distribution<double>{share,
                                                  (1.0 + share) / 2}(random_)));
}

/// An entry with `value` that takes the place of `old`, which may be nullptr.
plain_entry plain_store::made(bytes_view value, const write_options& how,
                              const plain_entry* old, inheritance from_old) {
  const auto inherits
    = old != nullptr && (how.keep_ttl || from_old == inheritance::rest);
  const auto own_ttl = !inherits || (how.ttl && !how.keep_ttl);
  const auto own_idle = !inherits || (how.idle && !how.keep_ttl);
  plain_entry result;
  result.value = value;
  if (own_ttl) {
    set_end(result, how);
  } else {
    result.ttl_end = old->ttl_end;
    if (result.ttl_end != never) {
      result.stale_for = how.stale_for && !how.keep_ttl
                           ? std::chrono::nanoseconds{*how.stale_for}
                           : old->stale_for;
      result.ahead = old->ahead;
      result.behind = old->behind;
    }
  }
  result.idle = own_idle ? how.idle.value_or(options_.idle) : old->idle;
  result.tags = inherits && how.tags.empty() ? old->tags : how.tags;
  use(result);
  return result;
}

version_number plain_store::put(bytes_view key, plain_entry x) {
  x.version = ++version_;
  entries_.insert_or_assign(bytes{key}, std::move(x));
  loads_.erase(bytes{key});
  return version_;
}

void plain_store::remove(bytes_view key) {
  entries_.erase(bytes{key});
  loads_.erase(bytes{key});
}

/// There is a live entry.
void plain_store::touch(bytes_view key, time_point deadline) {
  auto& x = entries_.find(key)->second;
  x.ttl_end = deadline;
  x.version = ++version_;
  use(x);
}

// -- changes -----------------------------------------------------------------------

expected<change_result> plain_store::apply(const key_change& what) {
  return std::visit([this](const auto& x) { return apply_one(x); }, what);
}

expected<change_result> plain_store::apply_one(const set_change& x) {
  const auto* const old = look(x.key.key);
  if (x.how->condition == write_condition::if_absent && old != nullptr)
    return change_result{false};
  if (x.how->condition == write_condition::if_present && old == nullptr)
    return change_result{false};
  pass_blindly(x.key.key);
  put(x.key.key, made(x.value, *x.how, old));
  return change_result{true};
}

expected<change_result>
plain_store::apply_one(const compare_and_set_change& x) {
  const auto* const old = look(x.key.key);
  if ((old == nullptr ? no_version : old->version) != x.version)
    return change_result{std::optional<version_number>{}};
  return change_result{
    std::optional{put(x.key.key, made(x.value, *x.how, old, x.from_old))}};
}

expected<change_result> plain_store::apply_one(const erase_change& x) {
  const auto present = look(x.key.key) != nullptr;
  pass(x.key.key, present ? passed::erase : passed::vain_erase);
  remove(x.key.key);
  return change_result{present};
}

expected<change_result>
plain_store::apply_one(const compare_and_erase_change& x) {
  const auto* const old = look(x.key.key);
  if ((old == nullptr ? no_version : old->version) != x.version)
    return change_result{false};
  if (old != nullptr || usable(x.key.key) != nullptr)
    remove(x.key.key);
  return change_result{true};
}

expected<change_result> plain_store::apply_one(const touch_change& x) {
  if (look(x.key.key) == nullptr)
    return change_result{false};
  touch(x.key.key, x.ttl == no_expiry ? never : time_.now() + x.ttl);
  return change_result{true};
}

expected<change_result> plain_store::apply_one(const increment_change& x) {
  const auto* const old = look(x.key.key);
  wide_integer sum = x.delta;
  if (old != nullptr) {
    const auto present = integer_of(old->value);
    if (!present || (!x.within.counts_from_outside && !fits_64_bits(*present)))
      return fail(errc::not_an_integer, "the value is not a decimal integer");
    sum += *present;
  }
  if (sum < x.within.least || sum > wide_integer{x.within.most})
    return fail(errc::integer_overflow, "the sum is outside of the range");
  const auto text = sum < 0 ? std::to_string(static_cast<std::int64_t>(sum))
                            : std::to_string(static_cast<std::uint64_t>(sum));
  write_options how;
  how.keep_ttl = true;
  put(x.key.key, made(text, how, old));
  return change_result{static_cast<std::int64_t>(sum)};
}

bool plain_store::apply(bytes_view key, version_number seen, const edit& next) {
  const auto* const old = look(key);
  if ((old == nullptr ? no_version : old->version) != seen)
    return false;
  switch (next.what) {
    case edit::action::keep:
      break;
    case edit::action::store: {
      auto x = made(next.value, next.how, old);
      if (next.deadline) {
        x.ttl_end = *next.deadline;
        set_moments(x, next.how, x.ttl_end - time_.now());
      }
      put(key, std::move(x));
      break;
    }
    case edit::action::splice: {
      auto value = old == nullptr ? bytes{} : old->value;
      const auto offset
        = next.offset == edit::at_end ? value.size() : next.offset;
      value.resize(std::max(value.size(), offset + next.value.size()));
      value.replace(offset, next.value.size(), next.value);
      put(key, made(value, next.how, old));
      break;
    }
    case edit::action::erase:
      remove(key);
      break;
    case edit::action::touch:
      if (old != nullptr && *next.deadline <= time_.now())
        remove(key);
      else if (old != nullptr)
        touch(key, *next.deadline);
      break;
  }
  return true;
}

void plain_store::clear() {
  for (const auto& [key, lease] : updates_)
    pass_blindly(key);
  entries_.clear();
  loads_.clear();
}

void plain_store::invalidate_tag(bytes_view name) {
  invalidations_[bytes{name}] = moment_++;
  for (const auto& [key, lease] : updates_)
    if (const auto* const x = look(key); x != nullptr && x->tags.contains(name))
      pass(key, passed::invalidation);
  std::erase_if(entries_,
                [name](const auto& x) { return x.second.tags.contains(name); });
}

void plain_store::sweep() {
  std::erase_if(entries_, [now = time_.now()](const auto& x) {
    return x.second.moments().usable_until <= now;
  });
  end_overdue_updates();
}

// -- loads -------------------------------------------------------------------------

/// Whether one of the tags was invalidated at that moment or later.
bool plain_store::invalidated(std::uint64_t since,
                              std::span<const bytes> names) const {
  return std::any_of(names.begin(), names.end(), [&](const bytes& name) {
    const auto i = invalidations_.find(name);
    return i != invalidations_.end() && i->second >= since;
  });
}

load_decision plain_store::acquire_load(bytes_view key, load_id id,
                                        load_purpose why,
                                        std::shared_ptr<const load_tags> tags) {
  const auto refreshes = why == load_purpose::refresh;
  std::optional<stale_entry> stale;
  if (const auto* const present
      = read(key, refreshes ? lookup::peek : lookup::use)) {
    if (!refreshes || time_.now() < present->moments().refresh_from)
      return load_hit{present->value, present->version, present->deadline()};
  } else if (const auto* const x = usable(key)) {
    const auto when = x->moments();
    if (when.absence)
      return load_absent{when.usable_until};
    stale = stale_entry{x->value, x->version, x->deadline(), when.usable_until,
                        when.refresh_from};
    if (time_.now() < when.refresh_from)
      return load_stale{std::move(*stale)};
  }
  if (const auto i = loads_.find(key); i != loads_.end()) {
    const auto& held = i->second;
    if (!invalidated(held.born, held.tags->copy().names()))
      return load_joined{held.id, moment_, std::move(stale)};
  }
  loads_.insert_or_assign(bytes{key}, load_lease{id, moment_, std::move(tags)});
  if (refreshes)
    postpone_refresh(key, time_.now() + defaults::refresh_pause);
  return load_granted{moment_, std::move(stale)};
}

void plain_store::postpone_refresh(bytes_view key, time_point next) {
  auto* const x = usable(key);
  if (x == nullptr || x->deadline() == never
      || next <= x->moments().refresh_from)
    return;
  x->ahead.reset();
  x->behind.reset();
  if (next < x->deadline())
    x->ahead = x->ttl_end - next;
  else
    x->behind = next - x->deadline();
}

load_outcome plain_store::commit_load(bytes_view key, const load_commit& what) {
  load_outcome result;
  result.killed = invalidated(what.born, what.how.tags.names());
  if (!release_load(key, what.id) || result.killed || updating(key))
    return result;
  result.stored = what.value->has_value() || what.absence_ttl;
  if (*what.value) {
    put(key, made(**what.value, what.how, nullptr));
  } else if (what.absence_ttl) {
    plain_entry none;
    none.ttl_end = time_.now();
    none.stale_for = *what.absence_ttl;
    none.behind = none.stale_for;
    none.tags = what.how.tags;
    none.absence = true;
    put(key, std::move(none));
  } else if (usable(key) != nullptr) {
    remove(key);
  }
  return result;
}

bool plain_store::release_load(bytes_view key, load_id id) {
  const auto held = holds_load(key, id);
  if (held)
    loads_.erase(bytes{key});
  return held;
}

bool plain_store::holds_load(bytes_view key, load_id id) const {
  const auto i = loads_.find(key);
  return i != loads_.end() && i->second.id == id;
}

// -- updates -----------------------------------------------------------------------

/// Notes for an update of the key that something came in between.
void plain_store::pass(bytes_view key, passed by) {
  if (const auto i = updates_.find(key);
      i != updates_.end() && i->second.by == passed::nothing)
    i->second.by = by;
}

/// The same for a write that tells nothing of what it found.
void plain_store::pass_blindly(bytes_view key) {
  if (const auto i = updates_.find(key); i != updates_.end())
    pass(key, (look(key) != nullptr) == i->second.present ? passed::blind_write
                                                          : passed::late_write);
}

update_snapshot plain_store::begin_update(bytes_view key, std::uint64_t token) {
  const auto* const present = read(key);
  update_lease lease{
    token, time_.now() + *options_.op_timeout, false, {}, passed::nothing};
  update_snapshot result;
  if (present != nullptr) {
    lease.present = true;
    lease.tags = present->tags;
    result.value = present->value;
  }
  updates_.insert_or_assign(bytes{key}, std::move(lease));
  loads_.erase(bytes{key});
  return result;
}

update_outcome plain_store::commit_update(bytes_view key, std::uint64_t token,
                                          std::optional<bytes_view> value,
                                          const write_options& how) {
  const auto i = updates_.find(key);
  if (i == updates_.end() || i->second.token != token)
    return update_outcome::lost;
  const auto lease = std::move(i->second);
  updates_.erase(i);
  // Where the update can count as before what passed, it does.
  const auto before = [&] {
    switch (lease.by) {
      case passed::blind_write:
        return true;
      case passed::erase:
        return value.has_value();
      case passed::vain_erase:
        return !value.has_value();
      case passed::invalidation: {
        // Has that killed what the update made of what it was given?
        const auto names = lease.tags.names();
        return !value || how.tags.empty()
               || std::all_of(names.begin(), names.end(), [&](const bytes& x) {
                    return how.tags.contains(x);
                  });
      }
      default:
        return false;
    }
  }();
  const auto* const present = look(key);
  if (lease.by != passed::nothing)
    return before ? update_outcome::overtaken : update_outcome::changed;
  if (lease.present && present == nullptr)
    return update_outcome::changed; // It has expired.
  if (value)
    put(key, made(*value, how, present, inheritance::rest));
  else if (usable(key) != nullptr)
    remove(key);
  return update_outcome::stored;
}

void plain_store::abandon_update(bytes_view key, std::uint64_t token) {
  if (const auto i = updates_.find(key);
      i != updates_.end() && i->second.token == token)
    updates_.erase(i);
}

void plain_store::end_updates() {
  updates_.clear();
}

void plain_store::end_overdue_updates() {
  std::erase_if(updates_, [now = time_.now()](const auto& x) {
    return x.second.deadline <= now;
  });
}

} // namespace conformance
