#pragma once

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>

#include <troupe/backends/entry_view.hpp>
#include <troupe/messages/types/bytes.hpp>

#include "apps/net/byte_buffer.hpp"
#include "apps/resp/defaults.hpp"
#include "apps/resp/reply_buffer.hpp"

namespace troupe::resp {

/// Appends replies in RESP2 or RESP3 to a buffer. A command's reply stands
/// between `begin` and `end`, so that it can be taken back as long as it is not
/// finished, and is bounded in size.
class reply_writer {
public:
  /// `out` outlives the writer. A reply of more than `limit` bytes becomes an
  /// error, unless it is one single value.
  explicit reply_writer(net::byte_buffer& out,
                        std::size_t limit = defaults::max_reply) noexcept
    : out_(out), limit_(limit) {
    // nop
  }

  /// As above, but large values are not copied.
  explicit reply_writer(reply_buffer& out,
                        std::size_t limit = defaults::max_reply) noexcept
    : out_(out.bytes), held_(&out.values), limit_(limit) {
    // nop
  }

  /// The version of the protocol from now on: 2 (as at first) or 3. What RESP2
  /// has no type for is spelled as Redis spells it there.
  void protocol(int version) noexcept {
    is_resp3_ = version == 3;
  }

  /// Starts the reply of the next command.
  void begin() noexcept {
    mark_ = pending();
    values_ = 0;
    too_large_ = false;
  }

  /// Takes back what was written since `begin`.
  void rollback() noexcept {
    truncate(mark_);
  }

  /// Finishes the reply: exchanges one that grew too large for an error.
  void end() {
    if (too_large_) [[unlikely]]
      replace_by_error();
  }

  /// Bytes written and not yet sent.
  [[nodiscard]] std::size_t pending() const noexcept {
    return out_.size() + (held_ != nullptr ? held_->size() : 0);
  }

  /// Takes back whole replies, down to so many bytes `pending`.
  void truncate(std::size_t pending) noexcept {
    if (held_ != nullptr && held_->size() > 0) [[unlikely]] {
      held_->truncate(pending);
      pending -= held_->size();
    }
    out_.truncate(pending);
    begin();
  }

  /// Has `f` write what belongs to no command's reply: rolled back with none,
  /// and of any size. What was written since `begin` is finished by it.
  template <class F>
  void aside(F&& f) {
    const auto limit = std::exchange(limit_, static_cast<std::size_t>(-1));
    const auto start = out_.size();
    f();
    limit_ = limit;
    if (keeps_asides_)
      asides_.append(out_.view().substr(start));
    begin();
  }

  /// From now on remembers what is written aside, or does no more.
  void keep_asides(bool on) noexcept {
    keeps_asides_ = on;
    asides_.clear();
  }

  /// As `truncate`, but what was written aside since `keep_asides` stays.
  void truncate_to_asides(std::size_t pending) {
    truncate(pending);
    out_.append(asides_);
    begin();
  }

  // -- in both versions ----------------------------------------------------------

  /// "+text": a fixed word such as OK; no line breaks.
  void simple(std::string_view text) {
    line('+', text);
  }

  void ok() {
    out_.append("+OK\r\n");
  }

  /// "-text": begins with the error's kind, such as ERR. Line breaks in it
  /// become spaces.
  void error(std::string_view text);

  void integer(std::int64_t x) {
    header(':', x);
  }

  /// A byte string of any content.
  void bulk(bytes_view x) {
    if (pending() - mark_ + x.size() > limit_ && values_ > 0) [[unlikely]] {
      too_large_ = true;
      return;
    }
    ++values_;
    auto* const begin = out_.prepare(x.size() + header_size + 2);
    auto* p = put_header(begin, '$', static_cast<std::int64_t>(x.size()));
    if (!x.empty())
      std::memcpy(p, x.data(), x.size());
    p += x.size();
    *p++ = '\r';
    *p++ = '\n';
    out_.commit(static_cast<std::size_t>(p - begin));
  }

  /// The value of an entry, during its visit. A large one is not copied.
  void value(const entry_view& x) {
    if (held_ != nullptr && x.value.size() >= defaults::large_value)
      [[unlikely]]
      hold(x);
    else
      bulk(x.value);
  }

  /// Announces `size` elements.
  void array(std::size_t size) {
    header('*', static_cast<std::int64_t>(size));
  }

  // -- types of RESP3, and what stands for them in RESP2 -------------------------

  /// No such value; in RESP2 a bulk string that is none.
  void null() {
    out_.append(is_resp3_ ? std::string_view{"_\r\n"} : "$-1\r\n");
  }

  /// No such list; in RESP2 an array that is none.
  void null_array() {
    out_.append(is_resp3_ ? std::string_view{"_\r\n"} : "*-1\r\n");
  }

  /// Announces `pairs` keys, each followed by its value; in RESP2 an array.
  void map(std::size_t pairs) {
    if (is_resp3_)
      header('%', static_cast<std::int64_t>(pairs));
    else
      array(pairs * 2);
  }

  /// Announces `size` elements in no order; in RESP2 an array.
  void set(std::size_t size) {
    header(is_resp3_ ? '~' : '*', static_cast<std::int64_t>(size));
  }

  /// Announces `size` elements that no command asked for; in RESP2 an array.
  void push(std::size_t size) {
    header(is_resp3_ ? '>' : '*', static_cast<std::int64_t>(size));
  }

  /// In RESP2 the integer 1 or 0.
  void boolean(bool x) {
    if (is_resp3_)
      out_.append(x ? "#t\r\n" : "#f\r\n");
    else
      integer(x ? 1 : 0);
  }

  /// The shortest spelling that reads back as `x`; in RESP2 a bulk string.
  void number(double x);

  /// Text for people to read; in RESP2 a bulk string.
  void verbatim(std::string_view text);

private:
  // Type, sign, 19 digits, line break.
  static constexpr std::size_t header_size = 24;

  static char* put_header(char* p, char type, std::int64_t x) noexcept {
    *p++ = type;
    if (x >= 0 && x < 10)
      *p++ = static_cast<char>('0' + x);
    else
      p = std::to_chars(p, p + 20, x).ptr;
    *p++ = '\r';
    *p++ = '\n';
    return p;
  }

  void header(char type, std::int64_t x) {
    auto* const begin = out_.prepare(header_size);
    auto* const end = put_header(begin, type, x);
    out_.commit(static_cast<std::size_t>(end - begin));
  }

  void hold(const entry_view& x);
  void line(char type, std::string_view text);
  void replace_by_error();

  net::byte_buffer& out_;
  held_values* held_ = nullptr; ///< None: all is copied.
  std::size_t limit_;
  std::size_t mark_ = 0;
  std::size_t values_ = 0;
  bool too_large_ = false;
  bool is_resp3_ = false;
  bool keeps_asides_ = false;
  std::string asides_;
};

} // namespace troupe::resp
