#pragma once

// redis-benchmark, which drives the servers, and a client that fills them.

#include <cstdint>
#include <string>
#include <string_view>

#include <troupe/messages/types/error.hpp>

namespace troupe::bench {

/// One run of redis-benchmark.
struct drive_request {
  std::uint16_t port = 0;
  std::string test;           ///< As it calls it: get, set, incr, mset.
  std::uint64_t requests = 0; ///< In all.
  std::uint64_t clients = 1;
  std::uint64_t threads = 1; ///< Of redis-benchmark.
  std::uint64_t pipeline = 1;
  std::uint64_t value_size = 3;
  std::uint64_t keys = 1; ///< Random keys out of so many.
};

struct drive_result {
  double rate = 0; ///< Requests per second; above 0.
  double p99 = 0;  ///< Milliseconds.
};

/// Reads what `redis-benchmark --csv` printed about one test.
/// Errors: `decode_failed` when it is something else, `invalid_argument` when
/// the run was over before its clock, which knows whole milliseconds, moved.
[[nodiscard]] expected<drive_result> read_csv(std::string_view text);

/// Runs redis-benchmark once.
/// Errors: those of `read_csv`. Throws std::runtime_error when it fails.
[[nodiscard]] expected<drive_result> drive(const drive_request& x);

/// Sets keys 0 to `keys` - 1, by the names redis-benchmark gives them, to
/// values of `value_size` bytes, and returns how many keys the server then has.
/// Throws std::runtime_error when the server refuses or falls silent.
std::uint64_t load_keys(std::uint16_t port, std::uint64_t keys,
                        std::uint64_t value_size);

/// The key that redis-benchmark calls key:__rand_int__ when it drew `number`.
[[nodiscard]] std::string drawn_key(std::uint64_t number);

} // namespace troupe::bench
