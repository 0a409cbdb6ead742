#pragma once

#include <iosfwd>
#include <string>
#include <vector>

#include <caf/actor_system_config.hpp>

#include <troupe/actors/runtime_options.hpp>
#include <troupe/messages/types/error.hpp>
#include <troupe/messages/types/report_function.hpp>

namespace troupe {

/// Reads the options from a system's configuration of any class. Options that are not
/// set have their defaults. Errors: `invalid_argument`.
[[nodiscard]] expected<runtime_options>
read_options(const caf::actor_system_config& cfg);

/// CAF's configuration with Troupe's additions: the options of the group "troupe" on
/// the command line (`--troupe.shards=32`) and in CAF's ini file, Troupe's message
/// types and its errors. Programs derive from it and add their own options.
class config : public caf::actor_system_config {
public:
  /// The ini file that is read when none is named, if it exists.
  static constexpr const char* default_file = "troupe.ini";

  config();

  /// Becomes `runtime_options::report` of the runtimes that use this configuration. Set
  /// it before they are made.
  report_function report;

  /// Makes actors reachable from other processes (loads CAF's middleman, which starts
  /// its own threads).
  config& enable_remote();

  /// Reads the ini file (`troupe.ini` in the current directory, or the file that
  /// `--config-file` or `ini` names), then the command line, which overrides it. Stops
  /// at the first unknown option or section and at the first invalid value:
  /// `invalid_argument`, whose text names it and the expected form, and for the ini
  /// file its line. Also `invalid_argument`: the file cannot be read; two files are
  /// named; or `troupe.ini` was not named, and a user other than this process's and
  /// root could have written it: the file or the current directory belongs to another
  /// user, or its group or others may write it. Such a file is not parsed. When
  /// `cli_helptext_printed` is true, the program should end. Arguments that do not
  /// start with a dash are left in `remainder`.
  expected<void> parse(int argc, char** argv, const char* ini = nullptr);

  /// The same with the content of the ini file and the arguments given.
  expected<void> parse(std::vector<std::string> args, std::istream& ini);

  /// The output of `--dump-config`, without secrets: the values of options whose name
  /// ends with "password", "passphrase" or "-pass" are replaced by "***".
  caf::settings dump_content() const override;

private:
  void adopt_options();
  [[nodiscard]] expected<void> verdict(const caf::error& failure,
                                       const std::string& ini,
                                       const std::string& name) const;
};

} // namespace troupe
