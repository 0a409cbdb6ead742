#include "apps/resp/parser.hpp"

#include <algorithm>
#include <cstring>
#include <functional>
#include <optional>
#include <string_view>
#include <utility>

#include <troupe/messages/types/text/integer.hpp>

namespace troupe::resp {

namespace {

// What a batch and a parser keep of their memory: far beyond ordinary use.
constexpr std::size_t kept_words = 16 * 1024;

template <class T>
void clear_and_shrink(std::vector<T>& xs) {
  xs.clear();
  if (xs.capacity() > kept_words)
    xs.shrink_to_fit();
}

} // namespace

void command_batch::clear() {
  clear_and_shrink(words_);
  commands_.clear();
  if (!unquoted_.empty())
    unquoted_.clear();
}

parser::result parser::parse(bytes_view input, command_batch& out,
                             std::size_t max) {
  std::size_t consumed = 0;
  while (out.size() < max) {
    const auto rest = input.substr(consumed);
    if (rest.empty())
      return {status::starved, consumed};
    at_front_ = consumed == 0;
    switch (read_command(rest, consumed, out)) {
      case step::complete:
        consumed += std::exchange(scan_, 0);
        break;
      case step::starved:
        if (rest.size() + (at_front_ ? outside_ : 0) > limits_.command) {
          error_ = "Protocol error: too big command";
          return {status::broken, consumed};
        }
        return {status::starved, consumed};
      case step::broken:
        return {status::broken, consumed};
    }
  }
  return {status::full, consumed};
}

void parser::reset() noexcept {
  scan_ = 0;
  missing_ = 0;
  bulk_size_ = -1;
  set_aside_.clear();
}

// The input that a command waits for was parsed to its end; so the command that
// is incomplete, if any, begins what is left of it.
std::optional<parser::argument> parser::awaited() const noexcept {
  if (missing_ == 0 || bulk_size_ < 0)
    return std::nullopt;
  for (const auto& x : supplied_)
    if (x.offset == scan_)
      return std::nullopt;
  const auto size = static_cast<std::size_t>(bulk_size_);
  if (scan_ + size + outside_ > limits_.command)
    return std::nullopt;
  return argument{scan_, size};
}

void parser::supply(bytes_view x, bool ends_in_break) {
  supplied_.push_back({scan_, x.size(), x.data(), ends_in_break});
  outside_ += x.size();
}

void parser::forget_supplied() noexcept {
  supplied_.clear();
  outside_ = 0;
}

parser::step parser::fail(std::string text) {
  error_ = "Protocol error: " + std::move(text);
  return step::broken;
}

parser::step parser::read_command(bytes_view input, std::size_t offset,
                                  command_batch& out) {
  return input.front() == '*' ? read_array(input, offset, out)
                              : read_inline(input, offset, out);
}

// -- arrays ----------------------------------------------------------------------

parser::step parser::read_array(bytes_view input, std::size_t offset,
                                command_batch& out) {
  if (missing_ == 0)
    if (const auto s = read_header(input);
        s != step::complete || missing_ == 0) // "*0" and "*-1": nothing to do.
      return s;
  const auto first = out.words_.size();
  const auto s = read_bulks(input, out);
  if (s == step::complete)
    out.commands_.push_back({first, out.words_.size() - first, offset});
  return s;
}

parser::step parser::read_header(bytes_view input) {
  scan_ = 1;
  std::int64_t count = 0;
  const auto s = read_number(input, "too big mbulk count string",
                             "invalid multibulk length", count);
  if (s != step::complete)
    return s;
  if (count > 0 && std::cmp_greater(count, limits_.arguments))
    return fail("invalid multibulk length");
  if (!trusted_ && count > 0
      && std::cmp_greater(count, defaults::max_stranger_arguments))
    return fail("unauthenticated multibulk length");
  missing_ = count > 0 ? static_cast<std::size_t>(count) : 0;
  return s;
}

parser::step parser::read_bulks(bytes_view input, command_batch& out) {
  const auto first = out.words_.size();
  const bool continued = !set_aside_.empty();
  // What keeps track of them is many times as large as the shortest.
  const auto most = limits_.command / sizeof(slice);
  auto room = most - std::min(set_aside_.size(), most);
  while (missing_ > 0) {
    slice found{};
    if (const auto s = read_bulk(input, found); s != step::complete) {
      if (s == step::starved)
        set_aside(input, first, out);
      return s;
    }
    if (room-- == 0)
      return fail("too big command");
    if (continued)
      set_aside_.push_back(found);
    else
      out.words_.push_back(found.outside != nullptr
                             ? bytes_view{found.outside, found.size}
                             : input.substr(found.offset, found.size));
    bulk_size_ = -1;
    --missing_;
  }
  if (continued)
    bring_back(input, out);
  return step::complete;
}

// Reads one argument with its length and moves behind it.
parser::step parser::read_bulk(bytes_view input, slice& where) {
  if (bulk_size_ < 0)
    if (const auto s = read_bulk_size(input); s != step::complete)
      return s;
  const auto size = static_cast<std::size_t>(bulk_size_);
  if (const auto* x = supplied(); x != nullptr) [[unlikely]] {
    where = *x;
    return x->ends_in_break ? step::complete : fail("invalid bulk terminator");
  }
  if (input.size() - scan_ < size + 2)
    return step::starved;
  if (input[scan_ + size] != '\r' || input[scan_ + size + 1] != '\n')
    return fail("invalid bulk terminator");
  where = {scan_, size};
  scan_ += size + 2;
  return step::complete;
}

// What was taken out where the next argument would stand.
const parser::slice* parser::supplied() const noexcept {
  if (supplied_.empty() || !at_front_) [[likely]]
    return nullptr;
  for (const auto& x : supplied_)
    if (x.offset == scan_)
      return &x;
  return nullptr;
}

parser::step parser::read_bulk_size(bytes_view input) {
  if (scan_ == input.size())
    return step::starved;
  if (input[scan_] != '$') {
    // Redis waits for the line's end before it judges the byte.
    if (std::memchr(input.data() + scan_, '\r', input.size() - scan_)
        == nullptr)
      return input.size() - scan_ > limits_.line
               ? fail("too big bulk count string")
               : step::starved;
    return fail(std::string{"expected '$', got '"} + input[scan_] + "'");
  }
  const auto begin = scan_++;
  std::int64_t size = 0;
  const auto s = read_number(input, "too big bulk count string",
                             "invalid bulk length", size);
  if (s != step::complete) {
    scan_ = begin;
    return s;
  }
  if (size < 0 || std::cmp_greater(size, limits_.bulk))
    return fail("invalid bulk length");
  if (!trusted_ && std::cmp_greater(size, defaults::max_stranger_bulk))
    return fail("unauthenticated bulk length");
  bulk_size_ = size;
  return s;
}

// Reads "<digits>\r\n" at scan_ and moves behind it.
parser::step parser::read_number(bytes_view input, const char* too_long,
                                 const char* invalid, std::int64_t& number) {
  const auto rest = input.substr(scan_);
  // The common case: one to four digits, all there.
  std::size_t n = 0;
  std::int64_t value = 0;
  while (n < rest.size() && n < 4 && rest[n] >= '0' && rest[n] <= '9')
    value = value * 10 + (rest[n++] - '0');
  if (n > 0 && n + 1 < rest.size() && rest[n] == '\r' && rest[n + 1] == '\n'
      && (rest[0] != '0' || n == 1)) [[likely]] {
    number = value;
    scan_ += n + 2;
    return step::complete;
  }
  const auto end = rest.find('\r');
  if (end == bytes_view::npos)
    return rest.size() > limits_.line ? fail(too_long) : step::starved;
  if (end + 1 == rest.size())
    return step::starved;
  const auto parsed = parse_integer(rest.substr(0, end));
  if (!parsed || rest[end + 1] != '\n')
    return fail(invalid);
  number = *parsed;
  scan_ += end + 2;
  return step::complete;
}

// Words found so far are kept as offsets: the input may move before the rest
// of the command arrives.
void parser::set_aside(bytes_view input, std::size_t first,
                       command_batch& out) {
  const auto* const begin = input.data();
  for (auto i = first; i < out.words_.size(); ++i) {
    const auto& word = out.words_[i];
    const auto inside
      = std::less_equal<>{}(begin, word.data())
        && std::less_equal<>{}(word.data() + word.size(), begin + input.size());
    if (inside)
      set_aside_.push_back(
        {static_cast<std::size_t>(word.data() - begin), word.size()});
    else
      set_aside_.push_back({0, word.size(), word.data()});
  }
  out.words_.resize(first);
}

void parser::bring_back(bytes_view input, command_batch& out) {
  for (const auto& x : set_aside_)
    out.words_.push_back(x.outside != nullptr ? bytes_view{x.outside, x.size}
                                              : input.substr(x.offset, x.size));
  clear_and_shrink(set_aside_);
}

} // namespace troupe::resp
