#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace troupe::console {

enum class alignment { left, right };

/// A column of a table.
struct column {
  std::string title;
  alignment side = alignment::left;
  /// Whether long cells may be cut to fit the width.
  bool shrinks = false;
  /// What is left out first when the width does not suffice: the column with
  /// the highest number. Zero stays.
  unsigned expendable = 0;
};

/// A text with the middle left out ("db0/sh...ard-17"), at most `width` long.
[[nodiscard]] std::string shortened(const std::string& text, std::size_t width);

/// Aligned columns under titles, two blanks apart. Cells are ASCII.
class table {
public:
  explicit table(std::vector<column> columns);

  /// Adds a row: as many cells as there are columns.
  void add(std::vector<std::string> cells);

  [[nodiscard]] std::size_t rows() const noexcept {
    return rows_.size();
  }

  /// The lines, each with its end, none longer than `width` as long as the
  /// columns that must stay allow that; zero: as wide as it gets.
  [[nodiscard]] std::string render(std::size_t width) const;

private:
  [[nodiscard]] std::vector<std::size_t> layout(std::size_t width) const;

  std::vector<column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

} // namespace troupe::console
