#pragma once

#include <algorithm>
#include <cstddef>
#include <string>

namespace troupe {

/// The folder of a file's path; "." for a name without a folder.
[[nodiscard]] inline std::string folder_of(const std::string& path) {
  const auto slash = path.rfind('/');
  return slash == std::string::npos
           ? std::string{"."}
           : path.substr(0, std::max<std::size_t>(slash, 1));
}

} // namespace troupe
