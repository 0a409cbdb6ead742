#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include <troupe/messages/types/error.hpp>

namespace troupe::console {

/// What can be said on the command line of troupe-console.
struct options {
  std::string host = "127.0.0.1";
  std::uint16_t port = 6381;
  std::chrono::milliseconds timeout{2'000};
  std::vector<std::string> lines; ///< Of commands (-c), in order.
  bool json = false;
  bool yes = false; ///< Asks nothing back.
  bool help = false;
};

/// Reads the arguments after the program's name.
/// Errors: `invalid_argument`, with what to write instead.
[[nodiscard]] expected<options>
parse_options(const std::vector<std::string>& arguments);

/// What `--help` prints.
[[nodiscard]] std::string help_text();

} // namespace troupe::console
