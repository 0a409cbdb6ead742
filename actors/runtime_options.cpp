#include <troupe/actors/runtime_options.hpp>

#include <bit>
#include <string>
#include <utility>

#include <troupe/messages/types/options.hpp>

namespace troupe {

namespace {

template <class T>
tl::unexpected<error> bad(const char* option, T value, const char* range) {
  return fail(errc::invalid_argument,
              std::string{runtime_options::group} + "." + option + " is "
                + std::to_string(value) + "; allowed: " + range);
}

expected<void> check_time(const char* option, std::chrono::milliseconds x) {
  if (x.count() <= 0 || x > max_ttl)
    return fail(errc::invalid_argument, std::string{runtime_options::group}
                                          + "." + option + " is "
                                          + std::to_string(x.count())
                                          + " ms; allowed: 1 ms to 100 years");
  return {};
}

} // namespace

expected<void> check(const runtime_options& x) {
  if (x.shards != 0
      && (!std::has_single_bit(x.shards) || x.shards > defaults::max_shards))
    return bad("shards", x.shards,
               "a power of two up to 256, or 0 for 16 per core");
  if (x.max_bytes != 0 && x.max_bytes < defaults::least_max_bytes)
    return bad("max-bytes", x.max_bytes, "0 (none), or 65536 and more");
  if (x.loader_threads == 0 || x.loader_threads > 4096)
    return bad("loader-threads", x.loader_threads, "1 to 4096");
  if (x.loader_queue == 0)
    return bad("loader-queue", x.loader_queue, "1 or more");
  for (auto [option, time] : {std::pair{"op-timeout", x.op_timeout},
                              std::pair{"load-timeout", x.load_timeout},
                              std::pair{"queue-timeout", x.queue_timeout},
                              std::pair{"drain-deadline", x.drain_deadline},
                              std::pair{"restart-window", x.restart_window}})
    if (auto ok = check_time(option, time); !ok)
      return ok;
  return {};
}

} // namespace troupe
