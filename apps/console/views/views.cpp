#include "apps/console/views/views.hpp"

#include <algorithm>
#include <chrono>
#include <string_view>
#include <utility>
#include <vector>

#include "apps/console/text/table.hpp"
#include "apps/console/text/units.hpp"
#include "apps/console/text/words.hpp"
#include "apps/console/views/actor_tree.hpp"

namespace troupe::console {

namespace {

std::string line(std::string_view title, const std::string& text) {
  std::string result{title};
  result.resize(10, ' ');
  return result + text + "\n";
}

table table_of(const std::vector<region_info>& regions) {
  using enum alignment;
  // A column of zeros would say nothing.
  const bool undecodable = std::ranges::any_of(
    regions, [](const region_info& x) { return x.undecodable != 0; });
  std::vector<column> columns{
    {"REGION", left, true},      {"VALUES", left, true, 1},
    {"SHARDS", right, false, 2}, {"KEYS", right},
    {"MEMORY", right},           {"HANDLED", right, false, 3},
    {"RESTARTS", right}};
  const bool failed = std::ranges::any_of(
    regions, [](const region_info& x) { return x.shards_failed != 0; });
  if (failed)
    columns.push_back({"FAILED", right});
  if (undecodable)
    columns.push_back({"UNDECODABLE", right});
  table result{std::move(columns)};
  for (const auto& x : regions) {
    std::vector<cell> cells{
      quote_if_needed(x.name), quote_if_needed(x.value_type),
      count_text(x.shards),    count_text(x.keys),
      bytes_text(x.bytes),     count_text(x.handled),
      count_text(x.restarts)};
    if (failed)
      cells.push_back(count_text(x.shards_failed));
    if (undecodable)
      cells.push_back(count_text(x.undecodable));
    result.add(std::move(cells));
  }
  return result;
}

std::string limit_text(std::uint64_t limit,
                       std::string (*text)(std::uint64_t)) {
  return limit == 0 ? "none" : text(limit);
}

/// The namespaces of all regions; empty when there are none.
std::string namespaces_text(const std::vector<region_info>& regions,
                            std::size_t width) {
  using enum alignment;
  table result{{{"NAMESPACE", left, true},
                {"REGION", left, true, 1},
                {"SHARDS", right, false, 3},
                {"KEYS", right},
                {"CHARGED", right},
                {"LIMIT", right},
                {"MOST KEYS", right, false, 2},
                {"EVICTED", right}}};
  for (const auto& region : regions)
    for (const auto& x : region.namespaces)
      result.add({quote_if_needed(x.prefix), quote_if_needed(region.name),
                  count_text(x.shards), count_text(x.keys),
                  bytes_text(x.charged), limit_text(x.max_bytes, bytes_text),
                  limit_text(x.max_entries, count_text),
                  count_text(x.evictions)});
  return result.rows() == 0 ? std::string{} : "\n" + result.render(width);
}

/// "3.5 % of a processor over the last 10s, ".
std::string lately_text(const runtime_stat& x) {
  if (x.cpu_window.count() == 0)
    return {};
  // Whole seconds say enough.
  const auto window
    = x.cpu_window < std::chrono::seconds{1}
        ? x.cpu_window
        : std::chrono::floor<std::chrono::seconds>(x.cpu_window);
  return std::to_string(x.cpu_permille / 10) + "."
         + std::to_string(x.cpu_permille % 10) + " % of a processor over the "
         + "last " + duration_text(window) + ", ";
}

/// "35, 3 crashes, 2 restarts, 1 failed (1 shard)".
std::string actors_text(const runtime_stat& x) {
  auto result = count_text(x.actors);
  if (x.actor_crashes != 0 || x.actor_restarts != 0)
    result += ", " + counted(x.actor_crashes, "crash", "crashes") + ", "
              + counted(x.actor_restarts, "restart", "restarts");
  if (x.actors_failed != 0)
    result += ", " + count_text(x.actors_failed) + " failed ("
              + counted(x.shards_failed, "shard", "shards") + ")";
  return result;
}

/// What the services show, a row each; empty when there are none.
std::string services_text(const std::vector<service_info>& services,
                          std::size_t width) {
  using enum alignment;
  table result{
    {{"SERVICE", left, true}, {"FIGURE", left, true}, {"VALUE", right}}};
  for (const auto& x : services)
    for (const auto& figure : x.figures)
      result.add({quote_if_needed(x.name), quote_if_needed(figure.name),
                  count_text(figure.value)});
  return result.rows() == 0 ? std::string{} : "\n" + result.render(width);
}

std::int64_t count_of(std::chrono::milliseconds x) {
  return x.count();
}

} // namespace

std::string text_of(const actor_list& x, bool every, std::size_t width,
                    bool colours) {
  const auto tree = tree_of(x);
  auto result = table_of(every ? tree : collapsed(tree)).render(width, colours);
  if (x.omitted > 0)
    result += "... and " + count_text(x.omitted) + " more rows\n";
  return result;
}

std::string text_of(const runtime_stat& x, std::size_t width) {
  const auto cpu = std::chrono::milliseconds{x.cpu_milliseconds};
  auto result
    = line("troupe", x.version + ", process " + std::to_string(x.process_id)
                       + ", up " + duration_text(x.uptime));
  result += line("memory", bytes_text(x.resident_bytes) + " resident");
  result += line("cpu", lately_text(x) + duration_text(cpu)
                          + " of user and system time");
  result += line("threads", count_text(x.threads));
  result += line("files",
                 count_text(x.open_files) + " open"
                   + (x.file_limit == 0 ? std::string{}
                                        : " of " + count_text(x.file_limit)));
  result += line("actors", actors_text(x));
  if (x.draining)
    result += line("state", "draining");
  if (!x.regions.empty())
    result += "\n" + table_of(x.regions).render(width);
  return result + namespaces_text(x.regions, width)
         + services_text(x.services, width);
}

std::string text_of(const node_list& x, std::size_t width) {
  using enum alignment;
  auto result = "this server is " + x.self + "\n";
  if (x.nodes.empty())
    return result + "no other node has sent a request\n";
  table rows{{{"NODE", left, true},
              {"ADDRESS", left},
              {"KNOWN FOR", right},
              {"REQUESTS", right, false, 1},
              {"ACTORS", right, false, 2}}};
  for (const auto& node : x.nodes)
    rows.add({quote_if_needed(node.id),
              node.address.empty() ? "unknown" : quote_if_needed(node.address),
              duration_text(node.known_for), count_text(node.requests),
              count_text(node.actors)});
  result += "\n" + rows.render(width);
  if (x.total > x.nodes.size())
    result += "... and " + count_text(x.total - x.nodes.size()) + " more\n";
  return result;
}

std::string text_of(const failure& x) {
  // No server answered, so there is no error code of a server to show.
  if (x.code == not_connected)
    return "error: " + x.reason.text() + "\n";
  return "error: " + to_string(x.reason) + "\n";
}

json_object json_of(const actor_list& x) {
  std::vector<json_object> rows;
  for (const auto& actor : x.actors)
    rows.push_back(json_object{}
                     .add("name", actor.name)
                     .add("parent", actor.parent)
                     .add("kind", actor.kind)
                     .add("state", actor.state)
                     .add("mailbox_depth", actor.mailbox_depth)
                     .add("handled", actor.handled)
                     .add("restarts", actor.restarts)
                     .add("bytes", actor.bytes)
                     .add("keys", actor.keys)
                     .add("subscribers", actor.subscribers));
  return json_object{}.add("actors", rows).add("omitted", x.omitted);
}

std::vector<json_object> rows_of(const std::vector<namespace_info>& all) {
  std::vector<json_object> rows;
  rows.reserve(all.size());
  for (const auto& x : all)
    rows.push_back(json_object{}
                     .add_bytes("prefix", x.prefix)
                     .add("keys", x.keys)
                     .add("charged", x.charged)
                     .add("max_bytes", x.max_bytes)
                     .add("max_entries", x.max_entries)
                     .add("evictions", x.evictions)
                     .add("shards", x.shards)
                     .add("eviction", x.eviction));
  return rows;
}

std::vector<json_object> rows_of(const std::vector<service_info>& all) {
  std::vector<json_object> rows;
  for (const auto& x : all) {
    std::vector<json_object> figures;
    for (const auto& figure : x.figures)
      figures.push_back(
        json_object{}.add("name", figure.name).add("value", figure.value));
    rows.push_back(json_object{}
                     .add("name", x.name)
                     .add("kind", x.kind)
                     .add("figures", figures));
  }
  return rows;
}

json_object json_of(const runtime_stat& x) {
  std::vector<json_object> rows;
  for (const auto& region : x.regions)
    rows.push_back(json_object{}
                     .add("name", region.name)
                     .add("value_type", region.value_type)
                     .add("shards", region.shards)
                     .add("keys", region.keys)
                     .add("bytes", region.bytes)
                     .add("handled", region.handled)
                     .add("restarts", region.restarts)
                     .add("shards_failed", region.shards_failed)
                     .add("undecodable", region.undecodable)
                     .add("encoding", region.encoding)
                     .add("namespaces", rows_of(region.namespaces)));
  return json_object{}
    .add("version", x.version)
    .add("uptime_ms", count_of(x.uptime))
    .add("process_id", x.process_id)
    .add("resident_bytes", x.resident_bytes)
    .add("cpu_ms", x.cpu_milliseconds)
    .add("cpu_permille", x.cpu_permille)
    .add("cpu_window_ms", count_of(x.cpu_window))
    .add("threads", x.threads)
    .add("open_files", x.open_files)
    .add("file_limit", x.file_limit)
    .add("actors", x.actors)
    .add("actor_crashes", x.actor_crashes)
    .add("actor_restarts", x.actor_restarts)
    .add("actors_failed", x.actors_failed)
    .add("shards_failed", x.shards_failed)
    .add("loads_in_flight", x.loads_in_flight)
    .add("loader_threads", x.loader_threads)
    .add("loader_queue", x.loader_queue)
    .add("draining", x.draining)
    .add("regions", rows)
    .add("services", rows_of(x.services));
}

json_object json_of(const node_list& x) {
  std::vector<json_object> rows;
  for (const auto& node : x.nodes)
    rows.push_back(json_object{}
                     .add("id", node.id)
                     .add("address", node.address)
                     .add("known_for_ms", count_of(node.known_for))
                     .add("requests", node.requests)
                     .add("actors", node.actors));
  return json_object{}
    .add("self", x.self)
    .add("nodes", rows)
    .add("total", x.total);
}

json_object json_of(const failure& x) {
  const auto code = x.code == not_connected ? std::string_view{"not_connected"}
                                            : to_string(x.reason.code());
  return json_object{}.add("error", code).add("text", x.reason.text());
}

} // namespace troupe::console
