#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <troupe/actors/regions/region_declared.hpp>
#include <troupe/messages/types/bytes.hpp>
#include <troupe/messages/types/error.hpp>

namespace troupe {

class region_directory;

namespace detail {

/// The answer of a cache that is empty.
[[nodiscard]] tl::unexpected<error> empty_cache();

/// Its name.
[[nodiscard]] const std::string& no_name() noexcept;

} // namespace detail

/// What a cache (handle.hpp) is and can do whatever its value type.
class cache_core {
public:
  /// Empty.
  cache_core() = default;

  /// Whether it is a cache of a runtime, and not empty.
  [[nodiscard]] explicit operator bool() const noexcept {
    return region_ != nullptr;
  }

  /// The name of its region; "" when it is empty.
  [[nodiscard]] const std::string& name() const noexcept {
    return region_ ? region_->name() : detail::no_name();
  }

  /// The same cache at the level of bytes; nullptr when it is empty.
  [[nodiscard]] const std::shared_ptr<region>& bytes_region() const noexcept {
    return region_;
  }

  /// The same cache as an actor, a `region_actor`: takes typed messages of any
  /// actor here or elsewhere. Ends with the runtime: do not keep it longer.
  /// Defined in <troupe/actors/runtime.hpp>.
  [[nodiscard]] auto actor() const;

  // -- all keys at once ----------------------------------------------------------

  /// Removes everything, at once for all calls that begin from now on. G3.
  expected<void> clear() {
    return on_region([&] { return region_->clear(); });
  }

  /// Removes all entries with a tag in the same way. G3.
  expected<void> invalidate_tag(bytes_view name) {
    return on_region([&] { return region_->invalidate_tag(name); });
  }

  /// See `region::set_limits`. G6.
  expected<void> set_limits(std::size_t max_bytes, std::size_t max_entries) {
    return on_region(
      [&] { return region_->set_limits(max_bytes, max_entries); });
  }

  /// See `region::namespaces`. None when the cache is empty.
  [[nodiscard]] std::vector<namespace_stats> namespaces() const {
    return region_ ? region_->namespaces() : std::vector<namespace_stats>{};
  }

  /// See `region::set_namespace_limits`.
  expected<void> set_namespace_limits(bytes_view prefix, std::size_t max_bytes,
                                      std::size_t max_entries) {
    return on_region([&] {
      return region_->set_namespace_limits(prefix, max_bytes, max_entries);
    });
  }

  /// Removes the keys of a namespace; see `region::clear_namespace`.
  expected<void> clear_namespace(bytes_view prefix) {
    return on_region([&] { return region_->clear_namespace(prefix); });
  }

protected:
  cache_core(std::shared_ptr<region> where,
             std::shared_ptr<const region_directory> directory)
    : region_(std::move(where)), directory_(std::move(directory)) {
    // nop
  }

  /// The result of `f`, or the error that there is no region.
  template <class F>
  auto on_region(F f) const -> decltype(f()) {
    if (!region_) [[unlikely]]
      return detail::empty_cache();
    return f();
  }

  std::shared_ptr<region> region_;
  std::shared_ptr<const region_directory> directory_;
};

} // namespace troupe
