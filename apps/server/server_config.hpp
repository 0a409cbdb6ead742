#pragma once

#include <iosfwd>
#include <string>
#include <vector>

#include <troupe/actors/config.hpp>
#include <troupe/messages/types/error.hpp>

#include "apps/server/option_values.hpp"
#include "apps/server/server_settings.hpp"

namespace troupe::server {

/// The options of troupe-server: `--port=N` on the command line, `port=N` below
/// `[server]` in the configuration file, and those of the runtime and of CAF.
class server_config : public config {
public:
  server_config();

  /// Reads the file (troupe.ini in the current directory, unless
  /// `--config-file` names another) and the command line over it. Errors:
  /// `invalid_argument`, naming the option and what it allows.
  expected<void> parse(int argc, char** argv);

  /// As above, with the file's content and the arguments at hand.
  expected<void> parse(std::vector<std::string> args, std::istream& file);

  /// Whether the user wants to know the version, and nothing else.
  [[nodiscard]] bool asks_for_version() const noexcept {
    return given_.version;
  }

  /// The checked options. Errors: those of `settings_from`.
  [[nodiscard]] expected<server_settings> settings() const {
    return settings_from(given_);
  }

private:
  [[nodiscard]] expected<void> check_names() const;

  option_values given_;
};

} // namespace troupe::server
