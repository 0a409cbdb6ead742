#include <troupe/actors/cache/cache_core.hpp>

namespace troupe::detail {

tl::unexpected<error> empty_cache() {
  return fail(errc::invalid_argument,
              "this cache is empty: assign it what runtime::open returned "
              "before using it");
}

const std::string& no_name() noexcept {
  static const std::string none;
  return none;
}

} // namespace troupe::detail
