#pragma once

#include <functional>
#include <iosfwd>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <caf/actor_system_config.hpp>

#include <troupe/actors/runtime_options.hpp>
#include <troupe/messages/types/error.hpp>
#include <troupe/messages/types/report_function.hpp>
#include <troupe/messages/types/settings/option.hpp>

namespace troupe {

/// Reads the options from a system's configuration of any class. Options that are not
/// set have their defaults. Errors: `invalid_argument`.
[[nodiscard]] expected<runtime_options>
read_options(const caf::actor_system_config& cfg);

/// CAF's configuration with Troupe's additions: the options of the group "troupe" on
/// the command line (`--troupe.shards=32`) and in the ini file, Troupe's message types
/// and its errors. Programs derive from it and add their own options, by `add` or by
/// CAF's `opt_group`.
class config : public caf::actor_system_config {
public:
  /// The ini file that is read when none is named, if it exists.
  static constexpr const char* default_file = "troupe.ini";

  config();

  /// An option may refer to this object.
  config(const config&) = delete;
  config& operator=(const config&) = delete;

  /// Becomes `runtime_options::report` of the runtimes that use this configuration. Set
  /// it before they are made.
  report_function report;

  /// Makes actors reachable from other processes (loads CAF's middleman, which starts
  /// its own threads).
  config& enable_remote();

  /// Adds an option. Its `take` is called with each value that the file and the command
  /// line give it, the latest last, but not with its default. Before `parse`.
  config& add(settings::option x);

  /// All options: the added ones, CAF's and those of the runtime.
  [[nodiscard]] std::vector<settings::option> options();

  /// The texts that --help prints above and below the options; empty: a usage line.
  config& describe(std::string usage, std::string examples);

  /// The output of --help, or with `all` that of --long-help; at most 100 columns wide.
  [[nodiscard]] std::string help_text(bool all);

  /// Reads the ini file (`troupe.ini` in the current directory, or the file that
  /// `--config-file` or `ini` names), then the command line, which overrides it; see
  /// messages/types/settings for their syntax. Stops at the first unknown option or
  /// section and at the first value that is not allowed: `invalid_argument`, whose text
  /// names the option, the value, the allowed values, and for the ini file the line.
  /// Also `invalid_argument`: the file cannot be read; two files are named; or
  /// `troupe.ini` was not named, and a user other than this process's and root could
  /// have written it: the file or the current directory belongs to another user, or its
  /// group or others may write it. Such a file is not parsed. Prints the output of
  /// --help, --long-help and --dump-config on the standard output; then
  /// `cli_helptext_printed` is true, and the program should end. Arguments that name no
  /// option are left in `remainder`.
  expected<void> parse(int argc, char** argv, const char* ini = nullptr);

  /// The same with the content of the ini file and the arguments given.
  expected<void> parse(std::vector<std::string> args, std::istream& ini);

  /// The present content without secrets: the values of options whose name ends with
  /// "password", "passphrase" or "-pass" are replaced by "***".
  caf::settings dump_content() const override;

private:
  enum class page { none, help, long_help, dump };

  void adopt_options();
  void add_general(const char* name, char letter, const char* help, page shown);
  [[nodiscard]] std::string
  dump_text(const std::vector<settings::option>& options) const;
  [[nodiscard]] expected<settings::command_line>
  read_arguments(std::vector<std::string> args,
                 const std::vector<settings::option>& options) const;
  expected<void> take(const settings::option& to, std::string_view text,
                      const std::string& where);
  expected<void> take_file(const std::vector<settings::option>& options,
                           const std::string& text, const std::string& name);
  expected<void> take_all(const std::vector<settings::option>& options,
                          settings::command_line line,
                          const std::string& file_text,
                          const std::string& file_name);
  void print(const std::vector<settings::option>& options);

  std::vector<settings::option> own_;
  std::map<std::string, std::string, std::less<>> given_; ///< By `long_name`.
  std::string program_ = "PROGRAM";
  std::string usage_;
  std::string examples_;
  page asked_ = page::none;
};

} // namespace troupe
