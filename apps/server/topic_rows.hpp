#pragma once

#include <cstddef>
#include <string_view>

#include <troupe/actors/topics/topic_directory.hpp>
#include <troupe/messages/requests/actors.hpp>

namespace troupe::server {

/// Adds the topics to a list of actors: a row "topics" below the supervisor,
/// whose `keys` counts all of them, and below that a row for each, named
/// "topics/channel/NAME" (or "pattern", "sharded"), whose `handled` counts the
/// messages published. Only those whose name starts with `prefix`; the first
/// `most` in the order of their names, the others are counted in `omitted`.
/// Nothing when there are no topics. Complexity: linear in the topics.
void add_topic_rows(const topic_directory& from, std::string_view prefix,
                    std::size_t most, actor_list& to);

} // namespace troupe::server
