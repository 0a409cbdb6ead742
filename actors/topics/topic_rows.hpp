#pragma once

#include <cstddef>
#include <string_view>

#include <troupe/actors/topics/topic_directory.hpp>
#include <troupe/messages/requests/actors.hpp>

namespace troupe {

/// Adds a row for each topic to a list of actors, below a row `parent`: named
/// "PARENT/channel/NAME" (or "pattern", "sharded"), its `handled` counts the messages
/// published. Only those whose name starts with `prefix`; the first `most` in the
/// order of their names, the others are counted in `omitted`. Complexity: linear in
/// the topics.
void add_topic_rows(const topic_directory& from, std::string_view parent,
                    std::string_view prefix, std::size_t most, actor_list& to);

} // namespace troupe
