#include <troupe/actors/config.hpp>

#include <algorithm>
#include <array>
#include <bit>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string_view>
#include <utility>

#include <caf/io/middleman.hpp>
#include <caf/pec.hpp>
#include <caf/timespan.hpp>

#include <troupe/messages/type_ids.hpp>

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
      to = std::chrono::ceil<std::chrono::milliseconds>(*x);
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

/// Options of our group that somebody made up; CAF takes them silently.
expected<void> check_names(const caf::settings& all) {
  static constexpr std::array<std::string_view, 9> known{
    "max-bytes",      "shards",        "loader-threads",
    "loader-queue",   "op-timeout",    "load-timeout",
    "drain-deadline", "restart-limit", "restart-window"};
  auto section = caf::get_if<caf::settings>(&all, group);
  if (!section)
    return {};
  for (auto& entry : *section)
    if (std::find(known.begin(), known.end(), entry.first) == known.end())
      return fail(errc::invalid_argument,
                  "unknown option " + std::string{group} + "." + entry.first);
  return {};
}

constexpr char mask[] = "***";

bool is_secret(std::string_view option) {
  return option == "password" || option == "passphrase"
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

/// What CAF's parser stumbled over: an argument, or a place in the ini file.
std::string describe(const caf::error& failure) {
  auto code = static_cast<caf::pec>(failure.code());
  auto& context = failure.context();
  if (context.match_elements<caf::settings>()) {
    auto& where = context.get_as<caf::settings>(0);
    auto argument = caf::get_or(where, "argument", std::string{});
    if (!argument.empty())
      return code == caf::pec::not_an_option
               ? "unknown option " + argument
               : "bad value in " + argument + " (" + to_string(code) + ")";
    auto line = caf::get_or(where, "line", std::int64_t{0});
    auto column = caf::get_or(where, "column", std::int64_t{0});
    return "line " + std::to_string(line) + ", column " + std::to_string(column)
           + " of the ini file: " + to_string(code);
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
  auto& from = caf::content(cfg);
  auto ok
    = check_names(from)
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
        .and_then([&] { return check(result); });
  if (!ok)
    return tl::unexpected{std::move(ok.error())};
  return result;
}

config::config() {
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
    .add<caf::timespan>("restart-window", "see restart-limit (default: 10s)");
}

caf::settings config::dump_content() const {
  auto result = caf::actor_system_config::dump_content();
  hide_secrets(result);
  return result;
}

config& config::enable_remote() {
  load<caf::io::middleman>();
  return *this;
}

expected<void> config::parse(int argc, char** argv, const char* ini) {
  auto failure = caf::actor_system_config::parse(argc, argv, ini);
  std::ifstream file{config_file_path};
  return verdict(failure, file);
}

expected<void> config::parse(std::vector<std::string> args, std::istream& ini) {
  std::string whole{std::istreambuf_iterator<char>{ini}, {}};
  std::istringstream first{whole};
  std::istringstream second{whole};
  return verdict(caf::actor_system_config::parse(std::move(args), first),
                 second);
}

expected<void> config::verdict(const caf::error& failure,
                               std::istream& ini) const {
  if (!failure)
    return check_ini(ini).and_then(
      [&] { return read_options(*this).map([](const runtime_options&) {}); });
  if (failure.category() == caf::atom("parser"))
    return fail(errc::invalid_argument, describe(failure));
  return fail(errc::invalid_argument, render(failure));
}

/// CAF skips what it does not know in an ini file, and values of a wrong type.
/// Looks at the bare content once more.
expected<void> config::check_ini(std::istream& ini) const {
  auto bare = parse_config(ini);
  if (!bare)
    return {};
  for (auto& [section, entries] : *bare) {
    auto known = std::any_of(
      custom_options_.begin(), custom_options_.end(),
      [&, name = &section](auto& x) { return x.category() == *name; });
    auto values = caf::get_if<caf::settings>(&entries);
    if (!known || !values)
      continue;
    for (auto& [key, value] : *values) {
      auto option = custom_options_.qualified_name_lookup(section, key);
      if (option == nullptr)
        return fail(errc::invalid_argument, "unknown option " + section + "."
                                              + key + " in the ini file");
      if (option->check(value))
        return fail(errc::invalid_argument,
                    section + "." + key + " is "
                      + (is_secret(key) ? mask : to_string(value))
                      + " in the ini file, but must be "
                      + expected_type(option->type_name()));
    }
  }
  return {};
}

} // namespace troupe
