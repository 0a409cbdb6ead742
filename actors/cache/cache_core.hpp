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

/// The error that every operation of an empty cache returns.
[[nodiscard]] tl::unexpected<error> empty_cache();

/// The name of an empty cache: "".
[[nodiscard]] const std::string& no_name() noexcept;

} // namespace detail

/// The part of `cache<V>` (handle.hpp) that does not depend on V. Thread-safe.
class cache_core {
public:
  /// Empty.
  cache_core() = default;

  /// Whether it refers to a region, that is, is not empty.
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

  /// The region's actor. It accepts typed messages (`region_actor`) from any actor,
  /// also of other nodes. It ends with the runtime: do not keep it longer. Defined in
  /// <troupe/actors/runtime.hpp>.
  [[nodiscard]] auto actor() const;

  // -- all keys at once ----------------------------------------------------------

  /// Removes all entries: a call that begins after this one returns finds none of them.
  /// G3.
  expected<void> clear() {
    return on_region([&] { return region_->clear(); });
  }

  /// Removes all entries with the tag `name`, at once like `clear`. G3.
  expected<void> invalidate_tag(bytes_view name) {
    return on_region([&] { return region_->invalidate_tag(name); });
  }

  /// See `region::set_limits`. G6.
  expected<void> set_limits(std::size_t max_bytes, std::size_t max_entries) {
    return on_region(
      [&] { return region_->set_limits(max_bytes, max_entries); });
  }

  /// See `region::namespaces`. Returns an empty list when the cache is empty.
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

  /// The result of `f`; `invalid_argument` when the cache is empty.
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
