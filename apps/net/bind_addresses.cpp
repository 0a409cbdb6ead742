#include "apps/net/bind_addresses.hpp"

#include <algorithm>
#include <utility>

namespace troupe::net {

namespace asio = boost::asio;

namespace {

/// As Redis.
constexpr std::size_t most_addresses = 16;

expected<asio::ip::address> parse_address(std::string_view text) {
  if (text == "localhost")
    text = "127.0.0.1";
  else if (text == "*")
    text = "0.0.0.0";
  else if (text == "::*")
    text = "::";
  boost::system::error_code code;
  auto result = asio::ip::make_address(std::string{text}, code);
  if (code)
    return fail(errc::invalid_argument,
                "'" + std::string{text}
                  + "' is not an IP address (examples: 127.0.0.1, ::1); "
                    "separate several addresses by blanks");
  return result;
}

} // namespace

std::string bind_address::text() const {
  return (optional ? "-" : "") + where.to_string();
}

expected<std::vector<bind_address>> parse_bind(std::string_view text) {
  constexpr std::string_view between = " \t,";
  std::vector<bind_address> result;
  while (true) {
    text.remove_prefix(std::min(text.find_first_not_of(between), text.size()));
    if (text.empty())
      break;
    auto word = text.substr(0, text.find_first_of(between));
    text.remove_prefix(word.size());
    const auto optional = word.size() > 1 && word.front() == '-';
    if (optional)
      word.remove_prefix(1);
    auto where = parse_address(word);
    if (!where)
      return tl::unexpected{std::move(where.error())};
    const auto same = [&](const auto& x) { return x.where == *where; };
    if (std::none_of(result.begin(), result.end(), same))
      result.push_back({*where, optional});
  }
  if (result.empty())
    return fail(errc::invalid_argument,
                "no address to listen on (default of bind: 127.0.0.1)");
  if (result.size() > most_addresses)
    return fail(errc::invalid_argument,
                std::to_string(result.size())
                  + " addresses to listen on; allowed: up to "
                  + std::to_string(most_addresses));
  return result;
}

std::string text_of(const std::vector<bind_address>& all) {
  std::string result;
  for (const auto& x : all)
    result.append(result.empty() ? "" : " ").append(x.text());
  return result;
}

bool is_loopback(const std::string& bind) {
  const auto all = parse_bind(bind);
  return all && std::all_of(all->begin(), all->end(), [](const auto& x) {
           return x.where.is_loopback();
         });
}

expected<void> check_bind(const std::string& bind, bool guarded) {
  const auto all = parse_bind(bind);
  if (!all)
    return tl::unexpected{all.error()};
  if (!is_loopback(bind) && !guarded)
    return fail(errc::invalid_argument,
                "--bind=" + bind
                  + " is refused: other machines could reach that address "
                    "without authentication; set a password in "
                    "TROUPE_PASSWORD or with password=... below [server] in "
                    "the configuration file, or let only clients in that show "
                    "a certificate (--no-plain, --tls-auth-clients=yes), or "
                    "use 127.0.0.1 or ::1");
  return {};
}

} // namespace troupe::net
