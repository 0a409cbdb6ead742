// The part of a region that reads.

#include <troupe/actors/regions/region.hpp>

#include <chrono>

namespace troupe {

expected<void> region_reads::visit_together(
  std::span<const bytes_view> keys,
  function_ref<void(std::size_t index, const entry_view* entry)> f) const {
  auto* const turns = provider_->joint_turns();
  if (turns == nullptr)
    return lacks("reads of several keys at one moment");
  std::vector<joint_key> wanted;
  wanted.reserve(keys.size());
  for (const auto& x : keys) {
    if (auto ok = check_key(x); !ok)
      return ok;
    wanted.push_back({turns, x});
  }
  return turns->read_together(wanted, f);
}

expected<std::optional<bytes>> region_reads::get(const hashed_key& key) const {
  std::optional<bytes> result;
  auto found
    = visit(key, [&](const entry_view& x) { result.emplace(x.value); });
  if (!found)
    return tl::unexpected{std::move(found.error())};
  return result;
}

expected<std::vector<std::optional<bytes>>>
region_reads::get_many(std::span<const bytes_view> keys) const {
  std::vector<std::optional<bytes>> result(keys.size());
  auto ok = visit_many(keys, [&](std::size_t i, const entry_view* x) {
    if (x != nullptr)
      result[i].emplace(x->value);
  });
  if (!ok)
    return tl::unexpected{std::move(ok.error())};
  return result;
}

expected<bool> region_reads::contains(const hashed_key& key) const {
  return visit(
    key, [](const entry_view&) {}, lookup::peek);
}

expected<std::optional<ttl_duration>>
region_reads::ttl(const hashed_key& key) const {
  auto deadline = never;
  const auto found = visit(
    key, [&](const entry_view& x) { deadline = x.deadline; }, lookup::peek);
  if (!found)
    return tl::unexpected{found.error()};
  return *found ? time_left(deadline) : std::nullopt;
}

std::optional<ttl_duration>
region_reads::time_left(time_point deadline) const noexcept {
  if (deadline == never)
    return no_expiry;
  const auto left = std::chrono::ceil<ttl_duration>(deadline - time_.now());
  // The clock may have passed the deadline since the read found the entry live.
  if (left <= ttl_duration::zero())
    return std::nullopt;
  return left;
}

expected<std::optional<std::size_t>>
region_reads::charge(const hashed_key& key) const {
  if (auto ok = check_key(key); !ok)
    return tl::unexpected{std::move(ok.error())};
  const auto* const ability = provider_->charges();
  if (ability == nullptr)
    return lacks("exact bytes of entries");
  return ability->charge(key);
}

expected<explanation> region_reads::explain(const hashed_key& key) const {
  if (auto ok = check_key(key); !ok)
    return tl::unexpected{std::move(ok.error())};
  auto* const ability = provider_->explains();
  if (ability == nullptr)
    return lacks("records of events");
  return ability->explain(key);
}

void region_reads::explain_then(carried_key key,
                                completion<explanation> done) const {
  if (auto ok = check_key(key); !ok)
    return done(tl::unexpected{std::move(ok.error())});
  auto* const ability = provider_->explains();
  if (ability == nullptr)
    return done(lacks("records of events"));
  // The provider must live until it has answered.
  ability->explain_then(std::move(key),
                        [keep = provider_, done = std::move(done)](
                          expected<explanation> x) { done(std::move(x)); });
}

void region_reads::get_then(carried_key key, lookup as,
                            completion<std::optional<entry_copy>> done) const {
  if (auto ok = check_key(key); !ok)
    return done(tl::unexpected{std::move(ok.error())});
  provider_->read_then(std::move(key), as, std::move(done));
}

} // namespace troupe
