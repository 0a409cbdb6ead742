#pragma once

#include <string>
#include <vector>

#include <troupe/messages/types/bytes.hpp>

#include "apps/server/options/server_option.hpp"

namespace troupe::server {

/// The options of a server. Its const functions are thread-safe.
class option_table {
public:
  /// The section of the ini file.
  static constexpr char section[] = "server";

  /// A table of all families (option_families.hpp).
  option_table();

  /// Adds a row. For programs and tests with options of their own, before the table is
  /// used.
  option_table& add(server_option x);

  /// The rows, in the order of the help.
  [[nodiscard]] const std::vector<server_option>& rows() const noexcept {
    return rows_;
  }

  /// The row with this name or alias, in any case, or nullptr. Linear in the number of
  /// rows.
  [[nodiscard]] const server_option* find(bytes_view name) const noexcept;

  /// The table of servers that are not given one of their own.
  [[nodiscard]] static const option_table& standard();

private:
  std::vector<server_option> rows_;
};

/// The table that a server uses.
[[nodiscard]] const option_table& options_of(const server_state& server);

/// The value of an option that CONFIG GET shows: the present one, or the value at the
/// start if the option cannot change. Precondition: `x.has_value()`.
[[nodiscard]] std::string present_value(const server_option& x,
                                        const server_state& server);

} // namespace troupe::server
