#include <troupe/messages/types/metrics/registry.hpp>

#include <algorithm>
#include <map>
#include <mutex>
#include <set>
#include <string>

namespace troupe {

namespace detail {

namespace {

std::string series_name(const metric_info& x, const metric_labels& labels) {
  const auto text = text_of(labels);
  return std::string{x.name} + (text.empty() ? text : "{" + text + "}");
}

/// "section/name" of a metric's field of INFO; empty when INFO does not show it.
std::string field_name(const metric_info& x) {
  if (x.info.name.empty())
    return {};
  return std::string{x.info.section} + "/" + std::string{x.info.name};
}

} // namespace

/// Metrics that are read together: a family, or series with the same labels.
struct metric_source {
  std::vector<metric_info> infos;
  metric_labels labels; ///< Of a family: none.
  bool is_family = false;

  /// Held while the function runs. Recursive, because the function may end its own
  /// registration.
  std::recursive_mutex mutex;
  metric_registry::family_reader
    read; ///< Empty once the registration has ended.
  bool is_running = false;
  bool has_ended = false;

  std::uint64_t number = 0; ///< Its place in the order of registrations.
};

/// The content of a registry.
struct metric_table {
  /// The number of series that share a name or a field of INFO.
  struct shared_name {
    metric_info info; ///< Of the first series.
    std::size_t series = 0;
    bool is_family = false;
  };

  explicit metric_table(std::size_t most) : limit(most) {
    // nop
  }

  /// Adds a source. Errors: the errors of `metric_registry::add`.
  expected<void> add(const std::shared_ptr<metric_source>& x);

  void remove(const metric_source& x) noexcept;

  const std::size_t limit;

