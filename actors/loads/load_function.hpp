#pragma once

#include <concepts>
#include <functional>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

#include <troupe/actors/loads/load_context.hpp>
#include <troupe/messages/types/bytes.hpp>
#include <troupe/messages/types/error.hpp>

namespace troupe {

/// Produces the encoded value of a missing key, or nothing when there is no value. An
/// exception becomes `load_failed`.
using bytes_loader
  = std::function<expected<std::optional<bytes>>(load_context&)>;

/// The same for a loader that has no thread while it waits: it is called on a loader
/// thread, starts the work and returns; from any thread, the work calls the second
/// argument once. Calls after the first have no effect; without one, the load ends at
/// `load_timeout`. The context may be used until then, by one thread at a time.
using deferred_loader
  = std::function<void(std::shared_ptr<load_context>,
                       std::function<void(expected<std::optional<bytes>>)>)>;

/// A loader of either kind; any function that is one converts to it.
class load_function {
public:
  template <class F>
    requires(
      !std::same_as<std::remove_cvref_t<F>,
                    load_function> && std::constructible_from<bytes_loader, F>)
  load_function(F&& x) : direct_(std::forward<F>(x)) {
    // nop
  }

  template <class F>
    requires(
      !std::same_as<
        std::remove_cvref_t<F>,
        load_function> && !std::constructible_from<bytes_loader, F> && std::constructible_from<deferred_loader, F>)
  load_function(F&& x) : deferred_(std::forward<F>(x)) {
    // nop
  }

  [[nodiscard]] bool is_deferred() const noexcept {
    return deferred_ != nullptr;
  }

  [[nodiscard]] const bytes_loader& direct() const noexcept {
    return direct_;
  }

  [[nodiscard]] const deferred_loader& deferred() const noexcept {
    return deferred_;
  }

  /// Destroys what the loader captured.
  void forget() noexcept {
    direct_ = nullptr;
    deferred_ = nullptr;
  }

private:
  bytes_loader direct_;
  deferred_loader deferred_;
};

} // namespace troupe
