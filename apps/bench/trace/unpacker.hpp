#pragma once

#include <functional>
#include <memory>
#include <string_view>

#include <troupe/messages/types/error.hpp>

namespace troupe::bench {

/// Unpacks a stream of xz data that arrives in pieces, through liblzma.
class unpacker {
public:
  /// Who takes the unpacked text, piece by piece; its errors end the work.
  using sink = std::function<expected<void>(std::string_view)>;

  /// Whether data that begins like this was packed by xz.
  [[nodiscard]] static bool recognises(std::string_view data) noexcept;

  /// Errors: `invalid_argument` when this program was built without liblzma,
  /// `out_of_memory`.
  [[nodiscard]] static expected<std::unique_ptr<unpacker>> make();

  virtual ~unpacker() = default;

  /// Takes the next piece of packed data and hands on what is in it.
  /// Errors: `invalid_argument` when the data is damaged, and those of `take`.
  [[nodiscard]] virtual expected<void>
  feed(std::string_view data, const sink& take) = 0;

  /// Hands on the rest, after the last piece.
  /// Errors: as `feed`; also when data is missing at the end.
  [[nodiscard]] virtual expected<void> finish(const sink& take) = 0;
};

} // namespace troupe::bench
