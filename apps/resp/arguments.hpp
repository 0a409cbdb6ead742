#pragma once

#include <span>

#include <troupe/messages/types/bytes.hpp>

namespace troupe::resp {

/// The words of one command, its name first; never empty.
using arguments = std::span<const bytes_view>;

} // namespace troupe::resp
