#include <troupe/actors/detail/runtime_option_list.hpp>

#include <bit>
#include <chrono>
#include <cstdint>
#include <limits>
#include <utility>

namespace troupe::detail {

namespace {

using namespace std::chrono_literals;
using settings::most_number;
using settings::value;
using settings::value_kind;

template <auto Member>
void assign(runtime_options& to, const value& x) {
  settings::assign(x, to.*Member);
}

void assign_failed_shards(runtime_options& to, const value& x) {
  to.failed_shards = std::get<std::string>(x) == to_string(failed_shards::serve)
                       ? failed_shards::serve
                       : failed_shards::absent;
}

template <auto Member>
runtime_option row(const char* name, value_kind kind, settings::option shown) {
  shown.section = runtime_options::group;
  shown.name = name;
  shown.heading = "Runtime";
  shown.kind = std::move(kind);
  if constexpr (std::is_same_v<decltype(Member),
                               decltype(&assign_failed_shards)>) {
    return {std::move(shown), Member};
  } else {
    shown.preset
      = shown.kind.write(settings::value_of(runtime_options{}.*Member));
    return {std::move(shown), assign<Member>};
  }
}

value_kind power_of_two(std::size_t most) {
  return value_kind::number(0, static_cast<std::int64_t>(most))
    .checked(
      "a power of two up to " + std::to_string(most) + ", or 0 for 16 per core",
      [](const value& x) -> std::string {
        const auto i = static_cast<std::uint64_t>(std::get<std::int64_t>(x));
        return i == 0 || std::has_single_bit(i)
                 ? std::string{}
                 : "argument must be a power of two, or 0";
      });
}

std::vector<runtime_option> make_rows() {
  using x = runtime_options;
  constexpr auto least_bytes
    = static_cast<std::int64_t>(defaults::least_max_bytes);
  constexpr auto least_time = 1ms;
  std::vector<runtime_option> result;
  result.push_back(row<&x::max_bytes>(
    "max-bytes", value_kind::size(least_bytes, most_number).or_zero(),
    {.help = "memory that the entries of all regions may take together; 0: no "
             "limit",
     .details = "At least 1kb for each shard"}));
  result.push_back(row<&x::shards>(
    "shards", power_of_two(defaults::max_shards),
    {.help = "shards of a region that sets no number; all are made when it is "
             "opened. 0: 16 per core, each made at its first use"}));
  result.push_back(
    row<&x::loader_threads>("loader-threads", value_kind::number(1, 4096),
                            {.help = "threads for blocking loaders"}));
  result.push_back(row<&x::loader_queue>(
    "loader-queue", value_kind::number(1, most_number),
    {.help = "loads that may wait for a loader thread; further loads are "
             "refused"}));
  result.push_back(row<&x::op_timeout>(
    "op-timeout", value_kind::time(least_time),
    {.help = "how long an operation waits for a shard that restarts, or for an "
             "update of its key"}));
  result.push_back(row<&x::load_timeout>(
    "load-timeout", value_kind::time(least_time),
    {.help = "how long a loader may run before the loader of another waiter "
             "replaces it"}));
  result.push_back(row<&x::queue_timeout>(
    "queue-timeout", value_kind::time(least_time),
    {.help
     = "how long a load waits for a loader thread before it is refused"}));
  result.push_back(row<&x::drain_deadline>(
    "drain-deadline", value_kind::time(least_time),
    {.help = "how long the end of the runtime waits for loads in flight"}));
  result.push_back(row<&x::restart_limit>(
    "restart-limit",
    value_kind::number(0, std::numeric_limits<std::uint32_t>::max()),
    {.help = "an actor with more crashes than this within restart-window stays "
             "down"}));
  result.push_back(row<&x::restart_window>(
    "restart-window", value_kind::time(least_time),
    {.help = "the period in which crashes count for restart-limit"}));
  result.push_back(row<&assign_failed_shards>(
    "failed-shards",
    value_kind::word({std::string{to_string(failed_shards::serve)},
                      std::string{to_string(failed_shards::absent)}}),
    {.preset = std::string{to_string(runtime_options{}.failed_shards)},
     .help
     = "what readers find in a shard that stays down: serve (its entries) "
       "or absent (no entries)",
     .details
     = "With `absent`, the shard's entries are dropped. Changes of its "
       "keys are refused in both cases"}));
  return result;
}

} // namespace

const std::vector<runtime_option>& all_runtime_options() {
  static const auto rows = make_rows();
  return rows;
}

} // namespace troupe::detail
