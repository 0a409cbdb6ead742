#pragma once

#include <memory>

namespace troupe {

class region;
class region_directory;

/// A region and its actors.
struct opened_region {
  std::shared_ptr<region> where;
  std::shared_ptr<const region_directory> directory;
};

} // namespace troupe
