#include <troupe/actors/config.hpp>

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <cstring>
#include <iterator>
#include <set>
#include <sstream>
#include <string_view>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <caf/config.hpp>
#include <caf/config_option_set.hpp>
#include <caf/io/middleman.hpp>
#include <caf/pec.hpp>
#include <caf/timespan.hpp>

#include <troupe/backends/core/unique_descriptor.hpp>
#include <troupe/messages/caf/type_ids.hpp>
#include <troupe/messages/types/text/suggest.hpp>

namespace troupe {

namespace {

constexpr char group[] = "troupe";

template <class T>
tl::unexpected<error> bad(const char* option, T value, const char* range) {
  return fail(errc::invalid_argument, std::string{group} + "." + option + " is "
                                        + std::to_string(value)
                                        + ", allowed is " + range);
}

expected<void> check_time(const char* option, std::chrono::milliseconds x) {
  if (x.count() <= 0 || x > max_ttl)
    return fail(errc::invalid_argument,
                std::string{group} + "." + option + " is "
                  + std::to_string(x.count())
                  + " ms, allowed is 1 ms to 100 years");
  return {};
}

/// Reads one option; wants the type it was declared with.
template <class T>
expected<void> read(const caf::settings& from, const std::string& option,
                    T& to) {
  auto section = caf::get_if<caf::settings>(&from, group);
  if (!section)
    return {};
  auto i = section->find(option);
  if (i == section->end())
    return {};
  if constexpr (std::is_same_v<T, std::chrono::milliseconds>) {
    if (auto x = caf::get_if<caf::timespan>(&i->second)) {
      to = std::chrono::floor<std::chrono::milliseconds>(*x);
      if (to != *x)
        return fail(errc::invalid_argument,
                    std::string{group} + "." + option + " is "
                      + to_string(i->second)
                      + ", allowed are whole milliseconds");
      return {};
    }
  } else if (auto x = caf::get_if<T>(&i->second)) {
    to = *x;
    return {};
  }
  return fail(errc::invalid_argument,
              std::string{group} + "." + option + " is " + to_string(i->second)
                + ", which is of the wrong type or too large");
}

/// Reads failed-shards.
expected<void> read_failed_shards(const caf::settings& from,
                                  failed_shards& to) {
  std::string text{to_string(to)};
  return read(from, "failed-shards", text).and_then([&]() -> expected<void> {
    for (auto x : {failed_shards::serve, failed_shards::absent})
      if (text == to_string(x)) {
        to = x;
        return {};
      }
    return fail(errc::invalid_argument, std::string{group}
                                          + ".failed-shards is " + text
                                          + ", allowed is serve or absent");
  });
}

/// Options of our group that somebody made up; CAF takes them silently.
expected<void> check_names(const caf::settings& all) {
  static const std::vector<std::string> known{
    "max-bytes",      "shards",       "loader-threads", "loader-queue",
    "op-timeout",     "load-timeout", "drain-deadline", "restart-limit",
    "restart-window", "failed-shards"};
  auto section = caf::get_if<caf::settings>(&all, group);
  if (!section)
    return {};
  for (auto& entry : *section)
    if (std::find(known.begin(), known.end(), entry.first) == known.end())
      return fail(errc::invalid_argument, "unknown option " + std::string{group}
                                            + "." + entry.first
                                            + did_you_mean(entry.first, known));
  return {};
}

constexpr char mask[] = "***";

bool is_secret(std::string_view option) {
  return option.ends_with("password") || option.ends_with("passphrase")
         || option.ends_with("-pass");
}

/// Replaces what nobody should read, however deep it is.
void hide_secrets(caf::settings& all) {
  for (auto& [key, value] : all) {
    if (auto* section = caf::get_if<caf::settings>(&value))
      hide_secrets(*section);
    else if (auto* text = caf::get_if<std::string>(&value);
             is_secret(key) && (text == nullptr || !text->empty()))
      value = caf::config_value{std::string{mask}};
  }
}

/// CAF's name of a type as a person would write a value of it.
std::string expected_type(caf::string_view name) {
  static constexpr std::array<std::pair<std::string_view, const char*>, 5>
    texts{{{"boolean", "true or false"},
           {"bool", "true or false"},
           {"timespan", "a time with a unit (500ms, 10s, 5min)"},
           {"string", "a text between double quotes"},
           {"atom", "a word between single quotes"}}};
  const std::string_view type{name.data(), name.size()};
  for (const auto& [known, text] : texts)
    if (type == known)
      return text;
  if (type.find("int") != type.npos)
    return "a whole number (" + std::string{type} + ")";
  return "of the type " + std::string{type};
}

/// Where an ini file names a section, or a key in it: "line 3 of server.ini".
std::string place_of(std::string_view ini, std::string_view section,
                     std::string_view key, const std::string& name) {
  const auto trimmed = [](std::string_view x) {
    const auto* blanks = " \t\r";
    const auto first = x.find_first_not_of(blanks);
    return first == x.npos
             ? std::string_view{}
             : x.substr(first, x.find_last_not_of(blanks) - first + 1);
  };
  auto inside = false;
  for (std::size_t line = 1; !ini.empty(); ++line) {
    const auto end = std::min(ini.find('\n'), ini.size());
    const auto text = trimmed(ini.substr(0, end));
    ini.remove_prefix(std::min(end + 1, ini.size()));
    if (text.starts_with('['))
      inside = trimmed(text.substr(1, text.find(']') - 1)) == section;
    const auto found = key.empty()
                         ? text.starts_with('[')
                         : trimmed(text.substr(0, text.find('='))) == key;
    if (inside && found)
      return "line " + std::to_string(line) + " of " + name;
  }
  return name;
}

/// The ini file, and whether its user has chosen it.
struct ini_choice {
  std::string path = config::default_file;
  bool is_named = false;
};

tl::unexpected<error> cannot_read(const std::string& path,
                                  const std::string& why) {
  return fail(errc::invalid_argument, "cannot read " + path + ": " + why);
}

/// Why another user could have written this file or directory; empty: none could.
std::string distrust(const struct stat& found) {
  if (found.st_uid != ::geteuid() && found.st_uid != 0)
    return "belongs to the user with id " + std::to_string(found.st_uid);
  if ((found.st_mode & (S_IWGRP | S_IWOTH)) != 0)
    return "may be written by other users";
  return {};
}

/// A file that nobody named is read only where no other user could have put it.
expected<void> check_trust(const std::string& path, const struct stat& file) {
  struct stat folder {};
  if (::stat(".", &folder) != 0)
    return cannot_read(path, std::strerror(errno));
  auto why = distrust(folder);
  if (!why.empty())
    why = "lies in a directory that " + why;
  else
    why = distrust(file);
  if (why.empty())
    return {};
  return fail(errc::invalid_argument,
              path + " " + why
                + "; if you trust it, name it with --config-file=" + path);
}

/// The content of the ini file; empty when there is none and none was named.
expected<std::string> read_ini(const ini_choice& from) {
  // To open a FIFO would wait for its writer.
  const unique_descriptor file{
    ::open(from.path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)};
  if (file.get() < 0) {
    if (errno == ENOENT && !from.is_named)
      return std::string{};
    return cannot_read(from.path, std::strerror(errno));
  }
  struct stat found {};
  if (::fstat(file.get(), &found) != 0)
    return cannot_read(from.path, std::strerror(errno));
  if (S_ISDIR(found.st_mode))
    return cannot_read(from.path, "it is a directory");
  // A device may have no end.
  if (!S_ISREG(found.st_mode) && from.path != "/dev/null")
    return cannot_read(from.path, "it is not a regular file");
  if (!from.is_named)
    if (auto ok = check_trust(from.path, found); !ok)
      return tl::unexpected{std::move(ok.error())};
  std::string result;
  std::array<char, 4096> part{};
  for (;;) {
    const auto count = ::read(file.get(), part.data(), part.size());
    if (count == 0)
      return result;
    if (count < 0 && errno != EINTR)
      return cannot_read(from.path, std::strerror(errno));
    if (count > 0)
      result.append(part.data(), static_cast<std::size_t>(count));
  }
}

/// An argument that names no option, and what was perhaps meant. `known` are the names
/// that may follow "--".
std::string unknown_argument(const std::string& argument,
                             const std::vector<std::string>& known) {
  auto result = "unknown option " + argument;
  const auto start = argument.find_first_not_of('-');
  if (start == argument.npos)
    return result;
  const auto name = argument.substr(start, argument.find('=') - start);
  const auto meant = nearest(name, known);
  return meant.empty() ? result : result + "; did you mean '--" + meant + "'?";
}

/// The file that the command line names, or the default. CAF knows the option also
/// with "caf#" before its name, takes the first of several, and does not stop at "--".
expected<ini_choice> chosen_file(const std::vector<std::string>& args,
                                 const char* ini) {
  constexpr std::string_view option = "config-file";
  ini_choice result;
  if (ini != nullptr)
    result = {ini, true};
  std::size_t count = 0;
  for (std::string_view word : args) {
    if (word == "--")
      break;
    if (!word.starts_with("--"))
      continue;
    word.remove_prefix(2);
    if (word.starts_with("caf#"))
      word.remove_prefix(4);
    if (!word.starts_with(option))
      continue;
    word.remove_prefix(option.size());
    if (!word.empty() && word.front() != '=')
      continue;
    if (word.size() < 2)
      return fail(errc::invalid_argument,
                  "--config-file names no file; write --config-file=FILE");
    if (++count > 1)
      return fail(errc::invalid_argument, "--config-file names a second file, "
                                            + std::string{word.substr(1)}
                                            + "; only one is read");
    result = {std::string{word.substr(1)}, true};
  }
  return result;
}

/// Whether the user wants to read about the options, whatever the file says.
bool asks_for_help(const std::vector<std::string>& args) {
  return std::any_of(args.begin(), args.end(), [](const std::string& x) {
    return x == "-h" || x == "-?" || x == "--help" || x == "--long-help";
  });
}

constexpr char no_automatic_connections[]
  = "middleman.enable-automatic-connections would open a port of CAF's network "
    "protocol, which ends the process on 32 bytes of any stranger; leave it "
    "out, and use runtime::publish or the console's options";

constexpr char logger_group[] = "logger";

/// Whether CAF has been built with its logger; Debian's has not.
constexpr bool has_logger = CAF_LOG_LEVEL != CAF_LOG_LEVEL_QUIET;

constexpr char no_logger[]
  = " does nothing, as this CAF is built without its logger; leave it out";

/// What CAF's parser stumbled over: an argument, or a place in the ini file.
std::string describe(const caf::error& failure, const std::string& name,
                     const std::vector<std::string>& known) {
  auto code = static_cast<caf::pec>(failure.code());
  auto& context = failure.context();
  if (context.match_elements<caf::settings>()) {
    auto& where = context.get_as<caf::settings>(0);
    auto argument = caf::get_or(where, "argument", std::string{});
    if (!argument.empty() && !has_logger && argument.starts_with("--logger."))
      return argument + no_logger;
    if (!argument.empty())
      return code == caf::pec::not_an_option
               ? unknown_argument(argument, known)
               : "bad value in " + argument + " (" + to_string(code) + ")";
    auto line = caf::get_or(where, "line", std::int64_t{0});
    auto column = caf::get_or(where, "column", std::int64_t{0});
    return "line " + std::to_string(line) + ", column " + std::to_string(column)
           + " of " + name + ": " + to_string(code);
  }
  return caf::actor_system_config::render(failure);
}

} // namespace

expected<void> check(const runtime_options& x) {
  if (x.shards != 0
      && (!std::has_single_bit(x.shards) || x.shards > defaults::max_shards))
    return bad("shards", x.shards,
               "a power of two up to 256, or 0 for 16 per core");
  if (x.max_bytes != 0 && x.max_bytes < defaults::least_max_bytes)
    return bad("max-bytes", x.max_bytes, "0 (none), or 65536 and more");
  if (x.loader_threads == 0 || x.loader_threads > 4096)
    return bad("loader-threads", x.loader_threads, "1 to 4096");
  if (x.loader_queue == 0)
    return bad("loader-queue", x.loader_queue, "1 or more");
  for (auto [option, time] : {std::pair{"op-timeout", x.op_timeout},
                              std::pair{"load-timeout", x.load_timeout},
                              std::pair{"drain-deadline", x.drain_deadline},
                              std::pair{"restart-window", x.restart_window}})
    if (auto ok = check_time(option, time); !ok)
      return ok;
  return {};
}

expected<runtime_options> read_options(const caf::actor_system_config& cfg) {
  runtime_options result;
  if (const auto* ours = dynamic_cast<const config*>(&cfg))
    result.report = ours->report;
  auto& from = caf::content(cfg);
  auto ok
    = check_names(from)
        .and_then([&]() -> expected<void> {
          if (caf::get_or(cfg, "middleman.enable-automatic-connections", false))
            return fail(errc::invalid_argument, no_automatic_connections);
          return {};
        })
        .and_then([&] { return read(from, "shards", result.shards); })
        .and_then([&] { return read(from, "max-bytes", result.max_bytes); })
        .and_then(
          [&] { return read(from, "loader-threads", result.loader_threads); })
        .and_then(
          [&] { return read(from, "loader-queue", result.loader_queue); })
        .and_then([&] { return read(from, "op-timeout", result.op_timeout); })
        .and_then(
          [&] { return read(from, "load-timeout", result.load_timeout); })
        .and_then(
          [&] { return read(from, "drain-deadline", result.drain_deadline); })
        .and_then(
          [&] { return read(from, "restart-limit", result.restart_limit); })
        .and_then(
          [&] { return read(from, "restart-window", result.restart_window); })
        .and_then(
          [&] { return read_failed_shards(from, result.failed_shards); })
        .and_then([&] { return check(result); });
  if (!ok)
    return tl::unexpected{std::move(ok.error())};
  return result;
}

config::config() {
  config_file_path = default_file;
  adopt_options();
  troupe::add_message_types(*this);
  opt_group{custom_options_, group}
    .add<std::size_t>("shards", "shards per region, a power of two up to 256 "
                                "(default: 0, i.e. 16 per core)")
    .add<std::size_t>("max-bytes",
                      "limit of what all entries take together, in "
                      "bytes (default: 0, i.e. none)")
    .add<std::size_t>("loader-threads",
                      "threads for blocking loaders (default: 64)")
    .add<std::size_t>("loader-queue",
                      "loads that wait for such a thread (default: 16384)")
    .add<caf::timespan>("op-timeout", "how long an operation waits for a shard "
                                      "that restarts (default: 1s)")
    .add<caf::timespan>("load-timeout",
                        "how long a loader may run (default: 30s)")
    .add<caf::timespan>("drain-deadline", "how long the end waits for loads in "
                                          "flight (default: 10s)")
    .add<std::uint32_t>("restart-limit", "crashes within the restart window "
                                         "that an actor survives (default: 5)")
    .add<caf::timespan>("restart-window", "see restart-limit (default: 10s)")
    .add<std::string>("failed-shards",
                      "what readers find of a shard that crashed more often: "
                      "serve (what it holds) or absent (nothing) "
                      "(default: serve)");
}

/// CAF's options, but for those that do nothing here, and with our default file.
void config::adopt_options() {
  caf::config_option_set kept;
  kept.add<std::string>(config_file_path, "config-file",
                        "set config file (default: troupe.ini)");
  for (const auto& x : custom_options_)
    if (x.long_name() != "config-file"
        && (has_logger || x.category() != logger_group))
      kept.add(x);
  custom_options_ = std::move(kept);
}

caf::settings config::dump_content() const {
  auto result = caf::actor_system_config::dump_content();
  if (!has_logger)
    result.container().erase(logger_group);
  hide_secrets(result);
  return result;
}

config& config::enable_remote() {
  load<caf::io::middleman>();
  return *this;
}

expected<void> config::parse(int argc, char** argv, const char* ini) {
  std::vector<std::string> args{argv + std::min(argc, 1), argv + argc};
  const auto chosen = chosen_file(args, ini);
  if (!chosen)
    return tl::unexpected{chosen.error()};
  // CAF would parse a file before its content can be looked at, and take one that it
  // cannot read for an empty one.
  const auto text = read_ini(*chosen);
  if (!text && !asks_for_help(args))
    return tl::unexpected{text.error()};
  const auto whole = text.value_or(std::string{});
  std::istringstream file{whole};
  const auto failure = caf::actor_system_config::parse(std::move(args), file);
  // Whatever the file says about itself.
  config_file_path = chosen->path;
  return verdict(failure, whole, config_file_path);
}

expected<void> config::parse(std::vector<std::string> args, std::istream& ini) {
  const std::string whole{std::istreambuf_iterator<char>{ini}, {}};
  std::istringstream again{whole};
  return verdict(caf::actor_system_config::parse(std::move(args), again), whole,
                 "the ini file");
}

expected<void> config::verdict(const caf::error& failure,
                               const std::string& ini,
                               const std::string& name) const {
  if (!failure)
    return check_ini(ini, name).and_then(
      [&] { return read_options(*this).map([](const runtime_options&) {}); });
  if (failure.category() == caf::atom("parser"))
    return fail(errc::invalid_argument,
                describe(failure, name, option_names()));
  return fail(errc::invalid_argument, render(failure));
}

/// The long names of all options, as they follow "--" on the command line.
std::vector<std::string> config::option_names() const {
  std::vector<std::string> result;
  for (auto& x : custom_options_) {
    const auto name = x.has_flat_cli_name() ? x.long_name() : x.full_name();
    result.emplace_back(name.data(), name.size());
  }
  return result;
}

/// CAF skips what it does not know in an ini file, and values of a wrong type.
/// Looks at the bare content once more.
expected<void> config::check_ini(const std::string& ini,
                                 const std::string& name) const {
  std::istringstream file{ini};
  auto bare = parse_config(file);
  if (!bare)
    return {};
  for (auto& [section, entries] : *bare) {
    const auto* values = caf::get_if<caf::settings>(&entries);
    if (values == nullptr)
      return fail(errc::invalid_argument,
                  section + " stands in no section of " + name
                    + "; options stand below one, as [troupe]");
    if (auto ok = check_section(section, *values, ini, name); !ok)
      return ok;
  }
  return {};
}

std::vector<std::string> config::keys_of(const std::string& section) const {
  std::vector<std::string> result;
  for (auto& x : custom_options_)
    if (section == std::string_view{x.category().data(), x.category().size()})
      result.emplace_back(x.long_name().data(), x.long_name().size());
  return result;
}

expected<void>
config::check_section(const std::string& section, const caf::settings& values,
                      const std::string& ini, const std::string& name) const {
  std::set<std::string> known;
  for (auto& x : custom_options_)
    known.emplace(x.category().data(), x.category().size());
  if (!has_logger && section == logger_group)
    return fail(errc::invalid_argument, "[" + section + "] in "
                                          + place_of(ini, section, {}, name)
                                          + no_logger);
  if (!known.contains(section)) {
    std::string all;
    for (auto& x : known)
      all.append(all.empty() ? "" : ", ").append(x);
    return fail(errc::invalid_argument,
                "unknown section [" + section + "] in "
                  + place_of(ini, section, {}, name)
                  + did_you_mean(section, {known.begin(), known.end()})
                  + "; there are " + all);
  }
  for (auto& [key, value] : values) {
    auto option = custom_options_.qualified_name_lookup(section, key);
    if (option == nullptr)
      return fail(errc::invalid_argument,
                  "unknown option " + section + "." + key + " in "
                    + place_of(ini, section, key, name)
                    + did_you_mean(key, keys_of(section)));
    if (option->check(value))
      return fail(errc::invalid_argument,
                  section + "." + key + " is "
                    + (is_secret(key) ? mask : to_string(value)) + " in "
                    + place_of(ini, section, key, name) + ", but must be "
                    + expected_type(option->type_name()));
  }
  return {};
}

} // namespace troupe
