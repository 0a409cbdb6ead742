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

/// Rounds of the hash for one key (PBKDF2): about 30 ms of a processor, for the console
/// once per salt and for the server once per port. A guess tried on a recorded session
/// costs the same. A guess sent to the port costs the peer this time once, because the
/// port keeps its salt: each guess is one connection, and guesses are neither slowed
/// down nor logged.
inline constexpr int key_rounds = 100'000;

/// A key derived from a password: PBKDF2 with HMAC-SHA-256. Its destructor wipes it.
class secret {
public:
  /// Errors: `system_error` (OpenSSL refuses).
  [[nodiscard]] static expected<secret> derive(std::string_view password,
                                               const salt& with);

  secret(const secret&) = default;
  secret& operator=(const secret&) = default;
  ~secret();

  /// HMAC-SHA-256 of `label`, `challenge` and `nonce`.
  [[nodiscard]] digest sign(std::string_view label,
                            std::span<const std::uint8_t> challenge,
                            std::span<const std::uint8_t> nonce) const;

private:
  secret() = default;

  digest key_{};
};

/// Compares in a time that does not depend on the content.
[[nodiscard]] bool equal(const digest& a, const digest& b) noexcept;

/// Fills it with random bytes of the system. Throws std::runtime_error when there are
/// none.
void fill_random(std::span<std::uint8_t> where);

} // namespace troupe::gate
