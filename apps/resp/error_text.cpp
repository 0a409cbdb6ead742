#include "apps/resp/error_text.hpp"

#include <algorithm>
#include <cctype>

#include <troupe/messages/types/text/glob.hpp>

namespace troupe::resp::error_text {

namespace {

// As much of a client's word as an error repeats; Redis stops there, too, and
// at a NUL.
constexpr std::size_t quoted_size = 128;

std::string_view up_to_nul(bytes_view x, std::size_t size) {
  x = x.substr(0, size);
  return x.substr(0, x.find('\0'));
}

std::string upper(bytes_view x) {
  std::string result{x};
  std::transform(
    result.begin(), result.end(), result.begin(),
    [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return result;
}

std::string with_reason(std::string text, const error& x) {
  if (!x.text().empty())
    text.append(": ").append(x.text());
  return text;
}

} // namespace

std::string long_name(std::size_t most) {
  return "ERR the names of clients and libraries have up to "
         + std::to_string(most) + " bytes";
}

std::string pattern_too_long() {
  return "ERR the pattern has more than " + std::to_string(longest_pattern)
         + " bytes";
}

std::string channel_too_long(std::size_t most) {
  return "ERR the channel has more than " + std::to_string(most) + " bytes";
}

std::string too_many_confirmations(std::size_t most) {
  return "ERR the connection is closed: the confirmations of one command take "
         "more than "
         + std::to_string(most) + " bytes; name fewer topics at once";
}

std::string wrong_arity(std::string_view name) {
  std::string text = "ERR wrong number of arguments for '";
  return text.append(name).append("' command");
}

std::string unknown_command(arguments words) {
  std::string list;
  for (const auto& word : words.subspan(1)) {
    if (list.size() >= quoted_size)
      break;
    list += '\'';
    list.append(up_to_nul(word, quoted_size - (list.size() - 1))).append("' ");
  }
  std::string text = "ERR unknown command '";
  return text.append(up_to_nul(words[0], quoted_size))
    .append("', with args beginning with: ")
    .append(list);
}

std::string not_for_subscribers(std::string_view name) {
  std::string text = "ERR Can't execute '";
  return text.append(name).append(
    "': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are "
    "allowed in this context");
}

std::string wrong_subcommand_call(arguments words) {
  std::string text
    = "ERR unknown subcommand or wrong number of arguments for '";
  return text.append(up_to_nul(words[1], quoted_size))
    .append("'. Try ")
    .append(upper(words[0]))
    .append(" HELP.");
}

std::string unknown_subcommand(arguments words) {
  std::string text = "ERR unknown subcommand '";
  return text.append(up_to_nul(words[1], quoted_size))
    .append("'. Try ")
    .append(upper(words[0]))
    .append(" HELP.");
}

std::string exec_refused(std::string_view why) {
  if (why.starts_with("ERR "))
    why.remove_prefix(4);
  return std::string{"EXECABORT Transaction discarded because of: "}.append(
    why);
}

std::string invalid_expire(std::string_view command) {
  std::string text = "ERR invalid expire time in '";
  return text.append(command).append("' command");
}

std::string unsupported_option(bytes_view option) {
  return std::string{"ERR Unsupported option "}.append(
    up_to_nul(option, option.size()));
}

std::string unrecognized_option(bytes_view option) {
  return std::string{"ERR Unrecognized option '"}
    .append(up_to_nul(option, quoted_size))
    .append("'");
}

std::string hello_option(bytes_view option) {
  return std::string{"ERR Syntax error in HELLO option '"}
    .append(up_to_nul(option, option.size()))
    .append("'");
}

std::string unknown_setting(bytes_view name) {
  return std::string{
    "ERR Unknown option or number of arguments for CONFIG SET - '"}
    .append(up_to_nul(name, quoted_size))
    .append("'");
}

std::string immutable_setting(bytes_view name) {
  return refused_setting(name, "can't set immutable config");
}

std::string refused_setting(bytes_view name, std::string_view reason) {
  return std::string{"ERR CONFIG SET failed (possibly related to argument '"}
    .append(up_to_nul(name, quoted_size))
    .append("') - ")
    .append(reason);
}

std::string reply_too_large(std::size_t limit) {
  return "ERR the reply is larger than " + std::to_string(limit)
         + " bytes; ask for fewer keys at once";
}

std::string of(const error& x) {
  switch (x.code()) {
    case errc::key_too_large:
      return with_reason("ERR key is too large", x);
    case errc::value_too_large:
      return with_reason("ERR value is too large", x);
    case errc::invalid_argument:
      return with_reason("ERR invalid argument", x);
    case errc::not_an_integer:
      return std::string{not_an_integer};
    case errc::integer_overflow:
      return std::string{overflow};
    case errc::limit_reached:
      return std::string{limit_reached};
    case errc::out_of_memory:
      return std::string{out_of_memory};
    case errc::shutting_down:
      return std::string{shutting_down};
    case errc::timeout:
      return with_reason("TRYAGAIN the shard did not answer in time", x);
    case errc::shard_down:
      return with_reason("TRYAGAIN the shard of this key is down", x);
    case errc::overloaded:
      return with_reason("TRYAGAIN the server is overloaded", x);
    default:
      return "ERR internal error: " + to_string(x);
  }
}

} // namespace troupe::resp::error_text
