// The passes of `troupe-bench loads` in which threads wait for each other.

#include <apps/bench/loads/contest.hpp>

#include <atomic>
#include <fstream>
#include <string>
#include <thread>
#include <utility>

#include <unistd.h>

namespace troupe::bench {

namespace {

double nanoseconds_since(stopwatch::time_point from) {
  return std::chrono::duration<double, std::nano>{stopwatch::now() - from}
    .count();
}

/// How many threads have run a loader.
class thread_marks {
public:
  thread_marks() noexcept : number_(next_.fetch_add(1)) {
    // nop
  }

  void mark() noexcept {
    thread_local std::uint64_t seen = 0;
    if (std::exchange(seen, number_) != number_)
      count_.fetch_add(1, std::memory_order_relaxed);
  }

  [[nodiscard]] std::uint64_t count() const noexcept {
    return count_.load();
  }

private:
  static inline std::atomic<std::uint64_t> next_{1};

  const std::uint64_t number_;
  std::atomic<std::uint64_t> count_{0};
};

/// Whether the kernel has put a thread of this process to sleep.
bool sleeps(pid_t thread) {
  std::ifstream file{"/proc/self/task/" + std::to_string(thread) + "/stat"};
  std::string text;
  std::getline(file, text);
  // "number (name) S ...": the name may hold anything.
  const auto end = text.rfind(") ");
  return end != std::string::npos && end + 2 < text.size()
         && text[end + 2] == 'S';
}

/// The figures of a pass of `count` operations, of which each should have loaded.
void end_pass(load_pass& result, stopwatch::time_point begin, std::size_t count,
              std::uint64_t loads, const thread_marks& marks) {
  result.mean = nanoseconds_since(begin) / static_cast<double>(count);
  result.done.operations = count;
  result.done.loads = loads;
  result.due = {count, count, count};
  result.loader_threads = marks.count();
}

} // namespace

load_pass pool_pass(load_contestant& who, const load_keys& keys,
                    std::size_t count) {
  load_pass result;
  result.times.reserve(count);
  std::atomic<std::uint64_t> loads{0};
  thread_marks marks;
  const auto begin = stopwatch::now();
  for (std::size_t i = 0; i < count; ++i) {
    const auto from = stopwatch::now();
    const auto got = who.load(
      keys.key(i),
      [&, i] {
        loads.fetch_add(1, std::memory_order_relaxed);
        marks.mark();
        return std::string{keys.value(i)};
      },
      load_on::pool);
    result.times.push_back(nanoseconds_since(from));
    result.done.right += got.value == keys.value(i) ? 1 : 0;
  }
  end_pass(result, begin, count, loads.load(), marks);
  return result;
}

load_pass burst_pass(load_contestant& who, const load_keys& keys,
                     std::size_t count) {
  load_pass result;
  std::atomic<std::uint64_t> loads{0};
  thread_marks marks;
  const auto begin = stopwatch::now();
  result.done.right = who.load_all(keys, count, [&](std::size_t i) {
    loads.fetch_add(1, std::memory_order_relaxed);
    marks.mark();
    return std::string{keys.value(i)};
  });
  end_pass(result, begin, count, loads.load(), marks);
  return result;
}

load_pass chain_pass(load_contestant& who, const load_keys& keys,
                     std::size_t count) {
  load_pass result;
  thread_marks marks;
  // Of a key and all later ones; each level has the value of the last key.
  const std::function<std::string(std::size_t)> level
    = [&](std::size_t i) -> std::string {
    ++result.done.loads;
    marks.mark();
    if (i + 1 == count)
      return std::string{keys.value(i)};
    auto got = who.load(
      keys.key(i + 1), [&, i] { return level(i + 1); }, load_on::caller);
    result.done.right += got.value == keys.value(count - 1) ? 1 : 0;
    return std::move(got.value);
  };
  const auto begin = stopwatch::now();
  const auto got = who.load(
    keys.key(0), [&] { return level(0); }, load_on::caller);
  result.mean = nanoseconds_since(begin) / static_cast<double>(count);
  result.done.right += got.value == keys.value(count - 1) ? 1 : 0;
  result.done.operations = count;
  result.due = {count, count, count};
  result.loader_threads = marks.count();
  return result;
}

namespace {

/// Loads one after the other, each with the same waiters. A load begins when the waiters
/// of the one before have their value.
class joining {
public:
  joining(load_contestant& who, const load_keys& keys, std::size_t count,
          std::size_t waiters)
    : who_(who),
      keys_(keys),
      count_(count),
      numbers_(waiters),
      times_(waiters) {
    for (auto& x : times_)
      x.reserve(count);
  }

