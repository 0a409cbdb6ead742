#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include <apps/bench/common/options.hpp>

namespace troupe::bench {

/// The size of a cache: a number of entries or a share of a trace's keys.
class cache_size {
public:
  /// Reads "500" or "0.1%".
  /// Errors: `invalid_argument`, unless it is a whole number of at least 1, or
  /// a percentage above 0 and up to 100.
  [[nodiscard]] static expected<cache_size> parse(const std::string& text);

  /// As it was written.
  [[nodiscard]] const std::string& text() const noexcept {
    return text_;
  }

  /// How many entries that is for a trace with `unique` keys: at least 1, a
  /// share rounded to the nearest.
  [[nodiscard]] std::size_t entries(std::size_t unique) const noexcept;

private:
  std::string text_;
  double percent_ = 0; ///< 0: absolute.
  std::size_t entries_ = 0;
};

/// What `troupe-bench trace` can be told.
struct trace_settings {
  common_options common;
  std::vector<std::string> files;
  std::string policies;
  std::string sizes = "0.1%,1%,10%,30%";
  std::string plot = "none";

  void declare(option_table& table);
  void shrink();
  [[nodiscard]] expected<void> check() const;

  /// `policies` and `sizes`, which must have passed `check`, one by one.
  [[nodiscard]] std::vector<std::string> policy_list() const;
  [[nodiscard]] std::vector<cache_size> size_list() const;
};

} // namespace troupe::bench