  /// Guards the members below. No function of a source runs under it.
  mutable std::mutex mutex;
  std::uint64_t next = 0;
  std::map<std::uint64_t, std::shared_ptr<metric_source>> sources;
  std::set<std::string> series;
  std::map<std::string, shared_name, std::less<>> names;
  std::map<std::string, shared_name> fields; ///< Of INFO.

private:
  expected<void> add(const metric_info& x, const metric_source& of);
  void remove(const metric_info& x, const metric_source& of);
};

expected<void> metric_table::add(const metric_info& x,
                                 const metric_source& of) {
  if (auto ok = check(x); !ok)
    return ok;
  const auto refuse
    = [name = series_name(x, of.labels)](const std::string& why) {
        return fail(errc::invalid_argument, "metric '" + name + "' " + why);
      };
  if (series.size() >= limit)
    return fail(errc::limit_reached,
                "there are already " + std::to_string(limit)
                  + " series of metrics, which is the limit");
  if (const auto i = names.find(x.name); i != names.end()) {
    const auto& other = i->second.info;
    if (other.kind != x.kind || other.unit != x.unit || other.help != x.help)
      return refuse("has another kind, unit or help than the series of its "
                    "name that are registered");
    if (of.is_family || i->second.is_family)
      return refuse("is registered already, and a family has its names alone");
  }
  const auto field = field_name(x);
  if (const auto i = fields.find(field); i != fields.end())
    if (i->second.info.name != x.name)
      return refuse("cannot be shown as '" + field + "' of INFO, because '"
                    + std::string{i->second.info.name} + "' is shown there");
  if (!series.insert(series_name(x, of.labels)).second)
    return refuse("is registered already");
  const auto count = [&x, &of](shared_name& to) {
    if (to.series++ == 0) {
      to.info = x;
      to.is_family = of.is_family;
    }
  };
  count(names[std::string{x.name}]);
  if (!field.empty())
    count(fields[field]);
  return {};
}

void metric_table::remove(const metric_info& x, const metric_source& of) {
  const auto uncount = [](auto& in, auto i) {
    if (--i->second.series == 0)
      in.erase(i);
  };
  series.erase(series_name(x, of.labels));
  uncount(names, names.find(x.name));
  if (const auto i = fields.find(field_name(x)); i != fields.end())
    uncount(fields, i);
}

expected<void> metric_table::add(const std::shared_ptr<metric_source>& x) {
  if (auto ok = check(x->labels); !ok)
    return ok;
  std::lock_guard guard{mutex};
  for (std::size_t i = 0; i < x->infos.size(); ++i) {
    auto ok = add(x->infos[i], *x);
    if (ok)
      continue;
    while (i-- > 0)
      remove(x->infos[i], *x);
    return ok;
  }
  x->number = next++;
  sources.emplace(x->number, x);
  return {};
}

void metric_table::remove(const metric_source& x) noexcept {
  std::lock_guard guard{mutex};
  for (const auto& info : x.infos)
    remove(info, x);
  sources.erase(x.number);
}

namespace {

/// Ends a registration. When this returns, no call of the function runs, except the one
/// that called this.
void end(metric_table& where, metric_source& what) noexcept {
  where.remove(what);
  // Declared before the lock, so destroyed after it: the destructor of the function may
  // end other registrations.
  metric_registry::family_reader unused;
  std::lock_guard guard{what.mutex};
  what.has_ended = true;
  if (!what.is_running)
    unused.swap(what.read);
}

/// Reads the values, unless the registration has ended.
void read_values(metric_source& from, const metric_registry::member_sink& to) {
  metric_registry::family_reader unused;
  std::lock_guard guard{from.mutex};
  if (!from.read)
    return;
  struct call {
    ~call() {
      source.is_running = false;
      if (source.has_ended)
        unused.swap(source.read);
    }

    metric_source& source;
    metric_registry::family_reader& unused;
  };
  from.is_running = true;
  const call under_way{from, unused};
  from.read(to);
}

} // namespace

} // namespace detail

// -- registration ------------------------------------------------------------------

metric_registration::metric_registration(
  std::shared_ptr<detail::metric_table> where,
  std::shared_ptr<detail::metric_source> what) noexcept
  : where_(std::move(where)), what_(std::move(what)) {
  // nop
}

metric_registration::metric_registration(metric_registration&& other) noexcept
  : where_(std::move(other.where_)), what_(std::move(other.what_)) {
  // nop
}

metric_registration&
metric_registration::operator=(metric_registration&& other) noexcept {
  metric_registration ended{std::move(other)};
  where_.swap(ended.where_);
  what_.swap(ended.what_);
  return *this;
}

metric_registration::~metric_registration() {
  if (what_)
    detail::end(*where_, *what_);
}

// -- registry ----------------------------------------------------------------------

metric_registry::metric_registry(std::size_t limit)
  : table_(std::make_shared<detail::metric_table>(limit)) {
  // nop
}

expected<metric_registration>
metric_registry::add(std::shared_ptr<detail::metric_source> x) {
  if (auto ok = table_->add(x); !ok)
    return tl::unexpected{std::move(ok.error())};
  return metric_registration{table_, std::move(x)};
}

expected<metric_registration>
metric_registry::add(std::vector<metric_info> infos, metric_labels labels,
                     reader read) {
  auto source = std::make_shared<detail::metric_source>();
  source->infos = std::move(infos);
  source->labels = std::move(labels);
  source->read
    = [&of = *source, read = std::move(read)](const member_sink& to) {
        std::vector<metric_value> values(of.infos.size());
        read(values);
        to(of.labels, values);
      };
  return add(std::move(source));
}

expected<metric_registration>
metric_registry::add_family(std::vector<metric_info> infos,
                            family_reader read) {
  auto source = std::make_shared<detail::metric_source>();
  source->infos = std::move(infos);
  source->is_family = true;
  source->read = std::move(read);
  return add(std::move(source));
}

expected<metric_registration>
metric_registry::add(const metric_info& info,
                     std::function<std::int64_t()> value,
                     metric_labels labels) {
  return add(std::vector{info}, std::move(labels),
             [value = std::move(value)](std::span<metric_value> to) {
               to[0].value = value();
             });
}

expected<metric_registration> metric_registry::add(const metric_cells& cells,
                                                   metric_labels labels) {
  std::vector<metric_info> infos;
  for (const auto& x : cells.declared())
    infos.push_back(x.info);
  return add(std::move(infos), std::move(labels),
             [&cells](std::span<metric_value> to) {
               for (std::size_t i = 0; i < to.size(); ++i)
                 cells.declared()[i].add_to(cells.declared()[i].cell, to[i]);
             });
}

std::vector<metric_sample>
metric_registry::collect(const filter& wanted) const {
  const auto is_wanted
    = [&wanted](const metric_info& x) { return !wanted || wanted(x); };
  std::vector<std::shared_ptr<detail::metric_source>> sources;
  {
    std::lock_guard guard{table_->mutex};
    for (const auto& [number, x] : table_->sources)
      if (std::ranges::any_of(x->infos, is_wanted))
        sources.push_back(x);
  }
  std::vector<metric_sample> result;
  for (const auto& x : sources)
    detail::read_values(
      *x, [&](metric_labels labels, std::span<const metric_value> values) {
        const auto shared
          = std::make_shared<const metric_labels>(std::move(labels));
        for (std::size_t i = 0; i < values.size(); ++i)
          if (is_wanted(x->infos[i]))
            result.push_back({x->infos[i], shared, values[i]});
      });
  return result;
}

std::size_t metric_registry::size() const {
  std::lock_guard guard{table_->mutex};
  return table_->series.size();
}

} // namespace troupe
