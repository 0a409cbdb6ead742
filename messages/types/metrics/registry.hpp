#pragma once

// All metrics of a program, by name. What counts registers its declarations with a
// function that reads the present values; INFO, the console and exporters ask here.
//
//   counter, gauge, histogram ─┐
//   cells of threads ──────────┼─ add ──► metric_registry ──► collect ──► samples
//   figures of all regions ────┘   └─► metric_registration: the metrics are there for as
//                                       long as it is
//
// Invariants
//   1. A name and its labels are registered once; all series of a name have one
//      declaration, but for the field of INFO. A family (`add_family`) has its names
//      alone.
//   2. After a registration has ended, its function is not called and is destroyed,
//      except where it ends its own registration.
//   3. There are never more registered series than the limit. A family counts as one
//      series per name, whatever its function writes.

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

/// Keeps metrics in a registry while it lives. Its end waits for a call of their function
/// that is under way on another thread. May outlive the registry.
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

/// Thread-safe. A handle: copies share the metrics.
///
/// Errors of `add`, which then has registered nothing: `invalid_argument` (a name or
/// label is not as metric.hpp says, a series or a field of INFO is there already, or the
/// name is there with another kind, unit or help), `limit_reached` (too many series).
class metric_registry {
public:
  /// Writes the present values, one for each declaration, in their order; they are 0
  /// before. Called on any thread, by one at a time. Must not throw anything but
  /// std::bad_alloc, and must not wait for a thread that ends a registration.
  using reader = std::function<void(std::span<metric_value> to)>;

  /// Takes the present values of one member of a family, one for each declaration, in
  /// their order.
  using member_sink
    = std::function<void(metric_labels labels, std::span<const metric_value>)>;

  /// Calls `to` once for each member that a family has now, with labels that no other
  /// member has. Rules as for `reader`.
  using family_reader = std::function<void(const member_sink& to)>;

  /// Whether a metric is wanted.
  using filter = std::function<bool(const metric_info&)>;

  /// Registered series, by default. All of them take about 2 MB.
  static constexpr std::size_t default_limit = 10'000;

  explicit metric_registry(std::size_t limit = default_limit);

  /// Several metrics that are read together.
  expected<metric_registration> add(std::vector<metric_info> infos,
                                    metric_labels labels, reader read);

  /// A `counter`, `gauge` or `histogram`, which must outlive the registration.
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

  /// Cells that are declared in a struct, which must outlive the registration.
  expected<metric_registration> add(const metric_cells& cells,
                                    metric_labels labels = {});

  /// The cells of threads; the group must outlive the registration.
  template <class Cells>
  expected<metric_registration> add(const cell_group<Cells>& group,
                                    metric_labels labels = {}) {
    return add(group.infos(), std::move(labels),
               [&group](std::span<metric_value> to) { group.sum(to); });
  }

  /// A value that exists without a cell; a counter or a gauge, as `info` says.
  expected<metric_registration> add(const metric_info& info,
                                    std::function<std::int64_t()> value,
                                    metric_labels labels = {});

  /// Figures that `take()` returns as a struct, with the metrics that its members are: an
  /// array that exists for as long as the program.
  template <class Figures, std::size_t Count, class F>
  expected<metric_registration>
  add(const std::array<metric_of<Figures>, Count>& members, F take,
      metric_labels labels = {}) {
    std::vector<metric_info> infos;
    for (const auto& x : members)
      infos.push_back(x.info);
    return add(std::move(infos), std::move(labels),
               [&members, take = std::move(take)](std::span<metric_value> to) {
                 const auto figures = take();
                 for (std::size_t i = 0; i < to.size(); ++i)
                   to[i].value = members[i].read(figures);
               });
  }

  /// The same metrics of many things that come and go, such as regions: nothing is
  /// registered for each of them, so that one more takes no memory here.
  expected<metric_registration> add_family(std::vector<metric_info> infos,
                                           family_reader read);

  /// The series that are wanted, all without a filter, in the order in which they were
  /// registered. Functions none of whose metrics is wanted are not called. Each is read
  /// on its own: not a snapshot of one moment. Throws std::bad_alloc.
  [[nodiscard]] std::vector<metric_sample> collect(const filter& wanted
                                                   = {}) const;

  /// Number of registered series; see invariant 3.
  [[nodiscard]] std::size_t size() const;

private:
  expected<metric_registration> add(std::shared_ptr<detail::metric_source> x);

  std::shared_ptr<detail::metric_table> table_;
};

} // namespace troupe
