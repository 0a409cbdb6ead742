#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>

#include <troupe/backends/memory/entry_view.hpp>
#include <troupe/messages/types/bytes.hpp>
#include <troupe/messages/types/clock.hpp>

namespace troupe::memory {

/// A key and its value in one block: this header, the key's bytes, the value's
/// bytes. Key and value never change once a reader can see the entry; a write
/// publishes another entry. Only a touch changes anything in place: deadline
/// first, version second, so that a reader who saw the old version may be
/// refused a compare-and-set, but never stores over a change it did not see.
class entry {
public:
  /// Bytes of the block for a key and a value of these sizes.
  [[nodiscard]] static std::size_t block_size(std::size_t key_size,
                                              std::size_t value_size) noexcept {
    return sizeof(entry) + key_size + value_size;
  }

  /// Builds an entry in a block of `block_size` bytes. `key` is at most 64 KiB
  /// and `value` at most 512 MiB: the caller checked.
  static entry* make(void* block, bytes_view key, bytes_view value,
                     version_number version, time_point deadline) noexcept {
    auto* x = new (block) entry(key, value, version, deadline);
    if (!key.empty())
      std::memcpy(x->data(), key.data(), key.size());
    if (!value.empty())
      std::memcpy(x->data() + key.size(), value.data(), value.size());
    return x;
  }

  [[nodiscard]] bytes_view key() const noexcept {
    return {data(), key_size_};
  }

  [[nodiscard]] bool has_key(bytes_view x) const noexcept {
    return x.size() == key_size_ && same_bytes(x.data(), data(), x.size());
  }

  [[nodiscard]] bytes_view value() const noexcept {
    return {data() + key_size_, value_size_};
  }

  [[nodiscard]] std::size_t size() const noexcept {
    return block_size(key_size_, value_size_);
  }

  [[nodiscard]] version_number version() const noexcept {
    return version_.load(std::memory_order_acquire);
  }

  [[nodiscard]] time_point deadline() const noexcept {
    return time_point{
      std::chrono::nanoseconds{deadline_.load(std::memory_order_relaxed)}};
  }

  [[nodiscard]] bool expires() const noexcept {
    return deadline() != never;
  }

  /// Asks the clock only when there is a deadline: most reads do without.
  [[nodiscard]] bool live(const clock& time) const noexcept {
    auto x = deadline();
    return x == never || time.now() < x;
  }

  [[nodiscard]] bool dead_at(time_point now) const noexcept {
    return deadline() <= now && expires();
  }

  void touch(time_point deadline, version_number version) noexcept {
    deadline_.store(deadline.time_since_epoch().count(),
                    std::memory_order_relaxed);
    version_.store(version, std::memory_order_release);
  }

  /// The version is read first; see the class comment.
  [[nodiscard]] entry_view view() const noexcept {
    auto v = version();
    return {value(), v, deadline()};
  }

private:
  entry(bytes_view key, bytes_view value, version_number version,
        time_point deadline) noexcept
    : version_(version),
      deadline_(deadline.time_since_epoch().count()),
      value_size_(static_cast<std::uint32_t>(value.size())),
      key_size_(static_cast<std::uint32_t>(key.size())) {
    // nop
  }

  /// Compares keys of 8 to 16 bytes, the most frequent ones, in place: calling
  /// std::memcmp costs more than that.
  [[nodiscard]] static bool same_bytes(const char* x, const char* y,
                                       std::size_t n) noexcept {
    if (n - 8 > 8) [[unlikely]]
      return same_other_bytes(x, y, n);
    auto word = [](const char* from) {
      std::uint64_t result;
      std::memcpy(&result, from, sizeof(result));
      return result;
    };
    return ((word(x) ^ word(y)) | (word(x + n - 8) ^ word(y + n - 8))) == 0;
  }

  /// Apart, so that the compiler keeps the frequent way short.
  [[nodiscard, gnu::noinline]] static bool
  same_other_bytes(const char* x, const char* y, std::size_t n) noexcept {
    return bytes_view{x, n} == bytes_view{y, n};
  }

  [[nodiscard]] char* data() noexcept {
    return reinterpret_cast<char*>(this + 1);
  }

  [[nodiscard]] const char* data() const noexcept {
    return reinterpret_cast<const char*>(this + 1);
  }

  std::atomic<version_number> version_;
  std::atomic<std::int64_t> deadline_;
  std::uint32_t value_size_;
  std::uint32_t key_size_;
};

static_assert(sizeof(entry) == 24);

} // namespace troupe::memory
