#pragma once

// The part of a region that the load coordinator sees.

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include <troupe/actors/loads/load_target.hpp>
#include <troupe/actors/regions/region_reads.hpp>

namespace troupe {

class load_coordinator;

/// Thread-safe.
class region_loads : public region_reads, public load_target {
public:
  [[nodiscard]] const std::string& name() const noexcept override {
    return name_;
  }

  /// The options it was opened with, with defaults for those that were not set.
  [[nodiscard]] const region_options& options() const noexcept override {
    return options_;
  }

  [[nodiscard]] load_gauge& gauge() noexcept override {
    return gauge_;
  }

  [[nodiscard]] circuit_breaker* breaker() noexcept override {
    return breaker_.get();
  }

  [[nodiscard]] time_point entry_time() const noexcept override {
    return now();
  }

  [[nodiscard]] expected<void>
  check_loaded(bytes_view value, const write_options& how) const override;
  expected<void>
  acquire_load_now(const hashed_key& key, load_id id, load_purpose why,
                   std::shared_ptr<const load_tags> tags,
                   function_ref<bool(load_decision)> decided) override;
  void
  acquire_load(carried_key key, load_id id, load_purpose why,
               std::shared_ptr<const load_tags> tags,
               std::function<bool(expected<load_decision>)> decided) override;
  expected<load_outcome> commit_load_now(const hashed_key& key,
                                         const loaded_value& what) override;
  void release_load(const carried_key& key, load_id id,
                    std::optional<time_point> next,
                    completion<void> done) override;
  [[nodiscard]] bool fenced(const carried_key& key, load_id id) override;

protected:
  /// See `region`.
  region_loads(std::string name, const region_options& options,
               const clock& time, std::shared_ptr<troupe::provider> provider,
               std::shared_ptr<load_coordinator> loads,
               std::optional<integer_range> counts,
               std::shared_ptr<circuit_breaker> breaker)
    : region_reads(std::move(name), options, time, std::move(provider), counts),
      loads_(std::move(loads)),
      breaker_(std::move(breaker)) {
    // nop
  }

  ~region_loads() override = default;

  const std::shared_ptr<load_coordinator> loads_;

private:
  const std::shared_ptr<circuit_breaker> breaker_;
  load_gauge gauge_;
};

} // namespace troupe
