#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <optional>

namespace troupe {

/// A word that threads can wait on: Linux's futex. `std::atomic::wait` has no deadline,
/// and its notify formally needs a living object, which a waiter with the word on its
/// own stack cannot guarantee. The system call uses only the address.
using futex_word = std::atomic<std::uint32_t>;

/// Blocks while `word` holds `value`, until a wake, a spurious return, or the
/// end of `timeout` (none: no limit). The caller checks `word` again. Returns
/// false only when the timeout ended the wait.
bool futex_wait(const futex_word& word, std::uint32_t value,
                std::optional<std::chrono::nanoseconds> timeout
                = std::nullopt) noexcept;

/// Wakes one waiter on the word at this address. The word may be destroyed already:
/// nothing is read, and a wake at a reused address is a spurious one.
void futex_wake_one(const futex_word* word) noexcept;

/// Wakes all waiters on the word at this address.
void futex_wake_all(const futex_word* word) noexcept;

} // namespace troupe
