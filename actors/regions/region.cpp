#include <troupe/actors/regions/region.hpp>

#include <algorithm>
#include <utility>

#include <troupe/backends/memory/space/value_buffer.hpp>

namespace troupe {

region::region(std::string name, const region_options& options,
               const clock& time, std::shared_ptr<troupe::provider> provider,
               std::shared_ptr<load_coordinator> loads,
               std::optional<integer_range> counts,
               std::shared_ptr<circuit_breaker> breaker)
  : region_loads(std::move(name), options, time, std::move(provider),
                 std::move(loads), counts, std::move(breaker)) {
  // nop
}

// -- writing -----------------------------------------------------------------------

expected<key_state> region::watch(const hashed_key& key) const {
  if (auto ok = check_key(key); !ok)
    return tl::unexpected{std::move(ok.error())};
  auto* const ability = provider_->joint_turns();
  if (ability == nullptr)
    return lacks("joint turns");
  return ability->watch(key);
}

expected<bool> region::unchanged(const hashed_key& key,
                                 const key_state& since) const {
  auto* const ability = provider_->joint_turns();
  if (ability == nullptr)
    return lacks("joint turns");
  return ability->unchanged(key, since);
}

expected<bool> region::set(const hashed_key& key, bytes_view value,
                           const write_options& how) {
  if (auto ok = check_write(key, value, how); !ok) [[unlikely]]
    return tl::unexpected{std::move(ok.error())};
  return apply(set_change{key, value, &how});
}

expected<bool> region::set(const hashed_key& key, memory::value_buffer& value,
                           const write_options& how) {
  if (auto ok = check_write(key, value.view(), how); !ok) [[unlikely]]
    return tl::unexpected{std::move(ok.error())};
  auto stored = apply(set_change{key, value.view(), &how, &value});
  // The value was copied, because it is too small for its own block.
  if (stored && *stored)
    value.finish(0);
  return stored;
}

expected<void> region::set_many(std::span<const key_value> items,
                                const write_options& how) {
  if (how.condition != write_condition::always || how.keep_ttl)
    return fail(errc::invalid_argument,
                "set_many stores in any case; conditions and keep_ttl are for "
                "single writes");
  std::vector<hashed_key> keys;
  std::vector<bytes_view> values;
  keys.reserve(items.size());
  values.reserve(items.size());
  for (auto& x : items) {
    keys.emplace_back(x.key);
    values.push_back(x.value);
    if (auto ok = check_write(keys.back(), x.value, how); !ok)
      return ok;
  }
  return provider_->set_many(keys, values, how);
}

expected<write_options> unless_present(write_options how) {
  if (how.condition == write_condition::if_present)
    return fail(errc::invalid_argument,
                "set_if_absent was given the condition if_present");
  how.condition = write_condition::if_absent;
  return how;
}

expected<bool> region::set_if_absent(const hashed_key& key, bytes_view value,
                                     write_options how) {
  return unless_present(std::move(how)).and_then([&](const write_options& x) {
    return set(key, value, x);
  });
}

expected<std::optional<version_number>>
region::compare_and_set(const hashed_key& key, version_number version,
                        bytes_view value, const write_options& how) {
  if (auto ok = check_write(key, value, how).and_then([&] {
        return check_unconditional(how);
      });
      !ok)
    return tl::unexpected{std::move(ok.error())};
  return apply(compare_and_set_change{key, version, value, &how});
}

expected<bool> region::erase(const hashed_key& key) {
  if (auto ok = check_key(key); !ok)
    return tl::unexpected{std::move(ok.error())};
  return apply(erase_change{key});
}

expected<bool> region::compare_and_erase(const hashed_key& key,
                                         version_number version) {
  if (auto ok = check_key(key); !ok)
    return tl::unexpected{std::move(ok.error())};
  return apply(compare_and_erase_change{key, version});
}

expected<bool> region::touch(const hashed_key& key, ttl_duration ttl) {
  if (auto ok = check_key(key).and_then([&] { return check_ttl(ttl); }); !ok)
    return tl::unexpected{std::move(ok.error())};
  return apply(touch_change{key, ttl});
}

expected<std::int64_t> region::increment(const hashed_key& key,
                                         std::int64_t delta) {
  auto within = signed_counts();
  if (!within)
    return tl::unexpected{std::move(within.error())};
  return increment(key, delta, *within);
}

expected<std::int64_t> region::increment(const hashed_key& key,
                                         std::int64_t delta,
                                         const integer_range& within) {
  if (auto ok = check_key(key); !ok)
    return tl::unexpected{std::move(ok.error())};
  return apply(increment_change{key, delta, within});
}

expected<transfer_result> region::rename(const hashed_key& from,
                                         const hashed_key& to, bool if_absent) {
  return transfer(from, *this, to, {if_absent, false});
}

expected<transfer_result> region::copy(const hashed_key& from, region& target,
                                       const hashed_key& to, bool if_absent) {
  return transfer(from, target, to, {if_absent, true});
}

expected<transfer_result> region::transfer(const hashed_key& from,
                                           region& target, const hashed_key& to,
                                           const transfer_terms& terms) {
  if (auto ok = check_key(from).and_then([&] { return target.check_key(to); });
      !ok)
    return tl::unexpected{std::move(ok.error())};
  if (&target == this && from.key == to.key)
    return fail(errc::invalid_argument,
                "the two keys are the same; name another one");
  auto* const giver = provider_->joint_turns();
  auto* const taker = target.provider_->joint_turns();
  if (giver == nullptr)
    return lacks("joint turns");
  if (taker == nullptr)
    return target.lacks("joint turns");
  return giver->transfer(from, *taker, to, terms);
}

// -- without waiting ---------------------------------------------------------------

template <class Change>
void region::apply_then(carried<Change> what,
                        completion<typename Change::result> done) {
  provider_->apply_then(
    std::move(what), [self = shared_from_this(),
                      done = std::move(done)](expected<change_result> x) {
      done(std::move(x).map([](const change_result& result) {
        return result.as<typename Change::result>();
      }));
    });
}

void region::set_then(carried_key key, bytes value, write_options how,
                      completion<bool> done) {
  if (auto ok = check_write(key, value, how); !ok)
    return done(tl::unexpected{std::move(ok.error())});
  apply_then(
    carried<set_change>{std::move(key), {}, std::move(value), std::move(how)},
    std::move(done));
}

void region::compare_and_set_then(
  carried_key key, version_number version, bytes value, write_options how,
  completion<std::optional<version_number>> done) {
  if (auto ok = check_write(key, value, how).and_then([&] {
        return check_unconditional(how);
      });
      !ok)
    return done(tl::unexpected{std::move(ok.error())});
  compare_and_set_change what;
  what.version = version;
  apply_then(carried<compare_and_set_change>{std::move(key), what,
                                             std::move(value), std::move(how)},
             std::move(done));
}

void region::erase_then(carried_key key, completion<bool> done) {
  if (auto ok = check_key(key); !ok)
    return done(tl::unexpected{std::move(ok.error())});
  apply_then(carried<erase_change>{std::move(key), {}}, std::move(done));
}

void region::compare_and_erase_then(carried_key key, version_number version,
                                    completion<bool> done) {
  if (auto ok = check_key(key); !ok)
    return done(tl::unexpected{std::move(ok.error())});
  apply_then(carried<compare_and_erase_change>{std::move(key), {{}, version}},
             std::move(done));
}

void region::touch_then(carried_key key, ttl_duration ttl,
                        completion<bool> done) {
  if (auto ok = check_key(key).and_then([&] { return check_ttl(ttl); }); !ok)
    return done(tl::unexpected{std::move(ok.error())});
  apply_then(carried<touch_change>{std::move(key), {{}, ttl}}, std::move(done));
}

void region::increment_then(carried_key key, std::int64_t delta,
                            const integer_range& within,
                            completion<std::int64_t> done) {
  if (auto ok = check_key(key); !ok)
    return done(tl::unexpected{std::move(ok.error())});
  apply_then(carried<increment_change>{std::move(key), {{}, delta, within}},
             std::move(done));
}

} // namespace troupe
