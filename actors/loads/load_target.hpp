#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include <troupe/actors/loads/load_context.hpp>
#include <troupe/backends/changes.hpp>
#include <troupe/backends/leases.hpp>
#include <troupe/backends/provider.hpp>
#include <troupe/messages/types/bytes.hpp>
#include <troupe/messages/types/error.hpp>
#include <troupe/messages/types/options.hpp>

namespace troupe {

/// Produces the encoded value of a missing key, or nothing when there is no value. Runs
/// on a loader thread. An exception becomes `load_failed`.
using bytes_loader
  = std::function<expected<std::optional<bytes>>(load_context&)>;

/// The source and destination of loads: all that the load coordinator knows of a
/// region. Thread-safe.
class load_target {
public:
  virtual ~load_target() = default;

  [[nodiscard]] virtual const std::string& name() const noexcept = 0;

  /// The region's options: they hold the time limits and attempts of its loads.
  [[nodiscard]] virtual const region_options& options() const noexcept = 0;

  /// Whether a loaded value may be stored. Errors: `value_too_large`,
  /// `invalid_argument`.
  [[nodiscard]] virtual expected<void>
  check_loaded(bytes_view value, const write_options& how) const = 0;

  /// See `provider::commit_load`, `release_load` and `holds_load`.
  virtual void commit_load(const carried_key& key, load_commit what,
                           completion<load_outcome> done)
    = 0;
  virtual void release_load(const carried_key& key, load_id id,
                            completion<void> done)
    = 0;
  [[nodiscard]] virtual bool fenced(const carried_key& key, load_id id) = 0;

  /// Asks for the key again; another load may follow. May throw std::bad_alloc.
  virtual void load_again(const carried_key& key, bytes_loader loader,
                          write_options how,
                          completion<std::optional<bytes>> done)
    = 0;
};

} // namespace troupe
