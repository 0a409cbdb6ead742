#pragma once

// Traces on disk: a decimal key per line, in the order of access, as plain text
// or compressed by xz.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>

#include <troupe/messages/types/error.hpp>

#include <apps/bench/trace/policy.hpp>

namespace troupe::bench {

/// Builds a trace from the text of its lines, which arrives in pieces.
class trace_reader {
public:
  /// More requests than this are refused; a bound for memory, not a wish.
  static constexpr std::size_t most_requests = 1'000'000'000;

  /// Takes the next piece of text; it may end anywhere in a line.
  /// Errors: `invalid_argument`, with the number of the line; then this object
  /// is of no more use.
  [[nodiscard]] expected<void> feed(std::string_view text);

  /// The trace, after the last piece. The last line needs no newline.
  /// Errors: `invalid_argument` when the last line is bad or there was none.
  [[nodiscard]] expected<key_trace> finish();

private:
  [[nodiscard]] expected<void> end_line();
  [[nodiscard]] tl::unexpected<error> bad_line(const std::string& why) const;

  key_trace trace_;
  std::unordered_map<std::uint64_t, key_id> ids_;
  std::uint64_t key_ = 0;
  bool has_digits_ = false;
};

/// Reads a whole file. Whether it is compressed shows in its first bytes.
/// Errors: `system_error` when it cannot be read, `invalid_argument` when it is
/// no trace or its compressed data is damaged; all name the file.
[[nodiscard]] expected<key_trace> read_trace(const std::string& path);

/// What a report calls the trace in `path`: the name without folders and
/// ending.
[[nodiscard]] std::string trace_name(const std::string& path);

} // namespace troupe::bench
