#pragma once

#include <iosfwd>
#include <memory>
#include <string>
#include <vector>

#include <troupe/actors/config.hpp>
#include <troupe/messages/types/error.hpp>

#include "apps/server/options/option_table.hpp"

namespace troupe::server {

/// The options of troupe-server: `--port=N` on the command line, `port=N` below
/// `[server]` in the configuration file, and those of the runtime and of CAF.
class server_config : public config {
public:
  /// With the options of `table`; nullptr: the standard ones.
  explicit server_config(std::shared_ptr<const option_table> table = nullptr);

  /// Reads the file (troupe.ini in the current directory, unless
  /// `--config-file` names another) and the command line over it. Errors:
  /// `invalid_argument`, naming the option and what it allows.
  expected<void> parse(int argc, char** argv);

  /// As above, with the file's content and the arguments at hand.
  expected<void> parse(std::vector<std::string> args, std::istream& file);

  /// Whether the user wants to know the version, and nothing else.
  [[nodiscard]] bool asks_for_version() const noexcept {
    return wants_version_;
  }

  /// Whether the user wants the tables of docs/configuration.md, and nothing else.
  [[nodiscard]] bool asks_for_tables() const noexcept {
    return wants_tables_;
  }

  /// Those tables: the options of the server and of the runtime, in Markdown.
  [[nodiscard]] std::string tables();

  /// What the options mean. Errors: those of `finished`.
  [[nodiscard]] expected<server_settings> settings() const {
    return finished(settings_);
  }

private:
  void add_row(const server_option& x);
  void add_questions();
  [[nodiscard]] expected<void> check_names() const;

  server_settings settings_;
  bool wants_version_ = false;
  bool wants_tables_ = false;
};

} // namespace troupe::server
