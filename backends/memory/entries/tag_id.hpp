#pragma once

#include <cstdint>

namespace troupe::memory {

/// The number of a tag's name while it is in use; see tag_registry.hpp.
using tag_id = std::uint32_t;

} // namespace troupe::memory
