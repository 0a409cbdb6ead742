#include "histories/recorder.hpp"

#include <stdexcept>

namespace histories {

namespace {

/// The log that a thread got last, and the recorder it is of.
struct known_log {
  std::uint64_t generation = 0;
  operation_log* log = nullptr;
};

thread_local known_log known;

/// Before a log grows: more than a round of the default length records.
constexpr std::size_t usual_records = 4096;

} // namespace

operation_log& recorder::mine() {
  if (known.generation == generation_) [[likely]]
    return *known.log;
  std::lock_guard guard{mutex_};
  if (logs_.size() > 255)
    throw std::length_error{"a recorder has logs for up to 256 threads"};
  auto made = std::make_unique<operation_log>();
  made->thread = static_cast<std::uint8_t>(logs_.size());
  made->operations.reserve(usual_records);
  known = {generation_, made.get()};
  logs_.push_back(std::move(made));
  return *known.log;
}

void recorder::clear() noexcept {
  for (auto& x : logs_) {
    x->operations.clear();
    x->loads.clear();
  }
}

std::uint64_t recorder::next_generation() noexcept {
  static std::atomic<std::uint64_t> last{0};
  return last.fetch_add(1, std::memory_order_relaxed) + 1;
}

} // namespace histories