  /// What thread `index` does; 0 loads, the others wait.
  void work(std::size_t index) {
    if (index == 0)
      load_each();
    else
      join_each(index - 1);
  }

  [[nodiscard]] load_pass result() const {
    load_pass result;
    for (std::size_t i = 0; i < count_; ++i) {
      double slowest = 0;
      for (auto& x : times_) {
        result.times.push_back(x[i]);
        slowest = std::max(slowest, x[i]);
      }
      result.slowest.push_back(slowest);
    }
    const auto all = count_ * numbers_.size();
    result.done = {joined_.load(), right_.load(), loads_.load()};
    result.due = {all, all, count_};
    return result;
  }

private:
  /// Until a waiter that does not fall asleep counts as wrong.
  static constexpr std::chrono::seconds patience{10};

  void load_each() {
    for (std::size_t i = 0; i < count_; ++i) {
      asked_.store(0);
      who_.load(
        keys_.key(i),
        [&] {
          loads_.fetch_add(1);
          begun_.store(i + 1);
          begun_.notify_all();
          await_sleepers();
          returned_ = stopwatch::now();
          return std::string{keys_.value(i)};
        },
        load_on::caller);
      for (auto done = done_.load(); done != (i + 1) * numbers_.size();
           done = done_.load())
        done_.wait(done);
    }
  }

  void join_each(std::size_t index) {
    numbers_[index].store(::gettid());
    for (std::size_t i = 0; i < count_; ++i) {
      for (auto begun = begun_.load(); begun <= i; begun = begun_.load())
        begun_.wait(begun);
      asked_.fetch_add(1);
      const auto got = who_.load(
        keys_.key(i),
        [&] {
          loads_.fetch_add(1);
          return std::string{keys_.value(i)};
        },
        load_on::caller);
      times_[index].push_back(nanoseconds_since(returned_));
      joined_.fetch_add(got.origin == load_origin::joined ? 1 : 0);
      right_.fetch_add(got.value == keys_.value(i) ? 1 : 0);
      done_.fetch_add(1);
      done_.notify_one();
    }
  }

  /// Waits until all waiters have asked for the key and sleep. One that sleeps for
  /// another reason, such as a mutex of the contestant, is soon awake: two looks.
  void await_sleepers() {
    const auto until = stopwatch::now() + patience;
    for (auto looks = 0; looks < 2 && stopwatch::now() < until;) {
      auto all = asked_.load() == numbers_.size();
      for (auto i = numbers_.begin(); all && i != numbers_.end(); ++i)
        all = sleeps(i->load());
      looks = all ? looks + 1 : 0;
      std::this_thread::yield();
    }
  }

  load_contestant& who_;
  const load_keys& keys_;
  const std::size_t count_;
  std::vector<std::atomic<pid_t>> numbers_; ///< Of the waiting threads.
  std::vector<load_times> times_;
  std::atomic<std::size_t> asked_{0};
  std::atomic<std::size_t> begun_{0};
  std::atomic<std::size_t> done_{0};
  std::atomic<std::uint64_t> joined_{0};
  std::atomic<std::uint64_t> right_{0};
  std::atomic<std::uint64_t> loads_{0};
  stopwatch::time_point returned_; ///< Written before the waiters get a value.
};

} // namespace

load_pass joined_pass(load_contestant& who, const load_keys& keys,
                      std::size_t count, std::size_t waiters, crew& threads) {
  joining all{who, keys, count, waiters};
  threads.run(waiters + 1, [&](std::size_t i) { all.work(i); });
  return all.result();
}

} // namespace troupe::bench
