#pragma once

#include <cstdint>

namespace troupe::memory {

/// Stands for the name of a tag as long as something uses it; see tag_registry.hpp.
using tag_id = std::uint32_t;

} // namespace troupe::memory
