#pragma once

// The setting client-output-buffer-limit, as Redis writes it:
//
//   normal 0 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60
//          │ │ └ seconds above the soft limit
//          │ └ soft limit in bytes; 0: none
//          └ hard limit in bytes; 0: none

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace troupe::settings {

/// For one class of clients.
struct output_limit {
  std::uint64_t hard = 0;
  std::uint64_t soft = 0;
  std::int64_t soft_seconds = 0;
};

/// Of all classes: normal, slave (replica), pubsub. Only the last has an effect
/// here: to other clients no more is written than they take.
using output_limits = std::array<output_limit, 3>;

inline constexpr std::size_t pubsub_class = 2;

[[nodiscard]] std::string text_of(const output_limits& x);

/// Takes over what `text` says, which may name some of the classes. Says what is
/// wrong with it, in Redis's words, or nothing.
[[nodiscard]] std::string read_limits(std::string_view text, output_limits& to);

} // namespace troupe::settings
