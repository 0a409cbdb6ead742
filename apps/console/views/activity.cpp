#include "apps/console/views/activity.hpp"

#include <cstdint>
#include <cstdio>
#include <map>
#include <vector>

#include "apps/console/text/units.hpp"
#include "apps/console/views/actor_tree.hpp"

namespace troupe::console {

namespace {

std::uint64_t growth(std::uint64_t before, std::uint64_t now) noexcept {
  // A restarted actor may count from zero again.
  return now >= before ? now - before : now;
}

} // namespace

activity::activity(const std::optional<sample>& before, const sample& now)
  : process_(now.process), actors_(now.actors) {
  using seconds = std::chrono::duration<double>;
  std::map<std::string, std::uint64_t> handled;
  std::uint64_t cpu = 0;
  auto passed = seconds{now.process.uptime}.count();
  // Figures of another process at the same address cannot be compared.
  if (before && before->process.process_id == now.process.process_id) {
    for (const auto& x : before->actors.actors)
      handled[x.name] = x.handled;
    cpu = before->process.cpu_milliseconds;
    passed = seconds{now.taken - before->taken}.count();
  }
  if (passed <= 0)
    passed = 1e-3;
  for (auto& x : actors_.actors)
    x.handled = static_cast<std::uint64_t>(
      static_cast<double>(growth(handled[x.name], x.handled)) / passed + 0.5);
  cpu_percent_
    = static_cast<double>(growth(cpu, process_.cpu_milliseconds)) / passed / 10;
}

std::string activity::text(std::size_t width, bool colours) const {
  char share[32];
  std::snprintf(share, sizeof(share), "%.1f", cpu_percent_);
  return "up " + duration_text(process_.uptime) + ", cpu " + share + " %, "
         + bytes_text(process_.resident_bytes) + " resident, "
         + count_text(process_.loads_in_flight) + " loads in flight\n\n"
         + table_of(collapsed(tree_of(actors_)), "PER SECOND")
             .render(width, colours);
}

json_object activity::json() const {
  std::vector<json_object> rows;
  for (const auto& x : actors_.actors)
    rows.push_back(json_object{}
                     .add("name", x.name)
                     .add("mailbox_depth", x.mailbox_depth)
                     .add("handled_per_second", x.handled));
  return json_object{}
    .add("uptime_ms", std::int64_t{process_.uptime.count()})
    .add("cpu_permille", static_cast<std::uint64_t>(cpu_percent_ * 10 + 0.5))
    .add("resident_bytes", process_.resident_bytes)
    .add("loads_in_flight", process_.loads_in_flight)
    .add("actors", rows);
}

} // namespace troupe::console
