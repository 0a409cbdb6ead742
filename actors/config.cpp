#include <troupe/actors/config.hpp>

#include <algorithm>
#include <iterator>
#include <sstream>
#include <string_view>
#include <utility>

#include <troupe/actors/detail/ini_source.hpp>
#include <troupe/actors/detail/runtime_option_list.hpp>
#include <troupe/actors/shell/detail/config/ini_check.hpp>
#include <troupe/actors/shell/detail/config/logger_options.hpp>
#include <troupe/actors/shell/detail/config/option_access.hpp>
#include <troupe/actors/shell/detail/config/parse_failure.hpp>
#include <troupe/actors/shell/detail/config/remoting.hpp>
#include <troupe/actors/shell/detail/config/secrets.hpp>
#include <troupe/messages/caf/type_ids.hpp>

namespace troupe {

namespace {

constexpr auto& option_group = runtime_options::group;

constexpr char no_automatic_connections[]
  = "middleman.enable-automatic-connections would open a port of CAF's network "
    "protocol, which ends the process on 32 bytes of any stranger; leave it "
    "out, and use runtime::publish or the console's options";

template <class T>
void declare(caf::config_option_set& to, const char* name, T runtime_options::*,
             const char* help) {
  detail::declare_option<T>(to, option_group, name, help);
}

/// It is set by a word.
void declare(caf::config_option_set& to, const char* name,
             failed_shards runtime_options::*, const char* help) {
  detail::declare_option<std::string>(to, option_group, name, help);
}

template <class T>
expected<void> read(const caf::settings& from, const char* name, T& to) {
  return detail::read_option(from, option_group, name, to);
}

expected<void> read(const caf::settings& from, const char* name,
                    failed_shards& to) {
  std::string text{to_string(to)};
  return read(from, name, text).and_then([&]() -> expected<void> {
    for (auto x : {failed_shards::serve, failed_shards::absent})
      if (text == to_string(x)) {
        to = x;
        return {};
      }
    return fail(errc::invalid_argument, std::string{option_group} + "." + name
                                          + " is " + text
                                          + ", allowed is serve or absent");
  });
}

expected<void> check_names(const caf::settings& all) {
  std::vector<std::string> known;
  detail::for_each_runtime_option(
    [&](const char* name, auto, const char*) { known.emplace_back(name); });
  return detail::check_option_names(all, option_group, known);
}

expected<void> check_connections(const caf::actor_system_config& cfg) {
  if (caf::get_or(cfg, "middleman.enable-automatic-connections", false))
    return fail(errc::invalid_argument, no_automatic_connections);
  return {};
}

} // namespace

expected<runtime_options> read_options(const caf::actor_system_config& cfg) {
  runtime_options result;
  if (const auto* ours = dynamic_cast<const config*>(&cfg))
    result.report = ours->report;
  const auto& from = caf::content(cfg);
  auto ok = check_names(from).and_then([&] { return check_connections(cfg); });
  detail::for_each_runtime_option(
    [&](const char* name, auto member, const char*) {
      if (ok)
        ok = read(from, name, result.*member);
    });
  if (ok)
    ok = check(result);
  if (!ok)
    return tl::unexpected{std::move(ok.error())};
  return result;
}

config::config() {
  config_file_path = default_file;
  adopt_options();
  troupe::add_message_types(*this);
  detail::for_each_runtime_option(
    [this](const char* name, auto member, const char* help) {
      declare(custom_options_, name, member, help);
    });
}

/// Adopts CAF's options, except those without effect here, and with Troupe's default
/// file.
void config::adopt_options() {
  caf::config_option_set kept;
  kept.add<std::string>(config_file_path, "config-file",
                        "set config file (default: troupe.ini)");
  for (const auto& x : custom_options_)
    if (x.long_name() != "config-file"
        && (detail::has_logger || x.category() != detail::logger_group))
      kept.add(x);
  custom_options_ = std::move(kept);
}

caf::settings config::dump_content() const {
  auto result = caf::actor_system_config::dump_content();
  if (!detail::has_logger)
    result.container().erase(detail::logger_group);
  detail::hide_secrets(result);
  return result;
}

config& config::enable_remote() {
  detail::load_middleman(*this);
  return *this;
}

expected<void> config::parse(int argc, char** argv, const char* ini) {
  std::vector<std::string> args{argv + std::min(argc, 1), argv + argc};
  const auto chosen = detail::chosen_file(args, ini, default_file);
  if (!chosen)
    return tl::unexpected{chosen.error()};
  // CAF would parse a file before its content can be checked, and treat an unreadable
  // file as an empty one.
  const auto text = detail::read_ini(*chosen);
  if (!text && !detail::asks_for_help(args))
    return tl::unexpected{text.error()};
  const auto whole = text.value_or(std::string{});
  std::istringstream file{whole};
  const auto failure = caf::actor_system_config::parse(std::move(args), file);
  // Overrides the file's own setting.
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
  if (failure)
    return tl::unexpected{
      detail::explain_failure(failure, name, custom_options_)};
  return detail::check_ini(custom_options_, ini, name).and_then([&] {
    return read_options(*this).map([](const runtime_options&) {});
  });
}

} // namespace troupe
