#pragma once

// All metrics of a program. The owner of a number registers its declaration and a
// function that reads the present value. INFO, the console and exporters call
// `collect`.
//
//   counter, gauge, histogram ─┐
//   cells of threads ──────────┼─ add ──► metric_registry ──► collect ──► samples
//   figures of all regions ────┘   └─► metric_registration: keeps the metrics in the
//                                       registry
//
// Invariants
//   1. Each series (name and labels) is registered at most once. All series of a name
//      have the same kind, unit and help; their fields of INFO may differ. No other
//      series has a name of a family (`add_family`).
//   2. When the end of a registration has returned, its function is destroyed and is
//      not called any more. A function that ends its own registration is destroyed when
//      its call has returned.
//   3. The number of registered series never exceeds the limit. A family counts as one
//      series for each name, whatever its function writes.

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include <troupe/messages/types/error.hpp>
#include <troupe/messages/types/metrics/cell_group.hpp>
#include <troupe/messages/types/metrics/cells.hpp>
#include <troupe/messages/types/metrics/metric.hpp>
#include <troupe/messages/types/metrics/metric_of.hpp>

namespace troupe {

namespace detail {

struct metric_source;
struct metric_table;

} // namespace detail

/// Keeps metrics in a registry while it lives. Its destructor waits for a call of their
/// function that runs on another thread. May outlive the registry.
class [[nodiscard]] metric_registration {
public:
  metric_registration() noexcept = default;
  metric_registration(metric_registration&& other) noexcept;
  metric_registration& operator=(metric_registration&& other) noexcept;
  ~metric_registration();

private:
  friend class metric_registry;

  metric_registration(std::shared_ptr<detail::metric_table> where,
                      std::shared_ptr<detail::metric_source> what) noexcept;

  std::shared_ptr<detail::metric_table> where_;
  std::shared_ptr<detail::metric_source> what_;
};

/// The metrics of a program. A handle: copies share the metrics. Thread-safe.
///
/// Errors of `add`: `invalid_argument` (a name or label breaks the rules of metric.hpp,
/// the series is registered already, its field of INFO shows another metric, or its
/// name has another kind, unit or help), `limit_reached` (too many series). After an
/// error, or std::bad_alloc, nothing is registered.
class metric_registry {
public:
  /// Writes the present values, one for each declaration, in their order. They are 0
  /// before the call. Called on any thread, by one thread at a time. Must not throw
  /// anything but std::bad_alloc, and must not wait for a thread that ends a
  /// registration.
  using reader = std::function<void(std::span<metric_value> to)>;

  /// Takes the present values of one member of a family, one for each declaration, in
  /// their order.
  using member_sink
    = std::function<void(metric_labels labels, std::span<const metric_value>)>;

  /// Calls `to` once for each present member of a family, with labels that no other
  /// member has. The rules of `reader` apply.
  using family_reader = std::function<void(const member_sink& to)>;

  /// Returns whether a metric is wanted.
  using filter = std::function<bool(const metric_info&)>;

  /// The default limit of registered series. So many series take about 2 MB.
  static constexpr std::size_t default_limit = 10'000;

  /// A registry without metrics that takes at most `limit` series.
  explicit metric_registry(std::size_t limit = default_limit);

  /// Adds several metrics that one function reads together.
  expected<metric_registration> add(std::vector<metric_info> infos,
                                    metric_labels labels, reader read);

  /// Adds a `counter`, `gauge` or `histogram`, which must outlive the registration.
  template <class Cell>
    requires requires {
      Cell::kind;
    }
  expected<metric_registration> add(metric_info info, const Cell& cell,
                                    metric_labels labels = {}) {
    info.kind = Cell::kind;
    return add(std::vector{info}, std::move(labels),
               [&cell](std::span<metric_value> to) { cell.add_to(to[0]); });
  }

  /// Adds the cells of a struct, which must outlive the registration.
  expected<metric_registration> add(const metric_cells& cells,
                                    metric_labels labels = {});

  /// Adds the sums of the cells of a group, which must outlive the registration.
  template <class Cells>
  expected<metric_registration> add(const cell_group<Cells>& group,
                                    metric_labels labels = {}) {
    return add(group.infos(), std::move(labels),
               [&group](std::span<metric_value> to) { group.sum(to); });
  }

  /// Adds a counter or a gauge, as `info.kind` says, whose value a function returns.
  expected<metric_registration> add(const metric_info& info,
                                    std::function<std::int64_t()> value,
                                    metric_labels labels = {});

  /// Adds metrics that are members of the struct that `take()` returns. The array
  /// `members` must exist until the program ends.
  template <class Figures, std::size_t Count, class F>
  expected<metric_registration>
  add(const std::array<metric_of<Figures>, Count>& members, F take,
      metric_labels labels = {}) {
    std::vector<metric_info> infos;
    infos.reserve(Count);
    for (const auto& x : members)
      infos.push_back(x.info);
    return add(std::move(infos), std::move(labels),
               [&members, take = std::move(take)](std::span<metric_value> to) {
                 const auto figures = take();
                 for (std::size_t i = 0; i < to.size(); ++i)
                   to[i].value = members[i].read(figures);
               });
  }

  /// Adds the same metrics of many things that come and go, such as regions. Nothing is
  /// registered for each of them, so one more takes no memory in the registry.
  expected<metric_registration> add_family(std::vector<metric_info> infos,
                                           family_reader read);

  /// The wanted series with their present values, in the order of registration; all
  /// series when there is no filter. A function is called only if one of its metrics is
  /// wanted. The functions are called one after the other, so the values are not a
  /// snapshot of one moment. Throws std::bad_alloc.
  [[nodiscard]] std::vector<metric_sample> collect(const filter& wanted
                                                   = {}) const;

  /// Number of registered series; see invariant 3.
  [[nodiscard]] std::size_t size() const;

private:
  expected<metric_registration> add(std::shared_ptr<detail::metric_source> x);

  std::shared_ptr<detail::metric_table> table_;
};

} // namespace troupe
