#pragma once

// The figures of a runtime's services, for the console.

#include <cstdint>
#include <string>
#include <vector>

#include <troupe/messages/fields.hpp>

namespace troupe {

/// A number that a service reports.
struct service_figure {
  std::string name; ///< One word of letters and `_`, such as "waiting_jobs".
  std::uint64_t value = 0;
};

fields<&service_figure::name, &service_figure::value>
fields_of(const service_figure&);

/// A service and its present figures.
struct service_info {
  std::string name;
  std::string kind; ///< See `actor_info::kind`.
  std::vector<service_figure> figures;
};

fields<&service_info::name, &service_info::kind, &service_info::figures>
fields_of(const service_info&);

} // namespace troupe
