// The commands about regions and their contents.

#include <cstdint>
#include <utility>

#include "apps/console/session.hpp"
#include "apps/console/text/json.hpp"
#include "apps/console/text/words.hpp"
#include "apps/console/views/region_views.hpp"

namespace troupe::console {

namespace {

/// Loads that are counted by region; some 100 bytes each.
constexpr std::uint64_t most_counted_loads = 10'000;

/// The metrics of lookups; a server has two.
constexpr std::uint64_t most_lookup_metrics = 10;

std::string json_line(const json_object& x) {
  return x.text() + "\n";
}

} // namespace

/// The named region, or the chosen one without a name. Fails with `unknown_region` and a
/// suggestion.
answer<std::string> session::region_for(const std::string& name) {
  if (name.empty()) {
    if (region_.empty())
      if (auto found = where(); !found)
        return tl::unexpected{std::move(found.error())};
    return region_;
  }
  if (auto found = find_region(name); !found)
    return tl::unexpected{std::move(found.error())};
  return name;
}

answer<std::string> session::on(const regions_command&) {
  auto stat = peer_.ask(runtime_stat_request{});
  if (!stat)
    return tl::unexpected{std::move(stat.error())};
  auto loads = peer_.ask(list_loads_request{most_counted_loads});
  if (!loads)
    return tl::unexpected{std::move(loads.error())};
  auto lookups = peer_.ask(
    list_metrics_request{"troupe_server_keyspace_", most_lookup_metrics});
  if (!lookups)
    return tl::unexpected{std::move(lookups.error())};
  const region_overview all{std::move(stat->regions), std::move(*loads),
                            std::move(*lookups)};
  return json_ ? json_line(json_of(all)) : text_of(all, width_);
}

answer<std::string> session::on(const explain_command& x) {
  return region_for(x.region).and_then([&](const std::string& region) {
    return peer_.ask(region, explain_request{x.key})
      .map([this](const explained_key& found) {
        return json_ ? json_line(json_of(found)) : text_of(found);
      });
  });
}

answer<std::string> session::on(const invalidate_command& x) {
  return region_for(x.region).and_then([&](const std::string& region) {
    return peer_.ask(region, invalidate_tag_request{x.tag}).map([&] {
      if (json_)
        return json_line(
          json_object{}.add_bytes("invalidated", x.tag).add("region", region));
      return "invalidated the tag " + quote_if_needed(x.tag) + " in "
             + quote_if_needed(region) + "\n";
    });
  });
}

answer<std::string> session::on(const clear_command& x) {
  return region_for(x.region).and_then([&](const std::string& region) {
    return peer_.ask(region, clear_request{}).map([&] {
      return json_ ? json_line(json_object{}.add("cleared", region))
                   : "cleared " + quote_if_needed(region) + "\n";
    });
  });
}

} // namespace troupe::console
