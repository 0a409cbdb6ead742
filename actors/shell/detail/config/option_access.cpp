#include <troupe/actors/shell/detail/config/option_access.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <limits>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>

#include <caf/config_option.hpp>
#include <caf/config_option_adder.hpp>
#include <caf/timespan.hpp>

#include <troupe/actors/shell/detail/config/logger_options.hpp>
#include <troupe/actors/shell/detail/config/secrets.hpp>
#include <troupe/messages/types/text/duration.hpp>
#include <troupe/messages/types/text/suggest.hpp>

namespace troupe::detail {

namespace {

using settings::most_number;
using settings::value;
using settings::value_kind;
using std::chrono::milliseconds;

std::string text_of(caf::string_view x) {
  return {x.data(), x.size()};
}

/// The sections of CAF itself.
constexpr std::array<std::string_view, 8> caf_sections{
  "middleman", "opencl", "openssl",       "scheduler",
  "stream",    "logger", "work-stealing", "caf"};

/// Options of CAF that end or hang the process with other values than these.
value_kind positive(std::int64_t most = most_number) {
  return value_kind::number(1, most);
}

std::optional<value_kind> bounded(std::string_view name) {
  constexpr std::int64_t most_threads = 1024;
  if (name == "scheduler.policy")
    return value_kind::word({"stealing", "sharing"});
  if (name == "scheduler.max-threads")
    return positive(most_threads);
  if (name == "middleman.workers")
    return value_kind::number(0, most_threads);
  if (name == "middleman.network-backend")
    return value_kind::word({"default"});
  if (name.starts_with("work-stealing.") && !name.ends_with("-duration"))
    return positive();
  if (name == "scheduler.max-throughput"
      || name == "middleman.max-consecutive-reads")
    return positive();
  return std::nullopt;
}

/// A text as CAF reads values of the type of an option.
std::optional<caf::config_value> parsed(const caf::config_option& to,
                                        const std::string& text) {
  const auto type = to.type_name();
  if (type == "atom")
    if (auto x = to.parse("'" + text + "'"))
      return std::move(*x);
  if (auto x = to.parse(text))
    return std::move(*x);
  if (type == "timespan")
    if (const auto time = parse_duration(text))
      return caf::config_value{caf::timespan{*time}};
  return std::nullopt;
}

/// A type of CAF as a person would write a value of it.
std::string described(const std::string& type) {
  if (type == "timespan")
    return "a time with a unit (examples: 500ms, 10s, 5min)";
  if (type == "atom")
    return "a word";
  return "a value of the type " + type;
}

value_kind kind_of(const caf::config_option& x) {
  if (x.is_flag())
    return value_kind::flag();
  if (auto known = bounded(text_of(x.full_name())))
    return std::move(*known);
  const auto type = text_of(x.type_name());
  if (type == "uint64")
    return value_kind::size(0, most_number);
  for (const auto& [name, bits] :
       {std::pair{"uint8", 8}, std::pair{"uint16", 16},
        std::pair{"uint32", 32}})
    if (type == name)
      return value_kind::number(0, (std::int64_t{1} << bits) - 1);
  for (const auto& [name, bits] :
       {std::pair{"int8", 7}, std::pair{"int16", 15}, std::pair{"int32", 31}})
    if (type == name)
      return value_kind::number(-(std::int64_t{1} << bits),
                                (std::int64_t{1} << bits) - 1);
  if (type == "int64")
    return value_kind::number(std::numeric_limits<std::int64_t>::min(),
                              most_number);
  if (type == "string")
    return value_kind::text("TEXT");
  // What CAF accepts is seen when it takes the value.
  return value_kind::text(type == "timespan" ? "TIME" : "VALUE");
}

caf::config_value to_caf(const value& x) {
  if (const auto* const time = std::get_if<milliseconds>(&x))
    return caf::config_value{caf::timespan{*time}};
  return std::visit(
    [](const auto& i) {
      if constexpr (std::is_same_v<std::decay_t<decltype(i)>, milliseconds>)
        return caf::config_value{};
      else
        return caf::config_value{i};
    },
    x);
}

expected<void> take(const caf::config_option& to, caf::settings& content,
                    const value& x) {
  const auto wrong = [&] {
    return fail(errc::invalid_argument,
                "allowed: " + described(text_of(to.type_name())));
  };
  const auto* const text = std::get_if<std::string>(&x);
  std::optional<caf::config_value> stored;
  if (text == nullptr || to.type_name() == "string")
    stored = to_caf(x);
  else
    stored = parsed(to, *text);
  if (!stored || to.check(*stored))
    return wrong();
  // Streams divide by it.
  if (to.category() == "stream")
    if (const auto* const time = caf::get_if<caf::timespan>(&*stored);
        time != nullptr && *time <= caf::timespan{0})
      return fail(errc::invalid_argument, "allowed: times above 0s");
  to.store(*stored);
  caf::put(content, to.full_name(), std::move(*stored));
  return {};
}

bool is_of_caf(std::string_view section) {
  return std::find(caf_sections.begin(), caf_sections.end(), section)
         != caf_sections.end();
}

} // namespace

std::vector<settings::option>
adopted_options(const caf::config_option_set& declared,
                caf::settings& content) {
  std::vector<settings::option> result;
  for (const auto& x : declared) {
    settings::option one;
    one.section = text_of(x.category());
    one.name = text_of(x.long_name());
    one.flat = x.has_flat_cli_name();
    if (!x.short_names().empty())
      one.letter = x.short_names()[0];
    one.hidden = is_of_caf(one.section);
    one.heading = (one.hidden ? "CAF, " : "") + one.section;
    one.kind = kind_of(x);
    one.help = text_of(x.description());
    one.secret = is_secret(one.name);
    one.take = [&x, &content](const value& i) { return take(x, content, i); };
    result.push_back(std::move(one));
  }
  return result;
}

void declare(caf::config_option_set& to, const settings::option& x) {
  caf::config_option_adder adder{to, x.section};
  const auto add
    = [&]<class T>(std::type_identity<T>) { adder.add<T>(x.name, x.help); };
  const auto preset = x.kind.read(x.preset).value_or(std::string{});
  std::visit(
    [&]<class T>(const T&) {
      if constexpr (std::is_same_v<T, milliseconds>)
        add(std::type_identity<caf::timespan>{});
      else
        add(std::type_identity<T>{});
    },
    preset);
}

void store(caf::settings& to, const std::string& section,
           const std::string& name, const value& x) {
  caf::put(to, section + "." + name, to_caf(x));
}

expected<std::optional<value>> stored(const caf::settings& from,
                                      const settings::option& x) {
  const auto section = caf::get_if<caf::settings>(&from, x.section);
  const auto i
    = section ? section->find(x.name) : caf::settings::const_iterator{};
  if (!section || i == section->end())
    return std::nullopt;
  const auto wrong = [&] {
    return fail(errc::invalid_argument,
                x.section + "." + x.name + " is "
                  + (x.secret ? mask : to_string(i->second))
                  + "; allowed: " + x.kind.allowed());
  };
  const auto& held = i->second;
  std::optional<value> result;
  if (const auto* const flag = caf::get_if<bool>(&held))
    result = *flag;
  else if (const auto* const number
           = caf::get_if<caf::config_value::integer>(&held))
    result = std::int64_t{*number};
  else if (const auto* const time = caf::get_if<caf::timespan>(&held);
           time != nullptr && *time % milliseconds{1} == caf::timespan{0})
    result = std::chrono::duration_cast<milliseconds>(*time);
  else if (const auto* const real = caf::get_if<double>(&held))
    result = *real;
  else if (const auto* const text = caf::get_if<std::string>(&held))
    if (auto read = x.kind.read(*text))
      result = std::move(*read);
  const auto preset = x.kind.read(x.preset);
  if (!result || !x.kind.check(*result)
      || (preset && preset->index() != result->index()))
    return wrong();
  return result;
}

expected<void> check_option_names(const caf::settings& all,
                                  const std::string& group,
                                  const std::vector<std::string>& known) {
  const auto section = caf::get_if<caf::settings>(&all, group);
  if (!section)
    return {};
  for (const auto& entry : *section)
    if (std::find(known.begin(), known.end(), entry.first) == known.end())
      return fail(errc::invalid_argument, "unknown option " + group + "."
                                            + entry.first
                                            + did_you_mean(entry.first, known));
  return {};
}

} // namespace troupe::detail
