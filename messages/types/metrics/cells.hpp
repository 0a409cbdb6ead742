#pragma once

// The numbers behind metrics. A thread counts in a cell of its own, and a reader adds
// the cells of all threads up. So counting takes no lock and writes no cache line that
// other threads write.
//
//   cells of a thread   a struct derived from `metric_cells`; its members declare the
//                       metrics; one object for each thread (cell_group.hpp)
//   counter, gauge,     single objects that any thread may change; added to a registry
//   histogram           (registry.hpp) with their declaration

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <troupe/messages/types/metrics/histogram_counts.hpp>
#include <troupe/messages/types/metrics/metric.hpp>

namespace troupe {

/// The base of a struct whose members are cells. Each member adds its declaration to
/// the base, in the order of the members:
///
///   struct thread_counters : metric_cells {
///     counter_cell commands{*this, {.name = "app_commands_total",
///                                   .help = "Commands that were executed."}};
///   };
class metric_cells {
public:
  /// A cell, its metric, and the function that adds the cell's value to a sum.
  struct declaration {
    metric_info info;
    const void* cell;
    void (*add_to)(const void* cell, metric_value& sum);
  };

  metric_cells(const metric_cells&) = delete;
  metric_cells& operator=(const metric_cells&) = delete;

  [[nodiscard]] const std::vector<declaration>& declared() const noexcept {
    return declared_;
  }

protected:
  metric_cells() = default;
  ~metric_cells() = default;

private:
  template <class Cell>
  friend void declare(metric_cells& in, metric_info info, const Cell& cell);

  std::vector<declaration> declared_;
};

/// Adds a cell to the list of its struct. The cell must stay at its address. Throws
/// std::bad_alloc.
template <class Cell>
void declare(metric_cells& in, metric_info info, const Cell& cell) {
  info.kind = Cell::kind;
  in.declared_.push_back({info, &cell, [](const void* from, metric_value& sum) {
                            static_cast<const Cell*>(from)->add_to(sum);
                          }});
}

/// A number that only grows. One thread writes at a time; any thread may read.
class counter_cell {
public:
  static constexpr auto kind = metric_kind::counter;

  counter_cell() noexcept = default;

  counter_cell(metric_cells& in, const metric_info& info) {
    declare(in, info, *this);
  }

  counter_cell(const counter_cell&) = delete;
  counter_cell& operator=(const counter_cell&) = delete;

  void add(std::uint64_t n) noexcept {
    // A single writer needs no locked instruction.
    value_.store(value_.load(std::memory_order_relaxed) + n,
                 std::memory_order_relaxed);
  }

  [[nodiscard]] std::uint64_t value() const noexcept {
    return value_.load(std::memory_order_relaxed);
  }

  void add_to(metric_value& sum) const noexcept {
    sum.value += static_cast<std::int64_t>(value());
  }

private:
  std::atomic<std::uint64_t> value_{0};
};

/// A number that only grows and that any thread may increase. Thread-safe; no increase
/// is lost. Threads are spread over 16 cells. `add` takes one locked instruction, and a
/// counter takes 1 KiB.
class counter {
public:
  static constexpr auto kind = metric_kind::counter;

  counter() noexcept = default;

  counter(metric_cells& in, const metric_info& info) {
    declare(in, info, *this);
  }

  counter(const counter&) = delete;
  counter& operator=(const counter&) = delete;

  void add(std::uint64_t n = 1) noexcept {
    cells_[own_number() % cell_count].value.fetch_add(
      n, std::memory_order_relaxed);
  }

  /// The sum. From one call to the next of the same thread it never decreases.
  [[nodiscard]] std::uint64_t value() const noexcept;

  void add_to(metric_value& sum) const noexcept {
    sum.value += static_cast<std::int64_t>(value());
  }

private:
  static constexpr std::size_t cell_count = 16;

  struct alignas(64) cell {
    std::atomic<std::uint64_t> value{0};
  };

  /// The number of the calling thread, given at its first call.
  static std::size_t own_number() noexcept;

  std::array<cell, cell_count> cells_;
};

/// A number that goes up and down. Thread-safe.
class gauge {
public:
  static constexpr auto kind = metric_kind::gauge;

  gauge() noexcept = default;

  gauge(metric_cells& in, const metric_info& info) {
    declare(in, info, *this);
  }

  gauge(const gauge&) = delete;
  gauge& operator=(const gauge&) = delete;

  void add(std::int64_t n) noexcept {
    value_.fetch_add(n, std::memory_order_relaxed);
  }

  void set(std::int64_t x) noexcept {
    value_.store(x, std::memory_order_relaxed);
  }

  [[nodiscard]] std::int64_t value() const noexcept {
    return value_.load(std::memory_order_relaxed);
  }

  void add_to(metric_value& sum) const noexcept {
    sum.value += value();
  }

private:
  std::atomic<std::int64_t> value_{0};
};

/// Counts values by their size (histogram_counts.hpp). Thread-safe. `record` takes two
/// locked instructions, and a histogram takes 4 KiB.
class histogram {
public:
  static constexpr auto kind = metric_kind::histogram;

  histogram() noexcept = default;

  histogram(metric_cells& in, const metric_info& info) {
    declare(in, info, *this);
  }

  histogram(const histogram&) = delete;
  histogram& operator=(const histogram&) = delete;

  void record(std::uint64_t value) noexcept {
    counts_[histogram_counts::bucket_of(value)].fetch_add(
      1, std::memory_order_relaxed);
    sum_.fetch_add(value, std::memory_order_relaxed);
  }

  /// Records a time in nanoseconds. A negative time counts as 0.
  void record(std::chrono::nanoseconds time) noexcept {
    record(static_cast<std::uint64_t>(std::max(time, time.zero()).count()));
  }

  /// The values recorded so far. A value that is recorded during the call may be in the
  /// sum and not in the count, or the other way round.
  [[nodiscard]] histogram_counts counts() const noexcept;

  /// Throws std::bad_alloc.
  void add_to(metric_value& sum) const;

private:
  void add_to(histogram_counts& sum) const noexcept;

  std::array<std::atomic<std::uint64_t>, histogram_counts::bucket_count>
    counts_{};
  std::atomic<std::uint64_t> sum_{0};
};

} // namespace troupe
