#include <troupe/messages/types/error.hpp>

namespace troupe {

std::string_view to_string(errc code) noexcept {
  switch (code) {
    case errc::none:
      return "none";
    case errc::key_too_large:
      return "key_too_large";
    case errc::value_too_large:
      return "value_too_large";
    case errc::invalid_argument:
      return "invalid_argument";
    case errc::not_an_integer:
      return "not_an_integer";
    case errc::integer_overflow:
      return "integer_overflow";
    case errc::encode_failed:
      return "encode_failed";
    case errc::decode_failed:
      return "decode_failed";
    case errc::type_mismatch:
      return "type_mismatch";
    case errc::unknown_region:
      return "unknown_region";
    case errc::unknown_actor:
      return "unknown_actor";
    case errc::unknown_load:
      return "unknown_load";
    case errc::load_failed:
      return "load_failed";
    case errc::load_timeout:
      return "load_timeout";
    case errc::load_cancelled:
      return "load_cancelled";
    case errc::load_cycle:
      return "load_cycle";
    case errc::circuit_open:
      return "circuit_open";
    case errc::update_failed:
      return "update_failed";
    case errc::timeout:
      return "timeout";
    case errc::shard_down:
      return "shard_down";
    case errc::overloaded:
      return "overloaded";
    case errc::limit_reached:
      return "limit_reached";
    case errc::out_of_memory:
      return "out_of_memory";
    case errc::shutting_down:
      return "shutting_down";
    case errc::system_error:
      return "system_error";
    case errc::unsupported:
      return "unsupported";
    case errc::end:
      break;
  }
  return "unknown";
}

std::string to_string(const error& x) {
  std::string result{to_string(x.code())};
  if (!x.text().empty()) {
    result += ": ";
    result += x.text();
  }
  return result;
}

const error& detail::no_error() noexcept {
  static const error none;
  return none;
}

} // namespace troupe
