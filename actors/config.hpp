#pragma once

#include <iosfwd>
#include <string>
#include <vector>

#include <caf/actor_system_config.hpp>

#include <troupe/actors/runtime_options.hpp>
#include <troupe/messages/types/error.hpp>
#include <troupe/messages/types/report_function.hpp>

namespace troupe {

/// The options as they are set in a system's configuration, whichever class
/// that is of. What is not set has its default. Errors: `invalid_argument`.
[[nodiscard]] expected<runtime_options>
read_options(const caf::actor_system_config& cfg);

/// CAF's configuration plus ours: knows the options of the group "troupe" on
/// the command line (`--troupe.shards=32`) and in CAF's ini file, our message
/// types and our errors. Programs derive from it and add options of their own.
class config : public caf::actor_system_config {
public:
  /// The file that is read when none is named, if it is there.
  static constexpr const char* default_file = "troupe.ini";

  config();

  /// Becomes `runtime_options::report` of the runtimes that use this. Before them.
  report_function report;

  /// Lets actors of other processes be reached (loads CAF's middleman, which
  /// starts threads of its own).
  config& enable_remote();

  /// Reads the ini file (`troupe.ini` in the current directory, or what
  /// `--config-file` or `ini` name) and the command line over it. Stops at the
  /// first unknown option or section and at the first value that makes no sense:
  /// `invalid_argument`, and says which and what it has to be, in the ini file with
  /// its line. The same when the file cannot be read, when two are named, or when
  /// `troupe.ini` was not named and another user than this process's and root could
  /// have written it: it, or the current directory, belongs to another user, or may be
  /// written by its group or by others. Such a file is not parsed.
  /// `cli_helptext_printed` says that the program should end.
  /// What does not start with a dash is left in `remainder`.
  expected<void> parse(int argc, char** argv, const char* ini = nullptr);

  /// As above, with the ini file's content and the arguments at hand.
  expected<void> parse(std::vector<std::string> args, std::istream& ini);

  /// What `--dump-config` prints: no secrets. The values of options whose name ends
  /// with "password", "passphrase" or "-pass" are replaced by "***".
  caf::settings dump_content() const override;

private:
  void adopt_options();
  [[nodiscard]] expected<void> verdict(const caf::error& failure,
                                       const std::string& ini,
                                       const std::string& name) const;
};

} // namespace troupe
