#include "apps/console/text/words.hpp"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <utility>

namespace troupe::console {

namespace {

bool is_blank(char c) noexcept {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

bool is_printable(char c) noexcept {
  return c >= ' ' && c <= '~';
}

/// Whether the character has a special meaning outside of quotes.
bool is_special(char c) noexcept {
  return is_blank(c) || c == '"' || c == '\'' || c == ';' || c == '\\';
}

std::optional<unsigned> digit(char c) noexcept {
  if (c >= '0' && c <= '9')
    return static_cast<unsigned>(c - '0');
  if (c >= 'a' && c <= 'f')
    return static_cast<unsigned>(c - 'a') + 10;
  if (c >= 'A' && c <= 'F')
    return static_cast<unsigned>(c - 'A') + 10;
  return std::nullopt;
}

std::optional<char> named_escape(char c) noexcept {
  switch (c) {
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case 't':
      return '\t';
    case '0':
      return '\0';
    default:
      return std::nullopt;
  }
}

class splitter {
public:
  explicit splitter(std::string_view line) : line_(line) {
    // nop
  }

  expected<std::vector<word_list>> run() {
    while (at_ < line_.size()) {
      if (auto ok = step(); !ok)
        return tl::unexpected{std::move(ok.error())};
    }
    end_command();
    return std::move(commands_);
  }

private:
  expected<void> step() {
    const char c = line_[at_];
    if (c == '\'')
      return single_quoted();
    if (c == '"')
      return double_quoted();
    if (c == '\\')
      return escape();
    ++at_;
    if (is_blank(c))
      end_word();
    else if (c == ';')
      end_command();
    else
      append(c);
    return {};
  }

  expected<void> single_quoted() {
    const auto end = line_.find('\'', at_ + 1);
    if (end == std::string_view::npos)
      return complain("this quote is never closed");
    open_word() += line_.substr(at_ + 1, end - at_ - 1);
    at_ = end + 1;
    return {};
  }

  expected<void> double_quoted() {
    const auto start = at_++;
    open_word();
    while (at_ < line_.size() && line_[at_] != '"') {
      if (line_[at_] != '\\') {
        append(line_[at_++]);
      } else if (auto ok = escape(); !ok) {
        return ok;
      }
    }
    if (at_ >= line_.size()) {
      at_ = start;
      return complain("this quote is never closed");
    }
    ++at_;
    return {};
  }

  expected<void> escape() {
    if (at_ + 1 == line_.size())
      return complain("nothing follows this backslash");
    const char c = line_[at_ + 1];
    if (c == 'x')
      return hexadecimal();
    if (auto meant = named_escape(c))
      append(*meant);
    else if (is_special(c))
      append(c);
    else
      return complain(
        "unknown escape; use \\xNN \\n \\r \\t \\0 \\\\ \\\" \\'");
    at_ += 2;
    return {};
  }

  expected<void> hexadecimal() {
    const auto code = line_.substr(at_ + 2, 2);
    if (code.size() < 2 || !digit(code[0]) || !digit(code[1]))
      return complain("\\x takes two hexadecimal digits");
    append(static_cast<char>(*digit(code[0]) * 16 + *digit(code[1])));
    at_ += 4;
    return {};
  }

  std::string& open_word() {
    if (!word_)
      word_.emplace();
    return *word_;
  }

  void append(char c) {
    open_word() += c;
  }

  void end_word() {
    if (word_)
      words_.push_back(std::move(*word_));
    word_.reset();
  }

  void end_command() {
    end_word();
    if (!words_.empty())
      commands_.push_back(std::move(words_));
    words_.clear();
  }

  [[nodiscard]] tl::unexpected<error> complain(const char* what) const {
    return fail(errc::invalid_argument,
                "column " + std::to_string(at_ + 1) + ": " + what);
  }

  std::string_view line_;
  std::size_t at_ = 0;
  std::optional<std::string> word_; ///< "" is a word, too.
  word_list words_;
  std::vector<word_list> commands_;
};

void append_escaped(std::string& to, char c) {
  static constexpr char digits[] = "0123456789abcdef";
  if (c == '\n') {
    to += "\\n";
  } else if (c == '\r') {
    to += "\\r";
  } else if (c == '\t') {
    to += "\\t";
  } else if (c == '"' || c == '\\') {
    to += '\\';
    to += c;
  } else if (is_printable(c)) {
    to += c;
  } else {
    const auto code = static_cast<unsigned char>(c);
    to += "\\x";
    to += digits[code / 16];
    to += digits[code % 16];
  }
}

} // namespace

expected<std::vector<word_list>> split(std::string_view line) {
  return splitter{line}.run();
}

std::string quote(bytes_view x) {
  std::string result{'"'};
  for (const char c : x)
    append_escaped(result, c);
  result += '"';
  return result;
}

std::string quote_if_needed(bytes_view x) {
  const bool plain = !x.empty() && std::all_of(x.begin(), x.end(), [](char c) {
    return is_printable(c) && !is_special(c);
  });
  return plain ? std::string{x} : quote(x);
}

} // namespace troupe::console
