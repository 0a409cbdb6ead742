#pragma once

// What is shown of the services of a runtime.

#include <cstdint>
#include <string>
#include <vector>

#include <troupe/messages/fields.hpp>

namespace troupe {

/// A number that a service shows.
struct service_figure {
  std::string name; ///< "waiting_jobs": one word of letters and `_`.
  std::uint64_t value = 0;
};

fields<&service_figure::name, &service_figure::value>
fields_of(const service_figure&);

struct service_info {
  std::string name;
  std::string kind; ///< See `actor_info::kind`.
  std::vector<service_figure> figures;
};

fields<&service_info::name, &service_info::kind, &service_info::figures>
fields_of(const service_info&);

} // namespace troupe
