// `troupe-bench shard`: compares containers for one table of many entries.
//
// All contestants are filled one after the other, each in the order of the keys, before
// anything is measured, and all stay in memory until the end. So each has the memory
// layout of a fresh one, and none profits from a cache or an allocator that another one
// left behind. Then every round runs each contestant on each number of threads once, in
// turn, so that a temporary disturbance of the machine affects all of them. The first
// round warms up and is not counted. The reports compare medians of ratios within a round.
// At the end, every contestant handles some requests again, without timing, while calls of
// operator new are counted.

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include <troupe/actors/runtime.hpp>

#include <apps/bench/common/options.hpp>
#include <apps/bench/common/plain_system.hpp>
#include <apps/bench/common/report.hpp>
#include <apps/bench/shard/contest.hpp>
#include <apps/bench/shard/settings.hpp>
#include <apps/bench/subcommands.hpp>

namespace troupe::bench {

int run_shard(const std::vector<std::string>& arguments) {
  auto read
    = read_settings<shard_settings>("shard",
                                    "Reads, writes and a mix of both on a "
                                    "large table: Troupe's region compared\n"
                                    "with other maps and with a naive actor.",
                                    arguments);
  if (auto* code = std::get_if<int>(&read))
    return *code;
  auto& how = std::get<shard_settings>(read);
  plain_system plain{how.scheduler};
  std::optional<runtime> home;
  if (!how.bare)
    home.emplace();
  shard_contest all{how};
  all.prepare(home ? &*home : nullptr, plain.get());
  all.measure();
  return print(all.result(), how.common.json);
}

} // namespace troupe::bench
