#include "apps/console/views/region_views.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>

#include <troupe/messages/types/options.hpp>

#include "apps/console/text/table.hpp"
#include "apps/console/text/units.hpp"
#include "apps/console/text/words.hpp"

namespace troupe::console {

namespace {

std::uint64_t loads_of(const region_overview& x, const std::string& region) {
  return static_cast<std::uint64_t>(std::count_if(
    x.loads.loads.begin(), x.loads.loads.end(),
    [&](const load_info& load) { return load.region == region; }));
}

/// The loads of a region; "3+" when the list of loads was cut.
std::string loads_text(const region_overview& x, const std::string& region) {
  return count_text(loads_of(x, region))
         + (x.loads.total > x.loads.loads.size() ? "+" : "");
}

struct lookup_counts {
  std::uint64_t hits = 0;
  std::uint64_t misses = 0;

  [[nodiscard]] std::uint64_t all() const noexcept {
    return hits + misses;
  }
};

lookup_counts lookups_of(const metric_list& x) {
  lookup_counts result;
  for (const auto& row : x.metrics) {
    const auto value = static_cast<std::uint64_t>(std::max(row.value, 0.0));
    if (row.name == "troupe_server_keyspace_hits_total")
      result.hits += value;
    else if (row.name == "troupe_server_keyspace_misses_total")
      result.misses += value;
  }
  return result;
}

/// "93.1 % of 1,234 lookups were hits".
std::string ratio_text(const lookup_counts& x) {
  const auto permille = x.hits * 1000 / x.all();
  return std::to_string(permille / 10) + "." + std::to_string(permille % 10)
         + " % of " + counted(x.all(), "lookup", "lookups")
         + " by clients were hits (all databases together)\n";
}

std::string bound_text(std::uint64_t limit,
                       std::string (*text)(std::uint64_t)) {
  return limit == 0 ? "none" : text(limit);
}

void add_time(json_object& to, std::string_view name,
              std::chrono::milliseconds x) {
  if (x == no_expiry)
    to.add_null(name);
  else
    to.add(name, std::int64_t{x.count()});
}

/// Texts of any bytes as a JSON array.
std::string json_list(const std::vector<bytes>& all) {
  std::string result;
  for (const auto& x : all)
    result += (result.empty() ? "" : ",") + json_bytes(x);
  return "[" + result + "]";
}

} // namespace

std::string text_of(const region_overview& x, std::size_t width) {
  if (x.regions.empty())
    return "no region is open\n";
  using enum alignment;
  table rows{{{"REGION", left, true},
              {"PROVIDER", left, false, 3},
              {"KEYS", right},
              {"CHARGED", right},
              {"LIMIT", right},
              {"MOST KEYS", right, false, 4},
              {"EVICTED", right, false, 2},
              {"EXPIRED", right, false, 5},
              {"LOADS", right, false, 1}}};
  for (const auto& region : x.regions)
    rows.add({quote_if_needed(region.name), quote_if_needed(region.provider),
              count_text(region.keys), bytes_text(region.charged),
              bound_text(region.max_bytes, bytes_text),
              bound_text(region.max_entries, count_text),
              count_text(region.evictions), count_text(region.expirations),
              loads_text(x, region.name)});
  auto result = rows.render(width);
  if (const auto lookups = lookups_of(x.lookups); lookups.all() > 0)
    result += "\n" + ratio_text(lookups);
  return result;
}

json_object json_of(const region_overview& x) {
  std::vector<json_object> rows;
  for (const auto& region : x.regions)
    rows.push_back(json_object{}
                     .add("name", region.name)
                     .add("provider", region.provider)
                     .add("value_type", region.value_type)
                     .add("keys", region.keys)
                     .add("charged", region.charged)
                     .add("bytes", region.bytes)
                     .add("max_bytes", region.max_bytes)
                     .add("max_entries", region.max_entries)
                     .add("evictions", region.evictions)
                     .add("expirations", region.expirations)
                     .add("loads", loads_of(x, region.name)));
  const auto lookups = lookups_of(x.lookups);
  return json_object{}
    .add("regions", rows)
    .add("all_loads_listed", x.loads.total <= x.loads.loads.size())
    .add("hits", lookups.hits)
    .add("misses", lookups.misses);
}

std::string text_of(const explained_key& x) {
  std::string result;
  for (const auto& sentence : x.sentences)
    result += sentence + "\n";
  return result;
}

json_object json_of(const explained_key& x) {
  std::vector<json_object> events;
  for (const auto& event : x.events) {
    auto row = json_object{}
                 .add("kind", event.kind)
                 .add("cause", event.cause)
                 .add("sequence", event.sequence)
                 .add("age_ms", std::int64_t{event.age.count()})
                 .add("load", event.load);
    row.add_bytes("name", event.name);
    events.push_back(std::move(row));
  }
  auto result = json_object{}
                  .add("state", x.state)
                  .add("version", x.version)
                  .add("value_bytes", x.value_bytes)
                  .add("charge", x.charge);
  add_time(result, "ttl_ms", x.ttl);
  add_time(result, "idle_ms", x.idle);
  result.add_json("tags", json_list(x.tags)).add("updating", x.updating);
  if (x.load != 0)
    result.add("load", x.load)
      .add("load_age_ms", std::int64_t{x.load_age.count()})
      .add("load_fenced", x.load_fenced);
  else
    result.add_null("load");
  return result.add("events", events).add("sentences", x.sentences);
}

} // namespace troupe::console
