#pragma once

#include <cstddef>
#include <string_view>

#include <troupe/actors/topics/topic_directory.hpp>
#include <troupe/messages/requests/actors.hpp>

namespace troupe {

/// Adds rows for topics to a list of actors, below the row `parent`. The rows are named
/// "PARENT/channel/NAME" (or "pattern", "sharded"), and `handled` is the number of
/// messages published. Adds only rows whose name starts with `prefix`, and at most
/// `most` of them, in the order of kinds and names. Counts the others in `omitted`.
/// Linear in the number of topics. Throws std::bad_alloc.
void add_topic_rows(const topic_directory& from, std::string_view parent,
                    std::string_view prefix, std::size_t most, actor_list& to);

} // namespace troupe
