#pragma once

#include <cstdint>
#include <string_view>

#include <troupe/messages/types/bytes.hpp>
#include <troupe/messages/types/error.hpp>

namespace troupe::testing {

/// The calls of a provider (backends/provider.hpp) that a guard sees. The forms with a
/// completion and the waiting forms of a call have the same name.
enum class provider_operation : std::uint8_t {
  read,
  read_usable,
  read_many,
  set,
  compare_and_set,
  erase,
  compare_and_erase,
  touch,
  increment,
  set_many,
  transform,
  acquire_load,
  commit_load,
  release_load,
  holds_load,
  begin_update,
  commit_update,
  abandon_update,
  clear,
  invalidate_tag,
};

/// Its name as it is spelled above.
[[nodiscard]] std::string_view name_of(provider_operation x) noexcept;

/// A call of a provider. Borrowed: valid during the call of the guard only.
struct provider_call {
  provider_operation operation = provider_operation::read;
  /// The key; of `invalidate_tag` the tag; empty for calls that have neither.
  bytes_view key = {};
};

/// Sees the calls of a `guarded_provider`. Thread-safe.
class provider_guard {
public:
  virtual ~provider_guard() = default;

  /// Runs before a call takes effect, on the caller's thread, and may wait there. An
  /// error becomes the result of the call, which then has no effect, except that a
  /// commit, a release or an abandonment ends its lease in any case. Throws nothing but
  /// std::bad_alloc.
  virtual expected<void> before(const provider_call& what) = 0;

  /// Runs when a call that took effect is about to return. It may wait.
  virtual void after(const provider_call& what) = 0;
};

} // namespace troupe::testing
