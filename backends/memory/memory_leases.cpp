// The part of the memory provider that grants, commits and ends leases.

#include <troupe/backends/memory/memory_provider.hpp>

#include <utility>
#include <variant>

namespace troupe {

using memory::store;

// -- leases ------------------------------------------------------------------------
// A lease is ended in the shard that granted it. If the shard of the key was not made
// yet, there is no lease, and `owner` returns another shard, which finds none.

void memory_provider::acquire_load(
  carried_key key, load_id id, load_purpose why,
  std::shared_ptr<const load_tags> tags,
  std::function<bool(expected<load_decision>)> decided) {
  auto* const where = find_home(key);
  if (where == nullptr) {
    decided(fail(errc::out_of_memory));
    return;
  }
  // `decided` is called inside the shard's turn, so that the receiver gets the
  // decisions in their order.
  auto told = std::make_shared<std::function<bool(expected<load_decision>)>>(
    std::move(decided));
  where->submit(
    [key = std::move(key), id, why, tags = std::move(tags),
     told](store& in) -> expected<bool> {
      auto decision = in.acquire_load(key, id, tags, why);
      if (!decision)
        return tl::unexpected{std::move(decision.error())};
      const auto granted = std::holds_alternative<load_granted>(*decision);
      if (!(*told)(std::move(decision)) && granted)
        static_cast<void>(in.release_load(key, id));
      return true;
    },
    [told](expected<bool> done) {
      if (!done)
        (*told)(tl::unexpected{std::move(done.error())});
    });
}

expected<void>
memory_provider::acquire_load_now(const hashed_key& key, load_id id,
                                  load_purpose why,
                                  std::shared_ptr<const load_tags> tags,
                                  function_ref<bool(load_decision)> decided) {
  auto* const where = find_home(key);
  if (where == nullptr)
    return fail(errc::out_of_memory);
  return where->run([&](store& in) -> expected<void> {
    auto decision = in.acquire_load(key, id, std::move(tags), why);
    if (!decision)
      return tl::unexpected{std::move(decision.error())};
    const auto granted = std::holds_alternative<load_granted>(*decision);
    if (!decided(std::move(*decision)) && granted)
      static_cast<void>(in.release_load(key, id));
    return {};
  });
}

expected<load_outcome>
memory_provider::commit_load_now(const hashed_key& key,
                                 const loaded_value& what) {
  return owner(key).run([&](store& in) {
    return in.commit_load(key, what.id, what.born, what.value, *what.how,
                          what.absence_ttl);
  });
}

void memory_provider::commit_load(carried_key key, load_commit what,
                                  completion<load_outcome> done) {
  auto& where = owner(key);
  where.submit(
    [key = std::move(key), what = std::move(what)](store& in) {
      const auto& value = *what.value;
      return in.commit_load(key, what.id, what.born,
                            value ? std::optional<bytes_view>{*value}
                                  : std::nullopt,
                            what.how, what.absence_ttl);
    },
    std::move(done));
}

void memory_provider::release_load(carried_key key, load_id id,
                                   std::optional<time_point> next,
                                   completion<void> done) {
  auto& where = owner(key);
  where.submit([key = std::move(key), id,
                next](store& in) { return in.release_load(key, id, next); },
               std::move(done));
}

expected<bool> memory_provider::holds_load(const hashed_key& key, load_id id) {
  auto& where = owner(key);
  if (where.state() != part_state::running)
    return fail(errc::shard_down);
  return where.run([&](store& in) { return in.holds_load(key, id); });
}

expected<update_snapshot> memory_provider::begin_update(const hashed_key& key,
                                                        std::uint64_t token) {
  struct operation {
    const hashed_key& key;
    std::uint64_t token;

    expected<update_snapshot> operator()(store& in) const {
      return in.begin_update(key, token);
    }

    [[nodiscard]] std::optional<hashed_key> leased_key() const noexcept {
      return key;
    }
  };
  auto* const where = find_home(key);
  if (where == nullptr)
    return fail(errc::out_of_memory);
  return where->run(operation{key, token});
}

expected<update_outcome>
memory_provider::commit_update(const hashed_key& key, std::uint64_t token,
                               std::optional<bytes_view> value,
                               const write_options& how) {
  return owner(key).run(
    [&](store& in) { return in.commit_update(key, token, value, how); });
}

expected<void> memory_provider::abandon_update(const hashed_key& key,
                                               std::uint64_t token) {
  return owner(key).run(
    [&](store& in) { return in.abandon_update(key, token); });
}

} // namespace troupe
