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

/// The options as they are set in a system's configuration, whichever class
/// that is of. What is not set has its default. Errors: `invalid_argument`.
[[nodiscard]] expected<runtime_options>
read_options(const caf::actor_system_config& cfg);

/// CAF's configuration plus ours: knows the options of the group "troupe" on
/// the command line (`--troupe.shards=32`) and in the ini file, our message
/// types and our errors. Programs derive from it and add options of their own, by `add` or
/// by CAF's `opt_group`.
class config : public caf::actor_system_config {
public:
  /// The file that is read when none is named, if it is there.
  static constexpr const char* default_file = "troupe.ini";

  config();

  /// An option may refer to this object.
  config(const config&) = delete;
  config& operator=(const config&) = delete;

  /// Becomes `runtime_options::report` of the runtimes that use this. Before them.
  report_function report;

  /// Lets actors of other processes be reached (loads CAF's middleman, which
  /// starts threads of its own).
  config& enable_remote();

  /// Adds an option. Its `take` is called with each value that the file and the command
  /// line give it, the later one last, but not with its default. Before `parse`.
  config& add(settings::option x);

  /// All options: those added, CAF's and those of the runtime.
  [[nodiscard]] std::vector<settings::option> options();

  /// What --help prints above and below the options; empty: a usage line.
  config& describe(std::string usage, std::string examples);

  /// What --help prints, with `all` what --long-help prints. Up to 100 columns.
  [[nodiscard]] std::string help_text(bool all);

  /// Reads the ini file (`troupe.ini` in the current directory, or what
  /// `--config-file` or `ini` name) and the command line over it; how they read, see
  /// messages/types/settings. Stops at the first unknown option or section and at the
  /// first value that is not allowed: `invalid_argument`, with the option, the value, what
  /// is allowed, and in the ini file the line. The same when the file cannot be read,
  /// when two are named, or when
  /// `troupe.ini` was not named and another user than this process's and root could
  /// have written it: it, or the current directory, belongs to another user, or may be
  /// written by its group or by others. Such a file is not parsed.
  /// Prints what --help, --long-help and --dump-config ask for on the standard output;
  /// `cli_helptext_printed` says that the program should end then.
  /// What names no option is left in `remainder`.
  expected<void> parse(int argc, char** argv, const char* ini = nullptr);

  /// As above, with the ini file's content and the arguments at hand.
  expected<void> parse(std::vector<std::string> args, std::istream& ini);

  /// The present content without secrets: the values of options whose name ends
  /// with "password", "passphrase" or "-pass" are replaced by "***".
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
