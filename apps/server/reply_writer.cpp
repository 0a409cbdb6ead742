#include "apps/server/reply_writer.hpp"

#include <algorithm>

#include "apps/server/error_text.hpp"

namespace troupe::server {

void reply_writer::error(std::string_view text) {
  const auto begin = out_.size();
  line('-', text);
  auto* const p = out_.prepare(0) - (out_.size() - begin);
  std::replace_if(
    p, p + text.size() + 1, [](char c) { return c == '\r' || c == '\n'; }, ' ');
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

} // namespace troupe::server
