#pragma once

#include <concepts>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "apps/console/text/colours.hpp"

namespace troupe::console {

enum class alignment { left, right };

/// A column of a table.
struct column {
  std::string title;
  alignment side = alignment::left;
  /// Whether long cells may be cut to fit the width.
  bool shrinks = false;
  /// When the width is too small, the column with the highest number is dropped first.
  /// Columns with zero always stay.
  unsigned expendable = 0;
};

/// The content of a row in a column.
struct cell {
  std::string text;
  tone how = tone::plain;

  // Most cells are just text.
  template <std::convertible_to<std::string> Text>
  cell(Text&& words, tone colour = tone::plain)
    : text(std::forward<Text>(words)), how(colour) {
    // nop
  }
};

/// The text, at most `width` characters long: a longer one loses its middle
/// ("db0/sh...ard-17").
[[nodiscard]] std::string shortened(const std::string& text, std::size_t width);

/// Aligned columns under titles, two blanks apart. Cells are ASCII.
class table {
public:
  explicit table(std::vector<column> columns);

  /// Adds a row: as many cells as there are columns.
  void add(std::vector<cell> cells);

  [[nodiscard]] std::size_t rows() const noexcept {
    return rows_.size();
  }

  /// The lines, each with a newline. No line is longer than `width`, unless the columns
  /// that always stay need more; zero: no limit. `colours` paints the cells.
  [[nodiscard]] std::string render(std::size_t width,
                                   bool colours = false) const;

private:
  [[nodiscard]] std::vector<std::size_t> layout(std::size_t width) const;

  std::vector<column> columns_;
  std::vector<std::vector<cell>> rows_;
};

} // namespace troupe::console
