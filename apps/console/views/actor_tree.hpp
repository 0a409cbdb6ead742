#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include <troupe/messages/requests/actors.hpp>

#include "apps/console/text/table.hpp"

namespace troupe::console {

/// An actor and its place in the tree.
struct tree_row {
  actor_info actor;
  std::size_t depth = 0;
  /// Number of shards that this row includes; they have no rows of their own.
  std::size_t shards = 0;
  /// How many of these shards do not run, by their state.
  std::map<std::string, std::size_t> shards_down = {};
};

/// The actors as a tree, depth first, siblings in the order of the list. An
/// actor whose parent is not in the list is a root, so every actor has a row,
/// whatever the peer sent.
[[nodiscard]] std::vector<tree_row> tree_of(const actor_list& all);

/// The tree with the shards added to their region's row.
[[nodiscard]] std::vector<tree_row>
collapsed(const std::vector<tree_row>& tree);

/// The tree as a table, with indented names. `handled` is the title of that column.
[[nodiscard]] table table_of(const std::vector<tree_row>& tree,
                             std::string handled = "HANDLED");

} // namespace troupe::console
