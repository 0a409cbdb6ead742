#include <troupe/messages/types/tags.hpp>

#include <algorithm>

namespace troupe {

bool tags::contains(bytes_view name) const noexcept {
  return std::find(names_.begin(), names_.end(), name) != names_.end();
}

void tags::add(bytes_view name) {
  if (contains(name))
    return;
  if (names_.size() == most || name.size() > longest)
    refused_ = true;
  else
    names_.emplace_back(name);
}

void tags::add(const tags& other) {
  for (auto& name : other.names_)
    add(name);
  refused_ |= other.refused_;
}

} // namespace troupe
