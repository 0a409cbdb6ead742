#include "apps/console/views/actor_tree.hpp"

#include <algorithm>
#include <cstdint>
#include <map>
#include <set>
#include <string_view>
#include <utility>

#include "apps/console/text/units.hpp"
#include "apps/console/text/words.hpp"

namespace troupe::console {

namespace {

class tree_builder {
public:
  explicit tree_builder(const actor_list& all) : all_(all) {
    std::set<std::string_view> names;
    for (const auto& x : all.actors)
      names.insert(x.name);
    for (const auto& x : all.actors)
      children_[names.contains(x.parent) ? x.parent : ""].push_back(&x);
  }

  std::vector<tree_row> run() {
    add_children("", 0);
    // Actors that are their own ancestors are reached from no root.
    for (const auto& x : all_.actors)
      add(x, 0);
    return std::move(rows_);
  }

private:
  void add_children(const std::string& parent, std::size_t depth) {
    if (const auto i = children_.find(parent); i != children_.end())
      for (const auto* x : i->second)
        add(*x, depth);
  }

  void add(const actor_info& x, std::size_t depth) {
    if (!seen_.insert(&x).second)
      return;
    rows_.push_back({x, depth});
    add_children(x.name, depth + 1);
  }

  const actor_list& all_;
  std::map<std::string, std::vector<const actor_info*>> children_;
  std::set<const actor_info*> seen_;
  std::vector<tree_row> rows_;
};

void add_shard(tree_row& region, const actor_info& shard) {
  region.shards += 1;
  if (shard.state != "running")
    ++region.shards_down[shard.state];
  region.actor.mailbox_depth += shard.mailbox_depth;
  region.actor.handled += shard.handled;
  region.actor.restarts += shard.restarts;
  region.actor.bytes += shard.bytes;
  region.actor.keys += shard.keys;
}

std::string shards_text(std::size_t count) {
  return std::to_string(count) + (count == 1 ? " shard" : " shards");
}

std::string name_text(const tree_row& x) {
  auto result = std::string(2 * x.depth, ' ') + quote_if_needed(x.actor.name);
  if (x.shards > 0)
    result += " (" + shards_text(x.shards) + ")";
  return result;
}

std::string state_text(const tree_row& x) {
  auto result = quote_if_needed(x.actor.state);
  for (const auto& [state, count] : x.shards_down)
    result += ", " + shards_text(count) + " " + quote_if_needed(state);
  return result;
}

bool has_subscribers(const tree_row& x) {
  return x.actor.subscribers > 0;
}

} // namespace

std::vector<tree_row> tree_of(const actor_list& all) {
  return tree_builder{all}.run();
}

std::vector<tree_row> collapsed(const std::vector<tree_row>& tree) {
  std::vector<tree_row> result;
  std::map<std::string_view, std::size_t> regions;
  for (const auto& x : tree) {
    const auto region = regions.find(x.actor.parent);
    if (x.actor.kind == "shard" && region != regions.end()) {
      add_shard(result[region->second], x.actor);
      continue;
    }
    if (x.actor.kind == "region")
      regions.emplace(x.actor.name, result.size());
    result.push_back(x);
  }
  return result;
}

table table_of(const std::vector<tree_row>& tree, std::string handled) {
  using enum alignment;
  std::vector<column> columns{
    {"ACTOR", left, true},        {"STATE", left, false},
    {"MAILBOX", right, false, 1}, {std::move(handled), right, false, 2},
    {"RESTARTS", right, false},   {"MEMORY", right, false, 3},
    {"KEYS", right, false, 4}};
  const bool subscribed
    = std::any_of(tree.begin(), tree.end(), has_subscribers);
  if (subscribed)
    columns.push_back({"SUBSCRIBERS", right, false, 5});
  table result{std::move(columns)};
  for (const auto& x : tree) {
    auto state = state_text(x);
    const auto how = tone_of_state(state);
    std::vector<cell> cells{name_text(x),
                            {std::move(state), how},
                            count_text(x.actor.mailbox_depth),
                            count_text(x.actor.handled),
                            count_text(x.actor.restarts),
                            bytes_text(x.actor.bytes),
                            count_text(x.actor.keys)};
    if (subscribed)
      cells.emplace_back(has_subscribers(x) ? count_text(x.actor.subscribers)
                                            : "");
    result.add(std::move(cells));
  }
  return result;
}

} // namespace troupe::console
