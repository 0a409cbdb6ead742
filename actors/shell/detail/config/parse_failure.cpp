#include <troupe/actors/shell/detail/config/parse_failure.hpp>

#include <cstdint>
#include <vector>

#include <caf/actor_system_config.hpp>
#include <caf/atom.hpp>
#include <caf/config_option.hpp>
#include <caf/error.hpp>
#include <caf/message.hpp>
#include <caf/pec.hpp>
#include <caf/settings.hpp>

#include <troupe/actors/shell/detail/config/logger_options.hpp>
#include <troupe/messages/types/text/suggest.hpp>

namespace troupe::detail {

namespace {

/// The long names of all options, as they follow "--" on the command line.
std::vector<std::string> names_of(const caf::config_option_set& known) {
  std::vector<std::string> result;
  for (auto& x : known) {
    const auto name = x.has_flat_cli_name() ? x.long_name() : x.full_name();
    result.emplace_back(name.data(), name.size());
  }
  return result;
}

/// The error for an argument that names no option, with a suggestion. `known` are the
/// names that may follow "--".
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

std::string describe(const caf::error& failure, const std::string& ini,
                     const caf::config_option_set& known) {
  auto code = static_cast<caf::pec>(failure.code());
  auto& context = failure.context();
  if (context.match_elements<caf::settings>()) {
    auto& where = context.get_as<caf::settings>(0);
    auto argument = caf::get_or(where, "argument", std::string{});
    if (!argument.empty() && !has_logger && argument.starts_with("--logger."))
      return argument + no_logger;
    if (!argument.empty())
      return code == caf::pec::not_an_option
               ? unknown_argument(argument, names_of(known))
               : "bad value in " + argument + " (" + to_string(code) + ")";
    auto line = caf::get_or(where, "line", std::int64_t{0});
    auto column = caf::get_or(where, "column", std::int64_t{0});
    return "line " + std::to_string(line) + ", column " + std::to_string(column)
           + " of " + ini + ": " + to_string(code);
  }
  return caf::actor_system_config::render(failure);
}

} // namespace

error explain_failure(const caf::error& failure, const std::string& ini,
                      const caf::config_option_set& known) {
  return {errc::invalid_argument,
          failure.category() == caf::atom("parser")
            ? describe(failure, ini, known)
            : caf::actor_system_config::render(failure)};
}

} // namespace troupe::detail
