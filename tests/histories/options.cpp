#include "histories/options.hpp"

#include <algorithm>
#include <bit>
#include <charconv>

#include <troupe/messages/types/settings/command_line.hpp>

namespace histories {

namespace {

/// The whole of `text` as a number within bounds.
template <class T>
bool read_number(std::string_view text, T least, T most, T& result) {
  T x{};
  auto* end = text.data() + text.size();
  auto [stopped, code] = std::from_chars(text.data(), end, x);
  if (code != std::errc{} || stopped != end || x < least || x > most)
    return false;
  result = x;
  return true;
}

/// Calls `f(part)` for each part between commas until it returns false.
template <class F>
bool each_part(std::string_view text, F f) {
  for (;;) {
    auto comma = text.find(',');
    if (!f(text.substr(0, comma)))
      return false;
    if (comma == std::string_view::npos)
      return true;
    text.remove_prefix(comma + 1);
  }
}

bool read_mix(std::string_view text, mix& result) {
  return each_part(text, [&](std::string_view part) {
    auto sign = part.find('=');
    if (sign == std::string_view::npos)
      return false;
    for (auto& x : mix_members())
      if (x.name == part.substr(0, sign))
        return read_number(part.substr(sign + 1), 0u,
                           x.percent ? 100u : 1'000'000u, result.*x.member);
    return false;
  });
}

bool read_shards(std::string_view text, std::vector<std::size_t>& result) {
  result.clear();
  return each_part(text, [&](std::string_view part) {
    std::size_t x = 0;
    if (!read_number<std::size_t>(part, 1, 256, x) || !std::has_single_bit(x))
      return false;
    result.push_back(x);
    return true;
  });
}

bool read_limits(std::string_view text, options& result) {
  result.unlimited = text == "no" || text == "both";
  result.limited = text == "yes" || text == "both";
  return result.unlimited || result.limited;
}

bool read_stale(std::string_view text, options& result) {
  result.strict = text == "no" || text == "both";
  result.stale = text == "yes" || text == "both";
  return result.strict || result.stale;
}

bool read_choice(std::string_view text, bool& result) {
  result = text == "yes";
  return result || text == "no";
}

bool read_provider(std::string_view text, bool& plain) {
  plain = text == "plain";
  return plain || text == "memory";
}

unsigned sum_of_weights(const mix& x) {
  unsigned result = 0;
  for (auto& y : mix_members())
    if (!y.percent)
      result += x.*y.member;
  return result;
}

} // namespace

const std::vector<mix_member>& mix_members() {
  static const std::vector<mix_member> all{
    {"get", &mix::get, false, "get"},
    {"get-many", &mix::get_many, false, "get_many of 3 keys"},
    {"contains", &mix::contains, false, "contains"},
    {"ttl", &mix::ttl, false, "ttl"},
    {"set", &mix::set, false, "set, also with keep_ttl"},
    {"set-if", &mix::set_if, false, "set with if_absent or if_present"},
    {"set-many", &mix::set_many, false, "set_many of 3 keys"},
    {"erase", &mix::erase, false, "erase"},
    {"touch", &mix::touch, false, "touch"},
    {"increment", &mix::increment, false, "increment, on counters"},
    {"cas", &mix::cas, false, "compare_and_set by version"},
    {"update", &mix::update, false, "update"},
    {"transform", &mix::transform, false, "transform"},
    {"load", &mix::load, false, "get_or_set"},
    {"tag", &mix::tag, false, "invalidate_tag of a tag that entries have"},
    {"noise", &mix::noise, false, "invalidate_tag of a name never used again"},
    {"clear", &mix::clear, false, "clear"},
    {"clear-namespace", &mix::clear_namespace, false, "clear_namespace"},
    {"tagged", &mix::tagged, true,
     "written values that have tags; 0: none have"},
    {"expiring", &mix::expiring, true,
     "written values that have a TTL; 0: nothing expires"},
    {"inherit", &mix::inherit, true,
     "updates that say no TTL and no tags, so that the entry's stay"},
    {"inner", &mix::inner, true,
     "updates whose function changes the key, also until it runs under a "
     "lease"},
    {"async", &mix::async, true, "writes and loads made without waiting"},
    {"pool", &mix::pool, true, "waiting loads whose loader runs on the pool"},
    {"nothing", &mix::nothing, true, "loaders that find no value"},
  };
  return all;
}

namespace {

/// An option, what stands for its value in the help, and what takes it.
struct known_option {
  const char* name;
  const char* placeholder;
  bool (*read)(std::string_view value, options& result);
};

constexpr known_option known_options[] = {
  {"operations", "N",
   [](std::string_view value, options& result) {
     return read_number<std::uint64_t>(value, 1, 1'000'000'000'000,
                                       result.operations);
   }},
  {"threads", "N",
   [](std::string_view value, options& result) {
     return read_number<std::size_t>(value, 1, 16, result.threads);
   }},
  {"keys", "N",
   [](std::string_view value, options& result) {
     return read_number<std::size_t>(value, 4, 64, result.keys);
   }},
  {"round", "N",
   [](std::string_view value, options& result) {
     return read_number<std::size_t>(value, 1, 100'000, result.round);
   }},
  {"seed", "N",
   [](std::string_view value, options& result) {
     return read_number<std::uint64_t>(value, 0, ~std::uint64_t{0},
                                       result.seed);
   }},
  {"seconds", "N",
   [](std::string_view value, options& result) {
     return read_number<std::uint64_t>(value, 0, 1'000'000, result.seconds);
   }},
  {"provider", "WHICH",
   [](std::string_view value, options& result) {
     return read_provider(value, result.plain);
   }},
  {"shards", "N,...",
   [](std::string_view value, options& result) {
     return read_shards(value, result.shards);
   }},
  {"limits", "WHICH",
   [](std::string_view value, options& result) {
     return read_limits(value, result);
   }},
  {"stale", "WHICH",
   [](std::string_view value, options& result) {
     return read_stale(value, result);
   }},
  {"erase-results", "X",
   [](std::string_view value, options& result) {
     return read_choice(value, result.erase_results);
   }},
  {"mix", "NAME=N,...",
   [](std::string_view value, options& result) {
     return read_mix(value, result.shares);
   }},
  {"help", "",
   [](std::string_view value, options& result) {
     result.help = true;
     return value.empty();
   }},
};

} // namespace

std::optional<options> parse(int argc, char** argv, std::string& problem) {
  std::vector<troupe::settings::option_name> names;
  for (const auto& x : known_options)
    names.push_back({.name = x.name,
                     .letter = std::string_view{x.name} == "help" ? 'h' : '\0',
                     .placeholder = x.placeholder});
  const auto line = troupe::settings::read_command_line(
    {argv + std::min(argc, 1), argv + argc}, names);
  if (!line || !line->words.empty()) {
    problem = (line ? "unexpected argument " + line->words.front()
                    : line.error().text())
              + " (see --help)";
    return std::nullopt;
  }
  options result;
  for (const auto& x : line->arguments) {
    const auto value = x.value.value_or("");
    if (!known_options[x.option].read(value, result)) {
      problem = "'" + value + "' is not a value of " + x.name + " (see --help)";
      return std::nullopt;
    }
  }
  if (result.help)
    return result;
  if (result.plain) {
    result.shards = {1};
    result.unlimited = true;
    result.limited = false;
  }
  if (sum_of_weights(result.shares) == 0) {
    problem = "--mix leaves no call to make: give one a weight above 0";
    return std::nullopt;
  }
  return result;
}

std::string help_text() {
  options x;
  std::string result
    = "usage: troupe-history-check [OPTION]...\n"
      "\n"
      "Has threads read, write, load and invalidate a few keys of a region, "
      "records what\n"
      "they saw and when, and decides for each key whether an order of the "
      "operations\n"
      "explains it (linearizability). Values are unique; entries expire by a "
      "clock that\n"
      "one thread moves. Runs one region for each number of shards, without "
      "and with\n"
      "limits.\n"
      "\n"
      "  --operations=N    calls in all (default "
      + std::to_string(x.operations)
      + ")\n"
        "  --seconds=N       end after so many seconds at the latest; 0: no "
        "end (default 0)\n"
        "  --threads=N       threads that make calls, 1 to 16 (default "
      + std::to_string(x.threads)
      + ")\n"
        "  --provider=WHICH  where the region is: memory, plain (a map under a "
        "mutex, without\n"
        "                    shards and limits; default memory)\n"
        "  --shards=N,...    numbers of shards, powers of two up to 256 "
        "(default 1,4,32)\n"
        "  --keys=N          keys, 4 to 64; every fourth is a counter (default "
      + std::to_string(x.keys)
      + ")\n"
        "  --limits=WHICH    regions that evict: no, yes, both (default both)\n"
        "  --stale=WHICH     regions that serve stale values, refresh ahead "
        "and "
        "cache absences:\n"
        "                    no, yes, both (default both)\n"
        "  --erase-results=X yes: what 'erase' answers is judged, no: not "
        "(default yes)\n"
        "  --round=N         calls of a thread between two checks (default "
      + std::to_string(x.round)
      + ")\n"
        "  --seed=N          of the random choices; 0: another each time "
        "(default 0)\n"
        "  --mix=NAME=N,...  how often what is done, see below\n"
        "  --help            this text\n"
        "\n"
        "Weights of the calls (--mix=clear=0 makes none), and percentages:\n";
  for (auto& y : mix_members()) {
    std::string line
      = "  " + std::string{y.name} + "=" + std::to_string(x.shares.*y.member);
    line.resize(std::max<std::size_t>(line.size() + 1, 22), ' ');
    result += line + (y.percent ? "percent of " : "") + std::string{y.meaning}
              + "\n";
  }
  return result
         + "\nThe exit code is 0 without a violation, 1 after one, 2 when the "
           "call was wrong.\nA violation names the rule, the key and the seed. "
           "The seed repeats the choices\nof the threads, not how the machine "
           "interleaves them.\n";
}

} // namespace histories
