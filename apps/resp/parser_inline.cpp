// Inline commands, as people type them: words between blanks, some in quotes.

#include <optional>
#include <string>
#include <utility>

#include "apps/resp/parser.hpp"

namespace troupe::resp {

namespace {

bool is_space(char c) noexcept {
  return c == ' ' || (c >= '\t' && c <= '\r');
}

bool ends_word(char c) noexcept {
  return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

std::optional<unsigned char> hex_digit(char c) noexcept {
  if (c >= '0' && c <= '9')
    return static_cast<unsigned char>(c - '0');
  const auto lower = static_cast<char>(c | 0x20);
  if (lower >= 'a' && lower <= 'f')
    return static_cast<unsigned char>(lower - 'a' + 10);
  return std::nullopt;
}

char unescaped(char c) noexcept {
  switch (c) {
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case 't':
      return '\t';
    case 'b':
      return '\b';
    case 'a':
      return '\a';
    default:
      return c;
  }
}

// One word of an inline command with the quoting rules of redis-cli: "..."
// knows escapes, '...' only \'; a closing quote ends the word.
class word_reader {
public:
  explicit word_reader(bytes_view line) noexcept : rest_(line) {
    // nop
  }

  void skip_spaces() noexcept {
    while (!rest_.empty() && is_space(rest_.front()))
      rest_.remove_prefix(1);
  }

  [[nodiscard]] bool at_end() const noexcept {
    return rest_.empty();
  }

  // The word when it is free of quotes.
  std::optional<bytes_view> plain() noexcept {
    std::size_t n = 0;
    for (; n < rest_.size() && !ends_word(rest_[n]); ++n)
      if (rest_[n] == '"' || rest_[n] == '\'')
        return std::nullopt;
    const auto word = rest_.substr(0, n);
    rest_.remove_prefix(n);
    return word;
  }

  // The word with its quotes resolved; nothing when they are unbalanced.
  std::optional<std::string> quoted() {
    std::string word;
    while (!rest_.empty() && !ends_word(rest_.front())) {
      const auto c = take();
      if (c != '"' && c != '\'') {
        word += c;
        continue;
      }
      if (!(c == '"' ? read_double(word) : read_single(word)))
        return std::nullopt;
      if (!rest_.empty() && !is_space(rest_.front()))
        return std::nullopt;
      break;
    }
    return word;
  }

private:
  char take() noexcept {
    const auto c = rest_.front();
    rest_.remove_prefix(1);
    return c;
  }

  bool read_double(std::string& word) {
    while (!at_end()) {
      const auto c = take();
      if (c == '"')
        return true;
      if (c != '\\' || rest_.empty())
        word += c;
      else if (!read_hex(word))
        word += unescaped(take());
    }
    return false;
  }

  bool read_hex(std::string& word) {
    if (rest_.size() < 3 || rest_[0] != 'x')
      return false;
    const auto high = hex_digit(rest_[1]);
    const auto low = hex_digit(rest_[2]);
    if (!high || !low)
      return false;
    word += static_cast<char>(*high * 16 + *low);
    rest_.remove_prefix(3);
    return true;
  }

  bool read_single(std::string& word) {
    while (!at_end()) {
      const auto c = take();
      if (c == '\'')
        return true;
      if (c == '\\' && !rest_.empty() && rest_.front() == '\'')
        word += take();
      else
        word += c;
    }
    return false;
  }

  bytes_view rest_;
};

} // namespace

parser::step parser::read_inline(bytes_view input, std::size_t offset,
                                 command_batch& out) {
  const auto end = input.find('\n', scan_);
  const auto size = end == bytes_view::npos ? input.size() : end;
  if (size > limits_.line)
    return fail("too big inline request");
  if (end == bytes_view::npos) {
    scan_ = size;
    return step::starved;
  }
  scan_ = end + 1;
  auto line = input.substr(0, end);
  if (line.ends_with('\r'))
    line.remove_suffix(1);
  const auto first = out.words_.size();
  const auto s = split_line(line, out);
  if (s == step::complete && out.words_.size() > first)
    out.commands_.push_back({first, out.words_.size() - first, offset});
  return s;
}

parser::step parser::split_line(bytes_view line, command_batch& out) {
  word_reader reader{line};
  for (reader.skip_spaces(); !reader.at_end(); reader.skip_spaces()) {
    if (const auto word = reader.plain()) {
      out.words_.push_back(*word);
    } else if (auto resolved = reader.quoted()) {
      out.words_.push_back(out.unquoted_.emplace_back(*std::move(resolved)));
    } else {
      return fail("unbalanced quotes in request");
    }
  }
  return step::complete;
}

} // namespace troupe::resp
