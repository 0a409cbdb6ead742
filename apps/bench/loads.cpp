// `troupe-bench loads`: the cost of the coordination of misses: what `get_or_set` adds to
// the loader and to the write, and how soon threads get a value that another thread loads.

#include <troupe/actors/runtime.hpp>

#include <apps/bench/loads/contest.hpp>
#include <apps/bench/subcommands.hpp>

namespace troupe::bench {

int run_loads(const std::vector<std::string>& arguments) {
  const auto read = read_settings<load_settings>(
    "loads",
    "The time of misses that are loaded, beyond the loader and the write: on "
    "the caller's\nthread, through a pool, for callers that wait, and for "
    "loads "
    "that load.",
    arguments);
  if (const auto* const code = std::get_if<int>(&read))
    return *code;
  const auto& how = std::get<load_settings>(read);
  runtime home;
  load_contest all{how, home};
  all.measure();
  return print(all.result(), how.common.json);
}

} // namespace troupe::bench
