#include <troupe/actors/topics/topic_rows.hpp>

#include <algorithm>
#include <array>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace troupe {

namespace {

/// Bytes of a topic's name that are shown. Names may be longer.
constexpr std::size_t longest_name = 200;

constexpr std::array kinds{
  std::pair{topic_kind::channel, std::string_view{"/channel/"}},
  std::pair{topic_kind::pattern, std::string_view{"/pattern/"}},
  std::pair{topic_kind::sharded, std::string_view{"/sharded/"}},
};

std::string shown(std::string_view name) {
  if (name.size() <= longest_name)
    return std::string{name};
  return std::string{name.substr(0, longest_name)} + "...";
}

/// Whether "HEAD" + `name` starts with `prefix`.
bool begins(std::string_view head, std::string_view name,
            std::string_view prefix) {
  if (prefix.size() <= head.size())
    return head.starts_with(prefix);
  return prefix.starts_with(head)
         && name.starts_with(prefix.substr(head.size()));
}

void add_kind(const topic_directory& from, topic_kind kind,
              std::string_view parent, std::string_view middle,
              std::string_view prefix, std::size_t most, actor_list& to) {
  const auto head = std::string{parent}.append(middle);
  auto all = from.list(kind);
  std::erase_if(all, [&](const std::shared_ptr<topic>& x) {
    return !begins(head, x->name().text, prefix);
  });
  const auto count = std::min(most, all.size());
  std::partial_sort(all.begin(),
                    all.begin() + static_cast<std::ptrdiff_t>(count), all.end(),
                    [](const auto& x, const auto& y) {
                      return x->name().text < y->name().text;
                    });
  for (std::size_t i = 0; i < count; ++i) {
    auto& x = to.actors.emplace_back();
    x.name = head + shown(all[i]->name().text);
    x.parent = parent;
    x.kind = "topic";
    x.state = "running";
    x.handled = all[i]->published();
    x.subscribers = all[i]->subscribers();
  }
  to.omitted += all.size() - count;
}

} // namespace

void add_topic_rows(const topic_directory& from, std::string_view parent,
                    std::string_view prefix, std::size_t most, actor_list& to) {
  const auto before = to.actors.size();
  for (const auto& [kind, middle] : kinds)
    add_kind(from, kind, parent, middle, prefix,
             most - (to.actors.size() - before), to);
}

} // namespace troupe
