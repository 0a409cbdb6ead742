#include "apps/console/text/table.hpp"

#include <algorithm>
#include <utility>

namespace troupe::console {

namespace {

constexpr std::size_t gap = 2;

/// Characters to which a column shrinks before other columns are dropped.
constexpr std::size_t readable = 24;

/// The narrowest a cell is cut to, in characters.
constexpr std::size_t narrowest = 8;

/// The width of a line; a column without a width is not shown.
std::size_t total(const std::vector<std::size_t>& widths) {
  std::size_t result = 0;
  for (const auto x : widths)
    if (x != 0)
      result += x + gap;
  return result == 0 ? 0 : result - gap;
}

} // namespace

std::string shortened(const std::string& text, std::size_t width) {
  static constexpr std::string_view dots = "...";
  if (text.size() <= width)
    return text;
  if (width <= dots.size() + 1)
    return text.substr(0, width);
  const auto kept = width - dots.size();
  const auto tail = kept / 2;
  return text.substr(0, kept - tail) + std::string{dots}
         + text.substr(text.size() - tail);
}

table::table(std::vector<column> columns) : columns_(std::move(columns)) {
  // nop
}

void table::add(std::vector<cell> cells) {
  cells.resize(columns_.size(), cell{""});
  rows_.push_back(std::move(cells));
}

std::vector<std::size_t> table::layout(std::size_t width) const {
  std::vector<std::size_t> widths;
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    auto widest = columns_[i].title.size();
    for (const auto& row : rows_)
      widest = std::max(widest, row[i].text.size());
    widths.push_back(widest);
  }
  auto excess = [&] {
    const auto needed = total(widths);
    return width == 0 || needed <= width ? 0 : needed - width;
  };
  auto shrink = [&](std::size_t floor) {
    for (std::size_t i = 0; i < columns_.size(); ++i)
      if (columns_[i].shrinks && widths[i] > floor)
        widths[i] -= std::min(excess(), widths[i] - floor);
  };
  auto leave_one_out = [&] {
    std::size_t victim = columns_.size();
    for (std::size_t i = 0; i < columns_.size(); ++i)
      if (widths[i] != 0 && columns_[i].expendable != 0
          && (victim == columns_.size()
              || columns_[i].expendable > columns_[victim].expendable))
        victim = i;
    if (victim == columns_.size())
      return false;
    widths[victim] = 0;
    return true;
  };
  const auto natural = widths;
  shrink(readable);
  while (excess() > 0 && leave_one_out()) {
    // The dropped column makes room for the columns that were cut.
    for (std::size_t i = 0; i < columns_.size(); ++i)
      if (columns_[i].shrinks && widths[i] != 0)
        widths[i] = natural[i];
    shrink(readable);
  }
  shrink(narrowest);
  return widths;
}

std::string table::render(std::size_t width, bool colours) const {
  const auto widths = layout(width);
  std::string result;
  auto add_line = [&](auto&& cell_at) {
    std::string line;
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      if (widths[i] == 0)
        continue;
      if (!line.empty())
        line.append(gap, ' ');
      const cell& what = cell_at(i);
      auto text = shortened(what.text, widths[i]);
      const auto padding = widths[i] - text.size();
      if (colours)
        text = painted(std::move(text), what.how);
      line += columns_[i].side == alignment::right
                ? std::string(padding, ' ') + text
                : text + std::string(padding, ' ');
    }
    line.erase(line.find_last_not_of(' ') + 1);
    result += line + "\n";
  };
  add_line([&](std::size_t i) { return cell{columns_[i].title}; });
  for (const auto& row : rows_)
    add_line([&](std::size_t i) { return row[i]; });
  return result;
}

} // namespace troupe::console
