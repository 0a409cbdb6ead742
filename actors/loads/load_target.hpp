#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include <troupe/actors/loads/breakers/circuit_breaker.hpp>
#include <troupe/actors/loads/load_context.hpp>
#include <troupe/actors/loads/load_function.hpp>
#include <troupe/backends/changes.hpp>
#include <troupe/backends/core/function_ref.hpp>
#include <troupe/backends/leases.hpp>
#include <troupe/backends/provider.hpp>
#include <troupe/messages/types/bytes.hpp>
#include <troupe/messages/types/clock.hpp>
#include <troupe/messages/types/error.hpp>
#include <troupe/messages/types/options.hpp>

namespace troupe {

/// How much of its limits a region's loads take (`region_options::max_loads`,
/// `max_load_waiters`).
struct load_gauge {
  std::atomic<std::size_t> loads{0};
  std::atomic<std::size_t> waiters{0};
};

/// The source and destination of loads: all that the load coordinator knows of a
/// region. Thread-safe.
class load_target {
public:
  virtual ~load_target() = default;

  [[nodiscard]] virtual const std::string& name() const noexcept = 0;

  /// The region's options: they hold the time limits and attempts of its loads.
  [[nodiscard]] virtual const region_options& options() const noexcept = 0;

  [[nodiscard]] virtual load_gauge& gauge() noexcept = 0;

  /// The breaker of its loads, or nullptr.
  [[nodiscard]] virtual circuit_breaker* breaker() noexcept = 0;

  /// The present time of its entries, which may have another clock than loads.
  [[nodiscard]] virtual time_point entry_time() const noexcept = 0;

  /// Whether a loaded value may be stored. Errors: `value_too_large`,
  /// `invalid_argument`.
  [[nodiscard]] virtual expected<void>
  check_loaded(bytes_view value, const write_options& how) const = 0;

  // See the functions of `provider` with these names.
  virtual expected<void>
  acquire_load_now(const hashed_key& key, load_id id, load_purpose why,
                   std::shared_ptr<const load_tags> tags,
                   function_ref<bool(load_decision)> decided)
    = 0;
  virtual void
  acquire_load(carried_key key, load_id id, load_purpose why,
               std::shared_ptr<const load_tags> tags,
               std::function<bool(expected<load_decision>)> decided)
    = 0;
  virtual expected<load_outcome>
  commit_load_now(const hashed_key& key, const loaded_value& what) = 0;
  virtual void release_load(const carried_key& key, load_id id,
                            std::optional<time_point> next,
                            completion<void> done)
    = 0;

  /// Whether the load no longer has its lease.
  [[nodiscard]] virtual bool fenced(const carried_key& key, load_id id) = 0;
};

} // namespace troupe
