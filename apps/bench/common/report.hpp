#pragma once

// What a subcommand has to say, once, to be printed for people or for tools.

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace troupe::bench {

/// A value in a table; numbers that are not finite print as "-" and null.
using cell
  = std::variant<std::monostate, std::string, std::uint64_t, double, bool>;

struct column {
  std::string key;   ///< Its name in JSON.
  std::string title; ///< Its head in print; empty: only in JSON.
  int decimals = 1;  ///< Of fractions, in print.
};

struct table {
  std::string key;   ///< Its name in JSON.
  std::string title; ///< A line above it in print.
  std::vector<column> columns;
  std::vector<std::vector<cell>> rows;
};

/// A measured value and what it was hoped to be.
struct expectation {
  std::string key;
  std::string text;
  double measured = 0;
  double bound = 0;
  bool at_least = true; ///< Else the bound is the largest good value.

  [[nodiscard]] bool met() const noexcept {
    return at_least ? measured >= bound : measured <= bound;
  }
};

struct report {
  std::string subcommand;
  std::vector<std::pair<std::string, std::string>> machine;
  std::vector<std::pair<std::string, std::string>> options;
  std::vector<std::string> method; ///< How it was measured, in sentences.
  std::vector<table> tables;
  std::vector<expectation> expectations;
  std::vector<std::string> failures; ///< Wrong results; empty when all is well.
};

/// The report as aligned text.
[[nodiscard]] std::string to_text(const report& x);

/// The report as one JSON object, with a newline at the end.
[[nodiscard]] std::string to_json(const report& x);

/// Prints `x` to standard output and returns the exit code it deserves.
int print(const report& x, bool json);

} // namespace troupe::bench
