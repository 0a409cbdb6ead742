#include <troupe/actors/supervision/node_book.hpp>

#include <algorithm>

namespace troupe {

node_book::news node_book::asked(const std::string& node, std::uint64_t actor,
                                 time_point now) {
  news result;
  auto i = nodes_.find(node);
  if (i != nodes_.end())
    ++i->second.requests;
  if (actors_.contains({node, actor}) || actors_.size() >= limits_.actors
      || (i == nodes_.end() && nodes_.size() >= limits_.nodes))
    return result;
  if (i == nodes_.end()) {
    i = nodes_.emplace(node, entry{{}, now, next_place_++, 1, 0}).first;
    result.node = true;
  }
  actors_.emplace(node, actor);
  ++i->second.actors;
  result.actor = true;
  return result;
}

void node_book::gone(const std::string& node, std::uint64_t actor) {
  if (actors_.erase({node, actor}) == 0)
    return;
  const auto i = nodes_.find(node);
  if (--i->second.actors == 0)
    nodes_.erase(i);
}

void node_book::locate(const std::string& node, std::string address) {
  if (const auto i = nodes_.find(node); i != nodes_.end())
    i->second.address = std::move(address);
}

std::vector<node_book::row> node_book::list(std::size_t most) const {
  std::vector<decltype(nodes_)::const_iterator> order;
  for (auto i = nodes_.begin(); i != nodes_.end(); ++i)
    order.push_back(i);
  std::sort(order.begin(), order.end(),
            [](auto x, auto y) { return x->second.place < y->second.place; });
  order.resize(std::min(order.size(), most));
  std::vector<row> result;
  for (const auto i : order) {
    const auto& x = i->second;
    result.push_back({i->first, x.address, x.since, x.requests, x.actors});
  }
  return result;
}

} // namespace troupe
