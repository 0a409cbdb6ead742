#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace histories {

/// How often what is done. Each is a name of --mix.
struct mix {
  // Weights of the calls, against their sum.
  unsigned get = 240;
  unsigned get_many = 30;
  unsigned contains = 20;
  unsigned ttl = 30;
  unsigned set = 120;
  unsigned set_if = 60;
  unsigned set_many = 20;
  unsigned erase = 40;
  unsigned touch = 40;
  unsigned increment = 60;
  unsigned cas = 60;
  unsigned update = 80;
  unsigned transform = 40;
  unsigned load = 100;
  unsigned tag = 40;
  unsigned noise = 10;
  unsigned clear = 4;
  unsigned clear_namespace = 6;
  // Percent.
  unsigned tagged = 60;
  unsigned expiring = 40;
  unsigned inherit = 30;
  unsigned inner = 20;
  unsigned async = 25;
  unsigned pool = 30;
  unsigned nothing = 5;
};

/// A number of `mix` with its name and meaning.
struct mix_member {
  std::string_view name;
  unsigned mix::*member;
  bool percent;
  std::string_view meaning;
};

const std::vector<mix_member>& mix_members();

struct options {
  std::uint64_t operations = 200'000; ///< Calls, of all regions together.
  std::size_t threads = 6;
  /// Whether the region is on the plain provider (conformance/plain_provider.hpp),
  /// without shards and limits; else it is in memory.
  bool plain = false;
  std::vector<std::size_t> shards = {1, 4, 32};
  std::size_t keys = 8;
  std::size_t round = 250; ///< Calls of one thread between two checks.
  std::uint64_t seed = 0;  ///< 0: taken from the clock.
  std::uint64_t seconds = 0;
  bool unlimited = true;
  bool limited = true;
  bool strict = true;        ///< Regions that serve no stale values.
  bool stale = true;         ///< Regions that serve and refresh them.
  bool erase_results = true; ///< Whether it is judged what `erase` found.
  mix shares = {};
  bool help = false;
};

/// Reads a command line; empty, and `problem` says why, when it is wrong.
std::optional<options> parse(int argc, char** argv, std::string& problem);

std::string help_text();

} // namespace histories
