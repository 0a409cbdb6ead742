#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <iosfwd>
#include <string>
#include <string_view>
#include <vector>

#include <caf/actor_system_config.hpp>

#include <troupe/messages/types/report_function.hpp>
#include <troupe/messages/types/clock.hpp>
#include <troupe/messages/types/defaults.hpp>
#include <troupe/messages/types/error.hpp>
#include <troupe/messages/types/failed_shards.hpp>
#include <troupe/messages/types/options.hpp>

namespace troupe {

/// The options of a runtime, by their names in the group "troupe".
struct runtime_options {
  /// shards: Shards of a region that does not choose; a power of two up to 256,
  /// 0 for 16 per core.
  std::size_t shards = 0;

  /// max-bytes: Limit of what the entries of all regions take together; 0: none,
  /// else at least 64 KiB, and 1 KiB for each shard.
  std::size_t max_bytes = 0;

  /// loader-threads: Threads for blocking loaders and asynchronous updates.
  std::size_t loader_threads = defaults::loader_threads;

  /// loader-queue: Jobs that may wait for such a thread.
  std::size_t loader_queue = defaults::loader_queue;

  /// op-timeout: How long an operation waits for a shard that restarts.
  std::chrono::milliseconds op_timeout = defaults::op_timeout;

  /// load-timeout: How long a loader may run.
  std::chrono::milliseconds load_timeout = defaults::load_timeout;

  /// drain-deadline: How long the end of the runtime waits for loads.
  std::chrono::milliseconds drain_deadline = defaults::drain_deadline;

  /// restart-limit: Crashes within `restart_window` that an actor survives.
  std::uint32_t restart_limit = defaults::restart_limit;

  /// restart-window: See above.
  std::chrono::milliseconds restart_window = defaults::restart_window;

  /// failed-shards: What readers find of a shard that crashed too often: "serve",
  /// what it holds, or "absent", nothing.
  troupe::failed_shards failed_shards = troupe::failed_shards::serve;

  /// Not an option of the command line: is called with what the people who run the
  /// program should know, as that an actor crashed, was restarted or given up. Empty:
  /// the library says nothing. The runtime's end waits for a call that is under way.
  report_function report = {};

  /// Not an option of the command line: tests own time.
  const clock* time = &clock::steady();
};

/// Tells what is wrong with these options: `invalid_argument`.
[[nodiscard]] expected<void> check(const runtime_options& x);

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
  [[nodiscard]] expected<void> check_ini(const std::string& ini,
                                         const std::string& name) const;
  [[nodiscard]] std::vector<std::string> option_names() const;
  [[nodiscard]] std::vector<std::string>
  keys_of(const std::string& section) const;
  [[nodiscard]] expected<void> check_section(const std::string& section,
                                             const caf::settings& values,
                                             const std::string& ini,
                                             const std::string& name) const;
};

} // namespace troupe
