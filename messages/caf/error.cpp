#include <troupe/messages/caf/error.hpp>

#include <caf/actor_system_config.hpp>
#include <caf/exit_reason.hpp>
#include <caf/make_message.hpp>
#include <caf/sec.hpp>

namespace troupe {

namespace {

std::string text_of(const caf::message& context) {
  if (context.match_elements<std::string>())
    return context.get_as<std::string>(0);
  return {};
}

error from_own(const caf::error& x) {
  const auto code = static_cast<errc>(x.code());
  auto text = text_of(x.context());
  if (code != errc::none && known(code))
    return {code, std::move(text)};
  auto unknown = "unknown error code " + std::to_string(x.code())
                 + "; the peer may run another version";
  if (!text.empty())
    unknown += ": " + text;
  return {errc::system_error, std::move(unknown)};
}

error from_system(const caf::error& x) {
  switch (static_cast<caf::sec>(x.code())) {
    case caf::sec::request_timeout:
      return {errc::timeout, "the request was not answered in time"};
    case caf::sec::request_receiver_down:
      return {errc::shard_down, "the actor ended before it answered"};
    case caf::sec::runtime_error:
      return {errc::shard_down, "the actor crashed on this request"};
    case caf::sec::invalid_argument:
    case caf::sec::unexpected_message:
      return {errc::invalid_argument, caf::actor_system_config::render(x)};
    default:
      return {errc::system_error, caf::actor_system_config::render(x)};
  }
}

error from_exit(const caf::error& x) {
  auto text = caf::actor_system_config::render(x);
  switch (static_cast<caf::exit_reason>(x.code())) {
    case caf::exit_reason::user_shutdown:
      return {errc::shutting_down, std::move(text)};
    case caf::exit_reason::remote_link_unreachable:
      return {errc::system_error, "the connection is lost"};
    default:
      return {errc::shard_down, std::move(text)};
  }
}

} // namespace

caf::error to_caf(const error& x) {
  if (x.code() == errc::none)
    return {};
  return {static_cast<std::uint8_t>(x.code()), error_category,
          caf::make_message(x.text())};
}

error from_caf(const caf::error& x) {
  if (!x)
    return {};
  if (x.category() == error_category)
    return from_own(x);
  if (x.category() == caf::atom("system"))
    return from_system(x);
  if (x.category() == caf::atom("exit"))
    return from_exit(x);
  return {errc::system_error, caf::actor_system_config::render(x)};
}

std::string render_error(std::uint8_t code, caf::atom_value,
                         const caf::message& context) {
  error x{static_cast<errc>(code), text_of(context)};
  if (known(x.code()))
    return to_string(x);
  return "unknown error code " + std::to_string(code)
         + (x.text().empty() ? "" : ": " + x.text());
}

} // namespace troupe
