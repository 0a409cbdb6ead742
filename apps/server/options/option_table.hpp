#pragma once

#include <string>
#include <vector>

#include <troupe/messages/types/bytes.hpp>

#include "apps/server/options/server_option.hpp"

namespace troupe::server {

/// All options of the server. Thread-safe once it is made.
class option_table {
public:
  /// The section of the ini file.
  static constexpr char section[] = "server";

  /// Those of the families (option_families.hpp).
  option_table();

  /// One more, as of a test.
  option_table& add(server_option x);

  /// In the order of the help.
  [[nodiscard]] const std::vector<server_option>& rows() const noexcept {
    return rows_;
  }

  /// The row with this name or alias, in any case; nullptr: there is none.
  [[nodiscard]] const server_option* find(bytes_view name) const noexcept;

  /// That of servers that are not given another one.
  [[nodiscard]] static const option_table& standard();

private:
  std::vector<server_option> rows_;
};

/// The table of a server.
[[nodiscard]] const option_table& options_of(const server_state& server);

/// What CONFIG GET shows. Precondition: `x.has_value()`.
[[nodiscard]] std::string present_value(const server_option& x,
                                        const server_state& server);

} // namespace troupe::server
