#pragma once

// The handshake of a console and a runtime before CAF's protocol (BASP) begins. CAF's
// protocol is not for untrusted peers: 32 bytes end the process. So only peers that
// were let in here reach it.
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
// Every message has 40 bytes, and a side sends one only after it has received the
// other's: the last byte that is read here is the last byte before CAF's. The console
// proves first that it knows the password, so a stranger gets nothing to test passwords
// with. Each HMAC covers the name of its sender and the random numbers of both sides,
// so none can be replayed.

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
  wrong_user, ///< On a Unix socket: neither the runtime's user nor root.
  too_many,   ///< The most consoles are connected.
};

struct message {
  gate::kind kind = kind::hello;
  std::array<std::uint8_t, 32> content{};
};

using wire_message = std::array<std::uint8_t, message_size>;

[[nodiscard]] wire_message encode(const message& x) noexcept;
[[nodiscard]] wire_message encode(refusal why) noexcept;

/// Returns nothing for bytes that are not a message of this version.
[[nodiscard]] std::optional<message> decode(const wire_message& from) noexcept;

/// Whether these first bytes of a message may become a valid one.
[[nodiscard]] bool may_be_message(std::span<const std::uint8_t> begin) noexcept;

/// The reason of a refusal, as a text for the console's user.
[[nodiscard]] std::string_view text_of(const message& refused) noexcept;

/// The runtime's side: decides about one console.
class doorkeeper {
public:
  enum class verdict : std::uint8_t { waits, let_in, turned_away };

  /// `key` was derived from the password with `salt`; nullptr: no password is needed,
  /// because the user is known. Both must outlive it.
  explicit doorkeeper(const secret* key = nullptr,
                      const gate::salt& with = {}) noexcept
    : key_(key), salt_(with) {
    // nop
  }

  /// Most bytes to read next: never beyond the present message.
  [[nodiscard]] std::size_t wanted() const noexcept {
    return message_size - used_;
  }

  /// Whether a whole message has been received.
  [[nodiscard]] bool has_greeted() const noexcept {
    return greeted_;
  }

  /// Takes up to `wanted()` bytes. Sets `reply` when a message must be sent; otherwise
  /// leaves it unchanged. After `let_in` and `turned_away` nothing more may be read.
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
  std::array<std::uint8_t, 32> challenge_{}; ///< Salt and runtime's nonce.
};

/// The console's side: what it sends, and whether it trusts the reply.
class visitor {
public:
  /// Without a password: the runtime is on a Unix socket.
  explicit visitor(std::optional<std::string> password = {})
    : password_(std::move(password)) {
    // nop
  }

  /// The first message of a connection. Another connection may follow when this one was
  /// closed.
  [[nodiscard]] wire_message hello();

  struct step {
    std::optional<wire_message> reply;
    bool is_in = false;
  };

  /// The next step after a reply. Errors: `invalid_argument` (the runtime refuses, or
  /// does not know the password itself), `system_error` (the peer is not a runtime).
  [[nodiscard]] expected<step> take(const wire_message& answer);

private:
  expected<step> on_challenge(const message& x);
  expected<step> on_welcome(const message& x) const;

  std::optional<std::string> password_;
  /// The key derived from the password, with its salt: a port keeps its salt.
  std::optional<std::pair<salt, secret>> derived_;
  std::array<std::uint8_t, 32> nonce_{};
  std::optional<digest> awaited_; ///< The proof that the runtime must send.
};

} // namespace troupe::gate
