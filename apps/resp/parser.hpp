#pragma once

// Cuts a stream of bytes into commands (RESP2 arrays of bulk strings, and
// inline commands as people type them).
//
//   bytes of the connection  *2 $3 GET $1 a *1 $4 PI|
//                            └─────┬──────┘ └───┬──┘
//   batch                      GET a          kept as offsets until more comes
//
// Arguments are views of the input, so nothing is copied, and a large value is
// not looked at twice: a command that has not arrived in full continues where
// it stopped. Nothing is allocated in proportion to a length the client
// declares, only to what it has sent.
//
// A large argument need not be in the input: whoever reads from the client may
// take it out (`awaited`, `supply`) and receive it where it is to stay.

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include <troupe/messages/types/bytes.hpp>

#include "apps/resp/arguments.hpp"
#include "apps/resp/defaults.hpp"

namespace troupe::resp {

/// Commands in the order they came. The arguments are valid as long as the
/// input they were parsed from.
class command_batch {
public:
  [[nodiscard]] std::size_t size() const noexcept {
    return commands_.size();
  }

  [[nodiscard]] bool empty() const noexcept {
    return commands_.empty();
  }

  [[nodiscard]] arguments operator[](std::size_t index) const noexcept {
    const auto& x = commands_[index];
    return {words_.data() + x.first, x.count};
  }

  /// Where the command starts in the input of this batch.
  [[nodiscard]] std::size_t offset(std::size_t index) const noexcept {
    return commands_[index].offset;
  }

  /// Keeps its memory, up to a bound.
  void clear();

private:
  friend class parser;

  struct command {
    std::size_t first;
    std::size_t count;
    std::size_t offset;
  };

  std::vector<bytes_view> words_;
  std::vector<command> commands_;
  // Inline arguments whose quotes were resolved.
  std::deque<std::string> unquoted_;
};

struct parser_limits {
  std::size_t arguments = defaults::max_arguments;
  std::size_t bulk = 512UL * 1024 * 1024; ///< Bytes of one argument.
  std::size_t line = defaults::max_line;
  std::size_t command = defaults::max_command;
};

/// Not thread-safe; one per connection.
class parser {
public:
  enum class status {
    starved, ///< Everything complete was taken; more bytes are needed.
    full,    ///< The batch is full; call again.
    broken,  ///< The stream is not RESP; see `error`. Close the connection.
  };

  struct result {
    status state;
    /// Bytes that belong to the commands taken. What follows must come again,
    /// at the beginning of the next input, with what arrived since behind it.
    std::size_t consumed;
  };

  explicit parser(const parser_limits& limits = {}) : limits_(limits) {
    // nop
  }

  /// Appends complete commands to `out` until it holds `max` of them.
  result parse(bytes_view input, command_batch& out,
               std::size_t max = defaults::batch_size);

  /// Why the stream is broken, in Redis's words.
  [[nodiscard]] const std::string& error() const noexcept {
    return error_;
  }

  /// Whether the client may send as much as the limits say, or only what it
  /// takes to authenticate itself, as at a Redis.
  void trust(bool x) noexcept {
    trusted_ = x;
  }

  /// Forgets the incomplete command: its bytes will come again, but for those
  /// that were taken out.
  void reset() noexcept;

  /// An argument of which only a part has come.
  struct argument {
    std::size_t offset; ///< In the input, which begins with its command.
    std::size_t size;   ///< Without the line break behind it.
  };

  /// That which the incomplete command waits for and may be taken out.
  [[nodiscard]] std::optional<argument> awaited() const noexcept;

  /// The argument that is awaited, which was taken out of the input together
  /// with the line break behind it, or what stood there instead. `x` is valid
  /// until `forget_supplied`.
  void supply(bytes_view x, bool ends_in_break);

  /// What keeps track of the words of an incomplete command, in bytes.
  [[nodiscard]] std::size_t held_bytes() const noexcept {
    return set_aside_.capacity() * sizeof(slice);
  }

  /// The command that begins the input is over.
  void forget_supplied() noexcept;

private:
  enum class step { complete, starved, broken };

  /// An argument in the input, or taken out of it.
  struct slice {
    std::size_t offset;
    std::size_t size;
    const char* outside = nullptr;
    bool ends_in_break = true;
  };

  // Each sees the input from the command's first byte on and leaves in `scan_`
  // how much of it was read.
  step read_command(bytes_view input, std::size_t offset, command_batch& out);
  step read_inline(bytes_view input, std::size_t offset, command_batch& out);
  step read_array(bytes_view input, std::size_t offset, command_batch& out);
  step read_header(bytes_view input);
  step read_bulks(bytes_view input, command_batch& out);
  step read_bulk(bytes_view input, slice& where);
  [[nodiscard]] const slice* supplied() const noexcept;
  step read_bulk_size(bytes_view input);
  step read_number(bytes_view input, const char* too_long, const char* invalid,
                   std::int64_t& number);
  step split_line(bytes_view line, command_batch& out);
  void set_aside(bytes_view input, std::size_t first, command_batch& out);
  void bring_back(bytes_view input, command_batch& out);
  step fail(std::string text);

  parser_limits limits_;
  bool trusted_ = true;
  std::size_t scan_ = 0;         // Where to continue in the command.
  std::size_t missing_ = 0;      // Arguments to come; 0: header not read.
  std::int64_t bulk_size_ = -1;  // Of the argument at scan_; -1: not read.
  std::vector<slice> set_aside_; // Arguments of an incomplete command.
  bool at_front_ = true;         // The command begins the input.
  std::vector<slice> supplied_;  // Taken out of the one that does.
  std::size_t outside_ = 0;      // Bytes of these.
  std::string error_;
};

} // namespace troupe::resp
