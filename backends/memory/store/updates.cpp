#include <troupe/backends/memory/store/updates.hpp>

#include <algorithm>
#include <utility>

namespace troupe::memory {

expected<update_snapshot> store_updates::begin_update(const hashed_key& key,
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
  fence(key.key, key_event_kind::updating);
  return result;
}

expected<update_outcome>
store_updates::commit_update(const hashed_key& key, std::uint64_t token,
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
  // The entry that the function was given is dead. When only an invalidation killed it,
  // that invalidation came after the update and also kills a result with the same tags;
  // otherwise the function must see that the entry is absent.
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
    if (present || lingers(where))
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

expected<void> store_updates::abandon_update(const hashed_key& key,
                                             std::uint64_t token) {
  if (updates_.holds(key.key, token))
    updates_.release(key.key);
  return {};
}

} // namespace troupe::memory
