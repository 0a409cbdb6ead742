#include <apps/bench/trace/plot.hpp>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <stdexcept>

#include <apps/bench/net/program.hpp>

namespace troupe::bench {

namespace {

constexpr std::size_t panels_per_row = 2;
constexpr std::size_t panel_width = 460; ///< Pixels.
constexpr std::size_t panel_height = 360;

/// As gnuplot reads it: in single quotes, where only the quote is special. What
/// could end the line becomes a question mark.
std::string quoted(const std::string& text) {
  std::string result = "'";
  for (auto c : text) {
    if (c == '\'')
      result += "''";
    else
      result += static_cast<unsigned char>(c) < 0x20 ? '?' : c;
  }
  return result + "'";
}

std::string number(double x) {
  char buffer[32];
  std::snprintf(buffer, sizeof(buffer), "%.6g", x);
  return buffer;
}

/// Adds the lines of a panel as named blocks of data, and the commands that
/// draw it.
void append_panel(std::string& data, std::string& commands,
                  const plot_panel& panel, std::size_t index) {
  commands += "set title " + quoted(panel.title) + " noenhanced\n";
  std::string plots;
  for (std::size_t i = 0; i < panel.lines.size(); ++i) {
    auto name = "$line_" + std::to_string(index) + "_" + std::to_string(i);
    data += name + " << END\n";
    for (auto& [x, y] : panel.lines[i].points)
      data += number(x) + " " + number(y) + "\n";
    data += "END\n";
    plots += (i == 0 ? "plot " : ", ") + name
             + " using 1:2 with linespoints linewidth 1.5 pointsize 0.6 title "
             + quoted(panel.lines[i].title) + " noenhanced";
  }
  commands += plots + "\n";
}

} // namespace

expected<void> can_plot(const std::string& path) {
  auto ending = std::filesystem::path{path}.extension();
  if (ending != ".svg" && ending != ".png")
    return fail(errc::invalid_argument,
                "--plot: '" + path + "' ends in neither .svg nor .png");
  try {
    (void)output_of({"gnuplot", "--version"});
    return {};
  } catch (const std::runtime_error& problem) {
    return fail(errc::invalid_argument,
                std::string{"--plot needs gnuplot (Debian: gnuplot-nox): "}
                  + problem.what());
  }
}

std::string plot_script(const std::vector<plot_panel>& panels,
                        const std::string& path) {
  auto columns = std::min(panels.size(), panels_per_row);
  auto rows = (panels.size() + panels_per_row - 1) / panels_per_row;
  auto svg = std::filesystem::path{path}.extension() == ".svg";
  std::string data;
  std::string commands;
  for (std::size_t i = 0; i < panels.size(); ++i)
    append_panel(data, commands, panels[i], i);
  return std::string{"set terminal "} + (svg ? "svg" : "pngcairo") + " size "
         + std::to_string(columns * panel_width) + ","
         + std::to_string(rows * panel_height)
         + " background rgb 'white' font 'sans,11'\n"
         + "set encoding utf8\n"
           "set logscale x\n"
           "set xlabel 'entries'\n"
           "set ylabel 'hits, %'\n"
           "set grid\n"
           "set format x '%.0s%c'\n"
           "set key below horizontal maxrows 2\n"
           "set linetype 5 linecolor rgb '#8b4513'\n"
         + data + "set multiplot layout " + std::to_string(rows) + ","
         + std::to_string(columns) + "\n" + commands + "unset multiplot\n";
}

expected<void> plot(const std::vector<plot_panel>& panels,
                    const std::string& path) {
  try {
    auto picture = output_of({"gnuplot"}, plot_script(panels, path));
    std::ofstream file{path, std::ios::binary};
    file << picture;
    file.close();
    if (!file)
      return fail(errc::system_error, "cannot write " + path);
    return {};
  } catch (const std::runtime_error& problem) {
    return fail(errc::system_error, problem.what());
  }
}

} // namespace troupe::bench
