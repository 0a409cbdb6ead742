#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace troupe {

/// Owned encoded bytes. Keys and values are byte strings: any content, NUL
/// included. `std::string` is used as the container because every layer that
/// meets users (codecs, RESP, CAF messages) speaks it without a copy.
using bytes = std::string;

/// Borrowed encoded bytes; valid as long as whoever lent them says.
using bytes_view = std::string_view;

/// Sequence number of a committed change, unique and increasing within one
/// shard for as long as the process lives. Zero never names a change: where a
/// version is expected, it stands for "no such entry".
using version_number = std::uint64_t;

/// The version of an entry that does not exist.
inline constexpr version_number no_version = 0;

} // namespace troupe
