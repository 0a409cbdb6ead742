#pragma once

// Shows the peer's answers: as text for users, and as JSON.

#include <cstddef>
#include <string>
#include <vector>

#include <troupe/messages/requests/actors.hpp>
#include <troupe/messages/requests/nodes.hpp>
#include <troupe/messages/requests/runtime.hpp>

#include "apps/console/peer/answer.hpp"
#include "apps/console/text/json.hpp"

namespace troupe::console {

/// `every` shows each shard in its own row. See `table::render` for width and colours.
[[nodiscard]] std::string text_of(const actor_list& x, bool every,
                                  std::size_t width, bool colours = false);
[[nodiscard]] std::string text_of(const runtime_stat& x, std::size_t width);
[[nodiscard]] std::string text_of(const node_list& x, std::size_t width);

/// "error: code: text"; the text says what to do.
[[nodiscard]] std::string text_of(const failure& x);

[[nodiscard]] json_object json_of(const actor_list& x);
[[nodiscard]] json_object json_of(const runtime_stat& x);
[[nodiscard]] json_object json_of(const node_list& x);
[[nodiscard]] json_object json_of(const failure& x);

} // namespace troupe::console
