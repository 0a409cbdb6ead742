#pragma once

// The option `bind`: the addresses to listen on, in the words of Redis.

#include <string>
#include <string_view>
#include <vector>

#include <boost/asio/ip/address.hpp>

#include <troupe/messages/types/error.hpp>

namespace troupe::net {

struct bind_address {
  boost::asio::ip::address where;
  bool optional = false; ///< Left out when this machine does not have it.

  /// As it is written: "-::1".
  [[nodiscard]] std::string text() const;

  friend bool operator==(const bind_address&, const bind_address&) = default;
};

/// Reads addresses with blanks or commas in between, up to 16, each once. A `-` before
/// one makes it optional; `localhost` is 127.0.0.1, `*` is 0.0.0.0, and `::*` is `::`.
/// Errors: `invalid_argument`.
[[nodiscard]] expected<std::vector<bind_address>>
parse_bind(std::string_view text);

/// Writes the addresses, separated by blanks. `parse_bind` reads them back.
[[nodiscard]] std::string text_of(const std::vector<bind_address>& all);

/// Whether only this machine can reach these addresses; false for what are none.
[[nodiscard]] bool is_loopback(const std::string& bind);

/// Whether `bind` may be listened on: unless every client has to give a password
/// or show a certificate (`guarded`), only what is of this machine alone.
/// Errors: `invalid_argument`.
expected<void> check_bind(const std::string& bind, bool guarded);

} // namespace troupe::net
