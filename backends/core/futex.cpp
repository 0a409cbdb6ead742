#include <troupe/backends/core/futex.hpp>

#include <cerrno>
#include <climits>
#include <ctime>

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <troupe/backends/core/wait_hook.hpp>

namespace troupe {

namespace {

long futex(const futex_word* word, int operation, std::uint32_t value,
           const timespec* timeout) noexcept {
  return ::syscall(SYS_futex, word, operation | FUTEX_PRIVATE_FLAG, value,
                   timeout, nullptr, 0);
}

} // namespace

bool futex_wait(const futex_word& word, std::uint32_t value,
                std::optional<std::chrono::nanoseconds> timeout) noexcept {
  if (timeout && timeout->count() <= 0)
    return false;
  if (auto* const hook = wait_hook::present()) [[unlikely]]
    return hook->wait(word, value, timeout);
  if (!timeout) {
    futex(&word, FUTEX_WAIT, value, nullptr);
    return true;
  }
  constexpr std::int64_t second = 1'000'000'000;
  timespec relative{};
  relative.tv_sec = static_cast<time_t>(timeout->count() / second);
  relative.tv_nsec = static_cast<long>(timeout->count() % second);
  return futex(&word, FUTEX_WAIT, value, &relative) == 0 || errno != ETIMEDOUT;
}

void futex_wake_one(const futex_word* word) noexcept {
  futex(word, FUTEX_WAKE, 1, nullptr);
}

void futex_wake_all(const futex_word* word) noexcept {
  futex(word, FUTEX_WAKE, INT_MAX, nullptr);
}

} // namespace troupe
