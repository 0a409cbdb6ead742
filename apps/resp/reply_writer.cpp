#include "apps/resp/reply_writer.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <string>
#include <utility>

#include "apps/resp/error_text.hpp"

namespace troupe::resp {

void reply_writer::error(std::string_view text) {
  const auto begin = out_.size();
  line('-', text);
  auto* const p = out_.prepare(0) - (out_.size() - begin);
  std::replace_if(
    p, p + text.size() + 1, [](char c) { return c == '\r' || c == '\n'; }, ' ');
}

void reply_writer::number(double x) {
  std::array<char, 32> text;
  auto* end = text.data();
  if (std::isinf(x) || std::isnan(x)) {
    const std::string_view word = std::isnan(x) ? "nan"
                                  : x > 0.0     ? "inf"
                                                : "-inf";
    end = std::copy(word.begin(), word.end(), end);
  } else {
    end = std::to_chars(end, end + text.size(), x).ptr;
  }
  const std::string_view spelled{text.data(),
                                 static_cast<std::size_t>(end - text.data())};
  if (is_resp3_)
    line(',', spelled);
  else
    bulk(spelled);
}

void reply_writer::verbatim(std::string_view text) {
  if (is_resp3_) {
    header('=', static_cast<std::int64_t>(text.size() + 4));
    out_.append("txt:");
    out_.append(text);
    out_.append("\r\n");
  } else {
    bulk(text);
  }
}

void reply_writer::hold(const entry_view& x) {
  const auto size = x.value.size();
  memory::held_value kept{x};
  if (!kept || (pending() - mark_ + size > limit_ && values_ > 0))
    return bulk(x.value);
  ++values_;
  header('$', static_cast<std::int64_t>(size));
  held_->add(out_.size(), std::move(kept));
  out_.append("\r\n");
}

void reply_writer::line(char type, std::string_view text) {
  auto* const p = out_.prepare(text.size() + 3);
  p[0] = type;
  if (!text.empty())
    std::memcpy(p + 1, text.data(), text.size());
  p[text.size() + 1] = '\r';
  p[text.size() + 2] = '\n';
  out_.commit(text.size() + 3);
}

void reply_writer::replace_by_error() {
  rollback();
  error(error_text::reply_too_large(limit_));
}

} // namespace troupe::resp
