#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace troupe {

/// Owned encoded bytes. Keys and values are byte strings with any content, NUL
/// included. `std::string` is the container because every layer at the boundary
/// (codecs, RESP, CAF messages) takes it without a copy.
using bytes = std::string;

/// Borrowed encoded bytes; the function that lends them states how long they are valid.
using bytes_view = std::string_view;

/// Sequence number of a committed change, unique and increasing within one shard during
/// the life of the process. Zero is not the number of a change: as a version it means
/// "no such entry".
using version_number = std::uint64_t;

/// The version of an entry that does not exist.
inline constexpr version_number no_version = 0;

} // namespace troupe
