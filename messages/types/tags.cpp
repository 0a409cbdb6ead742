#include <troupe/messages/types/tags.hpp>

#include <algorithm>

namespace troupe {

bool tags::contains(bytes_view name) const noexcept {
  const auto all = names();
  return std::find(all.begin(), all.end(), name) != all.end();
}

void tags::add(bytes_view name) {
  if (contains(name))
    return;
  if (names_ == nullptr)
    names_ = std::make_unique<list>();
  if (names_->all.size() == most || name.size() > longest)
    names_->refused = true;
  else
    names_->all.emplace_back(name);
}

void tags::add(const tags& other) {
  for (auto& name : other.names())
    add(name);
  if (!other.valid())
    names_->refused = true;
}

} // namespace troupe
