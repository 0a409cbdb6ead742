#include "apps/console/views/load_views.hpp"

#include <chrono>
#include <cstdint>
#include <vector>

#include "apps/console/text/table.hpp"
#include "apps/console/text/units.hpp"
#include "apps/console/text/words.hpp"

namespace troupe::console {

namespace {

table table_of(const std::vector<load_info>& loads) {
  using enum alignment;
  table result{{{"LOAD", right},
                {"REGION", left, true},
                {"KEY", left, true},
                {"AGE", right},
                {"LEFT", right, false, 1},
                {"ATTEMPT", right, false, 3},
                {"WAITERS", right, false, 2},
                {"FENCED", left, false, 4}}};
  for (const auto& x : loads)
    result.add({std::to_string(x.id), quote_if_needed(x.region),
                quote_if_needed(x.key), duration_text(x.age),
                duration_text(x.remaining), count_text(x.attempt),
                count_text(x.waiters), x.fenced ? "yes" : "no"});
  return result;
}

table table_of(const std::vector<breaker_info>& breakers) {
  using enum alignment;
  table result{{{"BREAKER", left, true},
                {"STATE", left},
                {"FAILURES", right, false, 2},
                {"LEFT", right, false, 1},
                {"OPENED", right, false, 3},
                {"REFUSED", right, false, 4}}};
  for (const auto& x : breakers)
    result.add({quote_if_needed(x.name),
                x.state == "closed" ? cell{x.state, tone::good}
                                    : cell{x.state, tone::bad},
                count_text(x.failures),
                x.state == "open" ? duration_text(x.remaining) : "-",
                count_text(x.opened), count_text(x.refused)});
  return result;
}

/// "... and 12 more" rows that are not shown.
std::string more_text(std::uint64_t total, std::size_t shown) {
  return total > shown ? "... and " + count_text(total - shown) + " more\n"
                       : "";
}

} // namespace

std::string text_of(const load_list& x, std::size_t width) {
  if (x.loads.empty())
    return "no loads in flight\n";
  return table_of(x.loads).render(width) + more_text(x.total, x.loads.size());
}

std::string text_of(const breaker_list& x, std::size_t width) {
  if (x.breakers.empty())
    return "no circuit breakers\n";
  return table_of(x.breakers).render(width)
         + more_text(x.total, x.breakers.size());
}

json_object json_of(const load_list& x) {
  std::vector<json_object> rows;
  for (const auto& load : x.loads)
    rows.push_back(json_object{}
                     .add("id", load.id)
                     .add("region", load.region)
                     .add_bytes("key", load.key)
                     .add("age_ms", std::int64_t{load.age.count()})
                     .add("remaining_ms", std::int64_t{load.remaining.count()})
                     .add("attempt", std::uint64_t{load.attempt})
                     .add("waiters", load.waiters)
                     .add("fenced", load.fenced));
  return json_object{}.add("loads", rows).add("total", x.total);
}

json_object json_of(const breaker_list& x) {
  std::vector<json_object> rows;
  for (const auto& one : x.breakers)
    rows.push_back(json_object{}
                     .add("name", one.name)
                     .add("state", one.state)
                     .add("failures", one.failures)
                     .add("opened", one.opened)
                     .add("refused", one.refused)
                     .add("remaining_ms", std::int64_t{one.remaining.count()}));
  return json_object{}.add("breakers", rows).add("total", x.total);
}

} // namespace troupe::console
