#pragma once

#include <string>
#include <utility>
#include <vector>

#include <troupe/messages/types/error.hpp>

namespace troupe::bench {

/// A line in a diagram: points of increasing x.
struct plot_line {
  std::string title;
  std::vector<std::pair<double, double>> points;
};

/// A diagram: hit ratios in percent over sizes in entries.
struct plot_panel {
  std::string title;
  std::vector<plot_line> lines;
};

/// Whether `plot` could draw to `path`.
/// Errors: `invalid_argument` when the name ends in neither .svg nor .png, or
/// when gnuplot cannot be started.
[[nodiscard]] expected<void> can_plot(const std::string& path);

/// What gnuplot is told to draw `panels`, side by side, to its standard output,
/// in the format that the ending of `path` names.
[[nodiscard]] std::string plot_script(const std::vector<plot_panel>& panels,
                                      const std::string& path);

/// Draws `panels` with gnuplot into the file `path`, which is replaced.
/// Errors: `system_error` when gnuplot fails or the file cannot be written.
[[nodiscard]] expected<void> plot(const std::vector<plot_panel>& panels,
                                  const std::string& path);

} // namespace troupe::bench
