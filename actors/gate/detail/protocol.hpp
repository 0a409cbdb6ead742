#pragma once

// What a console and a runtime say to each other before CAF's protocol (BASP)
// begins. CAF's protocol is not for peers that are not trusted: 32 bytes end the
// process. So nobody reaches it who has not been let in here.
//
//   console                              runtime
//      │ hello      nonce                   │
//      ├───────────────────────────────────►│   a Unix socket: the user id decides
//      │ challenge  salt, nonce             │
//      │◄───────────────────────────────────┤   TCP only
//      │ proof      HMAC over both nonces   │
//      ├───────────────────────────────────►│
//      │ welcome    HMAC of the runtime     │
//      │◄───────────────────────────────────┤   or a refusal, and the end
//      │ ······ CAF's protocol ······       │
//
// Every message has 40 bytes, and a side sends one only when it has the other's:
// the last byte that is read here is the last byte before CAF's. The console's proof
// comes first, so a stranger gets nothing to try passwords on. Each HMAC covers the
// name of its sender and the random numbers of both sides, so none can be sent again.

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include <troupe/actors/gate/detail/secret.hpp>
#include <troupe/messages/types/error.hpp>

namespace troupe::gate {

/// Bytes of a message: "TROUPE", the version, the kind, 32 of content.
inline constexpr std::size_t message_size = 40;

enum class kind : std::uint8_t {
  hello = 1,
  challenge,
  proof,
  welcome,
  refusal,
};

/// Why a console is not let in; the first byte of a refusal's content.
enum class refusal : std::uint8_t {
  wrong_password = 1,
  wrong_user, ///< Of a Unix socket: not the runtime's user, nor root.
  too_many,   ///< As many consoles as may be are connected.
};

struct message {
  gate::kind kind = kind::hello;
  std::array<std::uint8_t, 32> content{};
};

using wire_message = std::array<std::uint8_t, message_size>;

[[nodiscard]] wire_message encode(const message& x) noexcept;
[[nodiscard]] wire_message encode(refusal why) noexcept;

/// Empty for bytes that are no message of this version.
[[nodiscard]] std::optional<message> decode(const wire_message& from) noexcept;

/// Whether these first bytes of a message, up to all of them, may become one.
[[nodiscard]] bool may_be_message(std::span<const std::uint8_t> begin) noexcept;

/// Why a console was refused, as its user reads it.
[[nodiscard]] std::string_view text_of(const message& refused) noexcept;

/// The runtime's side: decides about one console.
class doorkeeper {
public:
  enum class verdict : std::uint8_t { waits, let_in, turned_away };

  /// `key` with `salt` is what the password became; none: no password is asked for,
  /// since the user is known. Both must outlive it.
  explicit doorkeeper(const secret* key = nullptr,
                      const gate::salt& with = {}) noexcept
    : key_(key), salt_(with) {
    // nop
  }

  /// The bytes to be read next, at most: never one beyond the present message.
  [[nodiscard]] std::size_t wanted() const noexcept {
    return message_size - used_;
  }

  /// Whether a whole message has come.
  [[nodiscard]] bool has_greeted() const noexcept {
    return greeted_;
  }

  /// Takes up to `wanted()` bytes. What is to be sent is in `reply` then, or it is
  /// left alone. After `let_in` and `turned_away` nothing may be read any more.
  verdict take(std::span<const std::uint8_t> bytes,
               std::optional<wire_message>& reply);

private:
  verdict on_message(const message& x, std::optional<wire_message>& reply);

  const secret* key_;
  gate::salt salt_;
  wire_message in_{};
  std::size_t used_ = 0;
  bool greeted_ = false;
  std::array<std::uint8_t, 32> nonce_{};     ///< The console's.
  std::array<std::uint8_t, 32> challenge_{}; ///< The salt and our nonce.
};

/// The console's side: what it says, and whether it trusts the answer.
class visitor {
public:
  /// No password: the runtime is on a Unix socket.
  explicit visitor(std::optional<std::string> password = {})
    : password_(std::move(password)) {
    // nop
  }

  /// The opening of a connection; the next one may follow when that was closed.
  [[nodiscard]] wire_message hello();

  struct step {
    std::optional<wire_message> reply;
    bool is_in = false;
  };

  /// What follows from an answer. Errors: `invalid_argument` (the runtime refuses,
  /// or does not know the password itself), `system_error` (it is no runtime).
  [[nodiscard]] expected<step> take(const wire_message& answer);

private:
  expected<step> on_challenge(const message& x);
  expected<step> on_welcome(const message& x) const;

  std::optional<std::string> password_;
  /// What the password became, and with which salt: a port keeps its salt.
  std::optional<std::pair<salt, secret>> derived_;
  std::array<std::uint8_t, 32> nonce_{};
  std::optional<digest> awaited_; ///< The proof that the runtime owes.
};

} // namespace troupe::gate
