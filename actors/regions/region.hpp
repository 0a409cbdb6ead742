#pragma once

// A region (region_declared.hpp) with its templates defined: a hit in memory is inlined
// into the caller.

#include <utility>
#include <vector>

#include <troupe/actors/regions/region_declared.hpp>
#include <troupe/backends/memory/memory_provider.hpp>
#include <troupe/backends/memory/shards/inline_reads.hpp>

namespace troupe {

template <class F>
[[gnu::always_inline]] inline expected<bool>
region_reads::visit(const hashed_key& key, F&& f, lookup as) const {
  if (auto ok = check_key(key); !ok) [[unlikely]]
    return tl::unexpected{std::move(ok.error())};
  if (reads_.usable()) [[likely]]
    return memory::visit(reads_, key, std::forward<F>(f), as);
  return provider_->read(key, f, as);
}

template <class Keys, class F>
expected<void> region_reads::visit_many(const Keys& keys, F&& f,
                                        lookup as) const {
  for (const auto& key : keys)
    if (bytes_view{key}.size() > options_.max_key_size) [[unlikely]]
      return check_key(key);
  if (memory_ != nullptr) [[likely]]
    return memory_->visit_many(keys, std::forward<F>(f), as);
  const std::vector<hashed_key> hashed(keys.begin(), keys.end());
  return provider_->read_many(hashed, f, as);
}

/// Inlined: the call takes a visible part of the time of a write to memory.
template <class Change>
[[gnu::always_inline]] inline expected<typename Change::result>
region::apply(const Change& what) {
  if (memory_ != nullptr) [[likely]]
    return memory_->run(what);
  return provider_->apply(key_change{what}).map([](const change_result& x) {
    return x.as<typename Change::result>();
  });
}

template <class F>
expected<void> region::transform(const hashed_key& key, F&& f) {
  if (auto ok = check_key(key); !ok) [[unlikely]]
    return ok;
  auto checked = [this, &f](const entry_view* present) -> expected<edit> {
    expected<edit> next = f(present);
    if (next)
      if (auto ok = check_edit(*next, present); !ok) [[unlikely]]
        return tl::unexpected{std::move(ok.error())};
    return next;
  };
  if (memory_ != nullptr) [[likely]]
    return memory_->transform_inline(key, checked);
  return provider_->transform(key, checked);
}

} // namespace troupe
