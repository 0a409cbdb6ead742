#include <troupe/backends/provider.hpp>

#include <future>
#include <utility>

namespace troupe {

// The waiting forms of a provider that has only the others.

expected<void>
provider::acquire_load_now(const hashed_key& key, load_id id, load_purpose why,
                           std::shared_ptr<const load_tags> tags,
                           function_ref<bool(load_decision)> decided) {
  // Shared: this call may return while the other thread is inside set_value.
  auto made = std::make_shared<std::promise<expected<void>>>();
  auto result = made->get_future();
  acquire_load(carried_key{key}, id, why, std::move(tags),
               [made, decided](expected<load_decision> x) {
                 if (!x) {
                   made->set_value(tl::unexpected{std::move(x.error())});
                   return false;
                 }
                 const auto taken = decided(std::move(*x));
                 made->set_value({});
                 return taken;
               });
  return result.get();
}

expected<load_outcome> provider::commit_load_now(const hashed_key& key,
                                                 const loaded_value& what) {
  auto made = std::make_shared<std::promise<expected<load_outcome>>>();
  auto result = made->get_future();
  auto value = std::make_shared<const std::optional<bytes>>(
    what.value ? std::optional<bytes>{*what.value} : std::nullopt);
  commit_load(
    carried_key{key},
    {what.id, what.born, std::move(value), *what.how, what.absence_ttl},
    [made](expected<load_outcome> x) { made->set_value(std::move(x)); });
  return result.get();
}

} // namespace troupe
