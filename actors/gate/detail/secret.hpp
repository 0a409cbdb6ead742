#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include <troupe/messages/types/error.hpp>

namespace troupe::gate {

using digest = std::array<std::uint8_t, 32>;
using salt = std::array<std::uint8_t, 16>;

/// How often the hash runs for one key (PBKDF2): about 30 ms of a processor, for
/// the console once per salt and for the server once per port. A guess that is tried on
/// a recorded session costs as much. A guess that is sent to the port costs it once, as
/// the port keeps its salt: each is one connection, and they are neither slowed down nor
/// logged.
inline constexpr int key_rounds = 100'000;

/// What a password becomes: PBKDF2 with HMAC-SHA-256. Wiped when it ends.
class secret {
public:
  /// Errors: `system_error` (OpenSSL refuses).
  [[nodiscard]] static expected<secret> derive(std::string_view password,
                                               const salt& with);

  secret(const secret&) = default;
  secret& operator=(const secret&) = default;
  ~secret();

  /// HMAC-SHA-256 of `label` and what follows.
  [[nodiscard]] digest sign(std::string_view label,
                            std::span<const std::uint8_t> challenge,
                            std::span<const std::uint8_t> nonce) const;

private:
  secret() = default;

  digest key_{};
};

/// In a time that depends on nothing.
[[nodiscard]] bool equal(const digest& a, const digest& b) noexcept;

/// Random bytes from the system. Throws std::runtime_error when it has none.
void fill_random(std::span<std::uint8_t> where);

} // namespace troupe::gate
