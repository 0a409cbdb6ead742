#include <troupe/actors/config.hpp>

#include <algorithm>
#include <iostream>
#include <iterator>
#include <set>
#include <sstream>
#include <string_view>
#include <utility>

#include <troupe/actors/detail/ini_source.hpp>
#include <troupe/actors/detail/runtime_option_list.hpp>
#include <troupe/actors/shell/detail/config/logger_options.hpp>
#include <troupe/actors/shell/detail/config/option_access.hpp>
#include <troupe/actors/shell/detail/config/remoting.hpp>
#include <troupe/actors/shell/detail/config/secrets.hpp>
#include <troupe/messages/caf/type_ids.hpp>
#include <troupe/messages/types/settings/ini_text.hpp>
#include <troupe/messages/types/settings/pages.hpp>
#include <troupe/messages/types/text/suggest.hpp>

namespace troupe {

namespace {

constexpr auto& option_group = runtime_options::group;

/// The section of options that no file may have.
constexpr std::string_view general = "global";
constexpr std::string_view file_option = "config-file";

constexpr char no_automatic_connections[]
  = "middleman.enable-automatic-connections would open a port of CAF's network "
    "protocol, which ends the process on 32 bytes of any stranger; leave it "
    "out, and use runtime::publish or the console's options";

expected<void> check_names(const caf::settings& all) {
  std::vector<std::string> known;
  for (const auto& x : detail::all_runtime_options())
    known.push_back(x.shown.name);
  return detail::check_option_names(all, option_group, known);
}

expected<void> check_connections(const caf::actor_system_config& cfg) {
  if (caf::get_or(cfg, "middleman.enable-automatic-connections", false))
    return fail(errc::invalid_argument, no_automatic_connections);
  return {};
}

/// CAF knows each option also with "caf#" before its name, and help also as "-?".
std::vector<std::string> plain_spelling(std::vector<std::string> args) {
  constexpr std::string_view prefix = "--caf#";
  for (auto& x : args) {
    if (x == "--")
      break;
    if (x.starts_with(prefix))
      x.erase(2, prefix.size() - 2);
    else if (x == "-?")
      x = "-h";
  }
  return args;
}

std::string base_name(std::string_view path) {
  return std::string{path.substr(path.rfind('/') + 1)};
}

tl::unexpected<error> unknown_section(const std::set<std::string>& known,
                                      const std::string& name,
                                      const std::string& place) {
  std::string all;
  for (const auto& x : known)
    all.append(all.empty() ? "" : ", ").append(x);
  return fail(errc::invalid_argument,
              "unknown section [" + name + "] in " + place
                + did_you_mean(name, {known.begin(), known.end()})
                + "; there are " + all);
}

expected<void> check_sections(const std::vector<settings::option>& options,
                              const settings::ini_text& text,
                              const std::string& file) {
  std::set<std::string> known;
  for (const auto& x : options)
    if (x.section != general)
      known.insert(x.section);
  for (const auto& x : text.sections) {
    const auto place = settings::place_text(x.line, file);
    if (!detail::has_logger && x.name == detail::logger_group)
      return fail(errc::invalid_argument,
                  "[" + x.name + "] in " + place + detail::no_logger);
    if (!known.contains(x.name))
      return unknown_section(known, x.name, place);
  }
  for (const auto& x : text.entries)
    if (x.section.empty())
      return fail(errc::invalid_argument,
                  x.name + " in " + settings::place_text(x.line, file)
                    + " precedes all sections; options stand below one, as ["
                    + options.front().section + "]");
  return {};
}

tl::unexpected<error>
unknown_option(const std::vector<settings::option>& options,
               const settings::ini_text::entry& x, const std::string& place) {
  std::vector<std::string> names;
  for (const auto& i : options)
    if (i.section == x.section)
      for (const auto& name : {i.name, i.alias})
        if (!name.empty())
          names.push_back(name);
  return fail(errc::invalid_argument, "unknown option " + x.section + "."
                                        + x.name + " in " + place
                                        + did_you_mean(x.name, names));
}

} // namespace

expected<runtime_options> read_options(const caf::actor_system_config& cfg) {
  runtime_options result;
  if (const auto* ours = dynamic_cast<const config*>(&cfg))
    result.report = ours->report;
  const auto& from = caf::content(cfg);
  auto ok = check_names(from).and_then([&] { return check_connections(cfg); });
  for (const auto& x : detail::all_runtime_options()) {
    if (!ok)
      break;
    auto held = detail::stored(from, x.shown);
    if (!held)
      return tl::unexpected{std::move(held.error())};
    if (*held)
      x.take(result, **held);
  }
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
  for (const auto& x : detail::all_runtime_options()) {
    auto one = x.shown;
    detail::declare(custom_options_, one);
    one.take = [this, name = one.name](const settings::value& i) {
      detail::store(content, option_group, name, i);
      return expected<void>{};
    };
    own_.push_back(std::move(one));
  }
  own_.push_back({.section = std::string{general},
                  .name = std::string{file_option},
                  .flat = true,
                  .heading = "General",
                  .kind = settings::value_kind::text("FILE"),
                  .preset = default_file,
                  .help = "ini file to read before the command line"});
  add_general("help", 'h', "prints this text and exits", page::help);
  add_general("long-help", 0, "the same with the options of CAF",
              page::long_help);
  add_general("dump-config", 0,
              "prints the configuration as an ini file, without passwords, and "
              "exits",
              page::dump);
}

void config::add_general(const char* name, char letter, const char* help,
                         page shown) {
  own_.push_back({.section = std::string{general},
                  .name = name,
                  .letter = letter,
                  .flat = true,
                  .heading = "General",
                  .kind = settings::value_kind::flag(),
                  .help = help,
                  .take = [this, shown](const settings::value& x) {
                    if (std::get<bool>(x))
                      asked_ = shown;
                    return expected<void>{};
                  }});
}

/// Adopts CAF's options, except those without effect here and those that Troupe defines.
void config::adopt_options() {
  caf::config_option_set kept;
  for (const auto& x : custom_options_)
    if (x.category() != caf::string_view{general.data(), general.size()}
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

config& config::add(settings::option x) {
  // Before those of the runtime.
  const auto place = std::find_if(own_.begin(), own_.end(), [](const auto& i) {
    return i.section == option_group;
  });
  own_.insert(place, std::move(x));
  return *this;
}

config& config::describe(std::string usage, std::string examples) {
  usage_ = std::move(usage);
  examples_ = std::move(examples);
  return *this;
}

std::vector<settings::option> config::options() {
  auto result = own_;
  auto adopted = detail::adopted_options(custom_options_, content);
  std::erase_if(adopted, [](const auto& x) {
    return x.section == option_group; // Among its own, with more to say.
  });
  std::move(adopted.begin(), adopted.end(), std::back_inserter(result));
  return result;
}

std::string config::help_text(bool all) {
  auto result = usage_.empty() ? "usage: " + program_ + " [options]\n" : usage_;
  result += "\n" + settings::help_text(options(), all);
  return examples_.empty() ? result : result + "\n" + examples_;
}

std::string
config::dump_text(const std::vector<settings::option>& options) const {
  std::vector<std::string> sections;
  for (const auto& x : options)
    if (x.section != general
        && std::find(sections.begin(), sections.end(), x.section)
             == sections.end())
      sections.push_back(x.section);
  std::string result;
  for (const auto& section : sections) {
    std::string lines;
    for (const auto& x : options) {
      const auto given = given_.find(x.long_name());
      const auto& text = given != given_.end() ? given->second : x.preset;
      if (x.section != section || text.empty())
        continue;
      // As a value, the mask would become the password of those who use the output.
      if (x.secret || detail::is_secret(x.name))
        lines += "# " + x.name + "=" + detail::mask + "\n";
      else
        lines += x.name + "=" + settings::ini_value(text) + "\n";
    }
    if (!lines.empty())
      result += (result.empty() ? "[" : "\n[") + section + "]\n" + lines;
  }
  return result;
}

void config::print(const std::vector<settings::option>& options) {
  if (asked_ == page::none)
    return;
  std::cout << (asked_ == page::dump ? dump_text(options)
                                     : help_text(asked_ == page::long_help))
            << std::flush;
  cli_helptext_printed = true;
}

expected<settings::command_line>
config::read_arguments(std::vector<std::string> args,
                       const std::vector<settings::option>& options) const {
  args = plain_spelling(std::move(args));
  if (!detail::has_logger)
    for (const auto& x : args)
      if (x.starts_with("--logger."))
        return fail(errc::invalid_argument, x + detail::no_logger);
  return settings::read_command_line(args, settings::names_of(options));
}

expected<void> config::take(const settings::option& to, std::string_view text,
                            const std::string& where) {
  return settings::set(to, text, where).map([&] {
    given_[to.long_name()] = text;
  });
}

expected<void> config::take_file(const std::vector<settings::option>& options,
                                 const std::string& text,
                                 const std::string& name) {
  const auto file = settings::read_ini_text(text, name);
  if (!file)
    return tl::unexpected{file.error()};
  if (auto ok = check_sections(options, *file, name); !ok)
    return ok;
  for (const auto& x : file->entries) {
    const auto place = settings::place_text(x.line, name);
    const auto* const to = settings::find(options, x.section, x.name);
    if (to == nullptr)
      return unknown_option(options, x, place);
    if (auto ok = take(*to, x.value, place); !ok)
      return ok;
  }
  return {};
}

expected<void> config::take_all(const std::vector<settings::option>& options,
                                settings::command_line line,
                                const std::string& file_text,
                                const std::string& file_name) {
  if (auto ok = take_file(options, file_text, file_name); !ok)
    return ok;
  for (const auto& x : line.arguments)
    if (auto ok = take(options[x.option], x.value.value_or("yes"), {}); !ok)
      return ok;
  remainder = std::move(line.words);
  // CAF draws its own conclusions from the content.
  std::istringstream nothing;
  if (const auto failure
      = caf::actor_system_config::parse(std::vector<std::string>{}, nothing))
    return fail(errc::invalid_argument,
                caf::actor_system_config::render(failure));
  return read_options(*this).map(
    [&](const runtime_options&) { print(options); });
}

expected<void> config::parse(int argc, char** argv, const char* ini) {
  if (argc > 0)
    program_ = base_name(argv[0]);
  const auto all = options();
  auto line = read_arguments({argv + std::min(argc, 1), argv + argc}, all);
  if (!line)
    return tl::unexpected{std::move(line.error())};
  // Help is given whatever the file says.
  for (const auto& x : line->arguments)
    if (const auto& name = all[x.option].name;
        name == "help" || name == "long-help")
      asked_ = name == "help" ? page::help : page::long_help;
  if (asked_ != page::none) {
    print(all);
    return {};
  }
  const auto number = static_cast<std::size_t>(
    settings::find(all, general, file_option) - all.data());
  const auto chosen = detail::chosen_file(*line, number, ini, default_file);
  if (!chosen)
    return tl::unexpected{chosen.error()};
  const auto text = detail::read_ini(*chosen);
  if (!text)
    return tl::unexpected{text.error()};
  config_file_path = chosen->path;
  return take_all(all, std::move(*line), *text, config_file_path);
}

expected<void> config::parse(std::vector<std::string> args, std::istream& ini) {
  const std::string whole{std::istreambuf_iterator<char>{ini}, {}};
  const auto all = options();
  return read_arguments(std::move(args), all)
    .and_then([&](settings::command_line line) {
      return take_all(all, std::move(line), whole, "the ini file");
    });
}

} // namespace troupe
