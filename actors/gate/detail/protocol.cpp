#include <troupe/actors/gate/detail/protocol.hpp>

#include <algorithm>

namespace troupe::gate {

namespace {

/// The first bytes of every message of this version.
constexpr std::array<std::uint8_t, 7> beginning{'T', 'R', 'O', 'U',
                                                'P', 'E', 1};

constexpr std::size_t kind_at = beginning.size();
constexpr std::size_t content_at = kind_at + 1;

static_assert(content_at + sizeof(message::content) == message_size);

// What each side's proof covers besides the random numbers, so that neither can be
// sent back to the other.
constexpr std::string_view console_label = "troupe console 1";
constexpr std::string_view runtime_label = "troupe runtime 1";

salt salt_of(const std::array<std::uint8_t, 32>& challenge) noexcept {
  salt result{};
  std::copy_n(challenge.begin(), result.size(), result.begin());
  return result;
}

} // namespace

// -- messages ----------------------------------------------------------------------

wire_message encode(const message& x) noexcept {
  wire_message result{};
  std::copy(beginning.begin(), beginning.end(), result.begin());
  result[kind_at] = static_cast<std::uint8_t>(x.kind);
  std::copy(x.content.begin(), x.content.end(), result.begin() + content_at);
  return result;
}

wire_message encode(refusal why) noexcept {
  return encode(message{kind::refusal, {static_cast<std::uint8_t>(why)}});
}

bool may_be_message(std::span<const std::uint8_t> begin) noexcept {
  const auto size = std::min(begin.size(), beginning.size());
  if (!std::equal(begin.begin(), begin.begin() + size, beginning.begin()))
    return false;
  return begin.size() <= kind_at
         || (begin[kind_at] >= static_cast<std::uint8_t>(kind::hello)
             && begin[kind_at] <= static_cast<std::uint8_t>(kind::refusal));
}

std::optional<message> decode(const wire_message& from) noexcept {
  if (!may_be_message(from))
    return {};
  message result;
  result.kind = static_cast<gate::kind>(from[kind_at]);
  std::copy_n(from.begin() + content_at, result.content.size(),
              result.content.begin());
  return result;
}

std::string_view text_of(const message& refused) noexcept {
  switch (static_cast<refusal>(refused.content[0])) {
    case refusal::wrong_password:
      return "the password is wrong";
    case refusal::wrong_user:
      return "only the user who runs it, and root, may use this socket";
    case refusal::too_many:
      return "as many consoles as it takes are connected; end one of them";
  }
  return "it refuses for a reason that only a newer version knows";
}

// -- the runtime's side ------------------------------------------------------------

doorkeeper::verdict doorkeeper::take(std::span<const std::uint8_t> bytes,
                                     std::optional<wire_message>& reply) {
  std::copy(bytes.begin(), bytes.end(),
            in_.begin() + static_cast<std::ptrdiff_t>(used_));
  used_ += bytes.size();
  // A peer with another protocol is refused at its first byte.
  if (!may_be_message({in_.data(), used_}))
    return verdict::turned_away;
  if (used_ < message_size)
    return verdict::waits;
  used_ = 0;
  const auto whole = decode(in_);
  return whole ? on_message(*whole, reply) : verdict::turned_away;
}

doorkeeper::verdict doorkeeper::on_message(const message& x,
                                           std::optional<wire_message>& reply) {
  if (!greeted_ && x.kind == kind::hello) {
    greeted_ = true;
    nonce_ = x.content;
    if (key_ == nullptr) {
      reply = encode(message{kind::welcome, {}});
      return verdict::let_in;
    }
    std::copy(salt_.begin(), salt_.end(), challenge_.begin());
    fill_random(std::span{challenge_}.subspan(salt_.size()));
    reply = encode(message{kind::challenge, challenge_});
    return verdict::waits;
  }
  if (greeted_ && key_ != nullptr && x.kind == kind::proof) {
    if (!equal(key_->sign(console_label, challenge_, nonce_), x.content)) {
      reply = encode(refusal::wrong_password);
      return verdict::turned_away;
    }
    reply = encode(
      message{kind::welcome, key_->sign(runtime_label, challenge_, nonce_)});
    return verdict::let_in;
  }
  return verdict::turned_away;
}

// -- the console's side ------------------------------------------------------------

wire_message visitor::hello() {
  fill_random(nonce_);
  awaited_.reset();
  return encode(message{kind::hello, nonce_});
}

expected<visitor::step> visitor::take(const wire_message& answer) {
  const auto x = decode(answer);
  if (x && x->kind == kind::refusal)
    return fail(errc::invalid_argument, std::string{text_of(*x)});
  if (x && x->kind == kind::challenge && !awaited_)
    return on_challenge(*x);
  if (x && x->kind == kind::welcome)
    return on_welcome(*x);
  return fail(errc::system_error,
              "it does not answer as the console port of a troupe server of "
              "this version");
}

expected<visitor::step> visitor::on_challenge(const message& x) {
  if (!password_)
    return fail(errc::invalid_argument, "it asks for a password");
  const auto with = salt_of(x.content);
  if (!derived_ || derived_->first != with) {
    auto key = secret::derive(*password_, with);
    if (!key)
      return tl::unexpected{std::move(key.error())};
    derived_.emplace(with, *key);
  }
  const auto& key = derived_->second;
  awaited_ = key.sign(runtime_label, x.content, nonce_);
  return step{
    encode(message{kind::proof, key.sign(console_label, x.content, nonce_)}),
    false};
}

expected<visitor::step> visitor::on_welcome(const message& x) const {
  // A program that lets a console in without a proof, where a password is expected, may
  // be any program.
  if (password_.has_value() != awaited_.has_value())
    return fail(errc::invalid_argument, "it does not ask for the password");
  if (awaited_ && !equal(*awaited_, x.content))
    return fail(errc::invalid_argument, "it does not know the password itself");
  return step{{}, true};
}

} // namespace troupe::gate
