#pragma once

#include <optional>

#include <troupe/messages/types/bytes.hpp>
#include <troupe/messages/types/options.hpp>

#include "apps/resp/arguments.hpp"
#include "apps/server/commands/expiry.hpp"

namespace troupe::server {

/// The options that SET and GETEX have behind the key and the value.
struct value_options {
  write_condition condition = write_condition::always; ///< NX, XX
  /// IFEQ: only when the key has this value. Without `condition`.
  std::optional<bytes_view> equal_to = std::nullopt;
  bool reply_old = false;                         ///< GET
  bool keep_ttl = false;                          ///< KEEPTTL
  bool persist = false;                           ///< PERSIST
  std::optional<expiry_unit> unit = std::nullopt; ///< EX, PX, EXAT, PXAT
  bytes_view moment = {};                         ///< The word behind it.
};

/// Reads the options of SET; nothing when that is a syntax error. The rules,
/// e.g. that EX may be repeated but not combined with PX, are those of Redis; IFEQ is
/// that of Valkey.
std::optional<value_options> parse_set_options(resp::arguments words);

/// The same for GETEX.
std::optional<value_options> parse_getex_options(resp::arguments words);

} // namespace troupe::server
