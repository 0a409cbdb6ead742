#include <troupe/actors/detail/open_regions.hpp>

#include <algorithm>
#include <charconv>
#include <optional>
#include <string_view>
#include <system_error>
#include <utility>

#include <troupe/actors/regions/detail/region_checks.hpp>
#include <troupe/actors/regions/region_actor.hpp>
#include <troupe/actors/regions/shard_actor.hpp>
#include <troupe/actors/shell/detail/logger_scope.hpp>
#include <troupe/actors/supervision/actor_names.hpp>

namespace troupe::detail {

namespace {

/// What values that are no integers may be.
constexpr integer_range no_integers{0, 0};

tl::unexpected<error> drains() {
  return fail(errc::shutting_down, "the runtime drains");
}

/// The number in "shard-12".
std::optional<std::size_t> shard_number(std::string_view text) {
  constexpr std::string_view begin = "shard-";
  if (!text.starts_with(begin))
    return std::nullopt;
  text.remove_prefix(begin.size());
  std::size_t result = 0;
  const auto* end = text.data() + text.size();
  const auto [last, code] = std::from_chars(text.data(), end, result);
  // Only as a shard is named: no number begins with a needless zero.
  if (code != std::errc{} || last != end || text != std::to_string(result))
    return std::nullopt;
  return result;
}

} // namespace

open_regions::open_regions(region_ground ground)
  : ground_(std::move(ground)),
    memory_limit_(ground_.options.max_bytes,
                  "max-bytes of the runtime (maxmemory of the server)") {
  // nop
}

// -- opening -----------------------------------------------------------------------

/// The configured values where the caller chose none.
region_options open_regions::complete(region_options x) const {
  if (x.shards == 0)
    x.shards = ground_.options.shards;
  if (!x.op_timeout)
    x.op_timeout = ground_.options.op_timeout;
  if (!x.load_timeout)
    x.load_timeout = ground_.options.load_timeout;
  if (!x.queue_timeout)
    x.queue_timeout = ground_.options.queue_timeout;
  return x;
}

expected<opened_region> open_regions::open(std::string name,
                                           const region_options* wanted,
                                           value_type type) {
  auto options = wanted != nullptr ? *wanted : region_options{};
  if (auto ok
      = check_region_name(name).and_then([&] { return check(options); });
      !ok)
    return tl::unexpected{std::move(ok.error())};
  std::lock_guard turn{turn_};
  {
    std::lock_guard guard{mutex_};
    if (refuses_)
      return drains();
    if (auto i = regions_.find(name); i != regions_.end())
      return reopen(i->second, wanted, type);
  }
  if (ground_.tree.contains(name))
    return fail(errc::invalid_argument,
                "another actor of the runtime is named " + name
                  + "; choose another name for the region");
  options = complete(options);
  if (auto ok = check_shards(options); !ok)
    return tl::unexpected{std::move(ok.error())};
  const auto limit = memory_limit_.max_bytes();
  auto fresh = start(name, options, std::move(type));
  if (!fresh)
    return tl::unexpected{std::move(fresh.error())};
  auto result = handles(*fresh);
  {
    std::lock_guard guard{mutex_};
    due_[(ticks_ + 1) % due_.size()].push_back(fresh->care);
    regions_.emplace(std::move(name), std::move(*fresh));
  }
  // A limit that was set meanwhile has not reached it.
  if (memory_limit_.max_bytes() != limit)
    if (auto ok = result.where->obey_limits(); !ok)
      return tl::unexpected{std::move(ok.error())};
  return result;
}

expected<opened_region> open_regions::reopen(const entry& present,
                                             const region_options* wanted,
                                             const value_type& type) const {
  auto& where = present.where();
  if (present.type != type)
    return fail(errc::type_mismatch,
                where.name() + " is open for values of type "
                  + present.type.name + ", not "
                  + (type.name == present.type.name
                       ? "the type of this name in another source file "
                         "or function"
                       : type.name));
  if (wanted == nullptr)
    return handles(present);
  auto options = complete(*wanted);
  adopt_choices(options, where.options());
  if (auto* field = difference(options, where.options()))
    return fail(errc::invalid_argument,
                where.name() + " is open with another " + field);
  return handles(present);
}

expected<open_regions::entry> open_regions::start(const std::string& name,
                                                  const region_options& options,
                                                  value_type type) {
  entry x;
  auto completed = with_defaults(options);
  const auto factory = completed.provider != nullptr ? completed.provider
                                                     : memory_limit_.factory();
  auto below = factory->make({name, completed, *ground_.options.time,
                              ground_.executor, ground_.loads->workers()});
  if (!below)
    return tl::unexpected{std::move(below.error())};
  auto breaker = ground_.loads->breakers().get(name, completed.breaker);
  if (!breaker)
    return tl::unexpected{std::move(breaker.error())};
  x.care = std::make_shared<tended>();
  x.care->where = std::make_shared<region>(
    name, completed, *ground_.options.time, std::move(*below), ground_.loads,
    type.counts, std::move(*breaker));
  x.care->directory
    = std::make_shared<region_directory>(x.where().provider().part_count());
  x.type = std::move(type);
  std::shared_ptr<lane> mailbox{
    new lane(*ground_.executor),
    [keep = ground_.executor](lane* gone) { delete gone; }};
  logger_scope spawning;
  auto added = ground_.tree.add(
    supervised_region(ground_.system, supervisor_name, x.care->where,
                      x.care->directory, mailbox, ground_.watch));
  if (added)
    added = adopt_parts(*x.care);
  if (!added)
    return tl::unexpected{std::move(added.error())};
  return x;
}

expected<opened_region> open_regions::find(const std::string& name) const {
  std::lock_guard guard{mutex_};
  auto i = regions_.find(name);
  if (i == regions_.end())
    return fail(errc::unknown_region, "no region is named " + name);
  return handles(i->second);
}

std::vector<std::shared_ptr<region>> open_regions::all() const {
  std::vector<std::shared_ptr<region>> result;
  std::lock_guard guard{mutex_};
  for (auto& [name, x] : regions_)
    result.push_back(x.care->where);
  return result;
}

// -- their actors ------------------------------------------------------------------

expected<region_actor> open_regions::front(const std::string& name) const {
  auto found = find(name);
  if (!found)
    return tl::unexpected{std::move(found.error())};
  // The directory still has the dead one, which answers no request of another process.
  if (auto up = ground_.tree.check_not_failed(name); !up)
    return tl::unexpected{std::move(up.error())};
  auto result = found->directory->front().get();
  if (!result)
    return fail(errc::shutting_down, "the runtime has drained");
  return result;
}

expected<found_actor> open_regions::find_actor(const std::string& name) const {
  const auto found
    = [](const char* kind, caf::strong_actor_ptr who) -> expected<found_actor> {
    if (!who)
      return fail(errc::shutting_down, "the runtime has drained");
    return found_actor{kind, std::move(who)};
  };
  // Names of regions have no slash.
  const auto slash = name.find('/');
  std::shared_ptr<tended> care;
  {
    std::lock_guard guard{mutex_};
    if (auto i = regions_.find(name.substr(0, slash)); i != regions_.end())
      care = i->second.care;
  }
  if (care != nullptr && slash == name.npos)
    return found("region", care->directory->front().pointer());
  const auto number
    = care == nullptr ? std::nullopt : shard_number(name.substr(slash + 1));
  if (!number || *number >= care->where->provider().part_count())
    return fail(errc::unknown_actor, "there is no actor named " + name);
  if (auto made = care->where->provider().make_part(*number); !made)
    return tl::unexpected{std::move(made.error())};
  if (auto adopted = adopt_parts(*care); !adopted)
    return tl::unexpected{std::move(adopted.error())};
  return found("shard", care->directory->shard(*number));
}

// -- figures -----------------------------------------------------------------------

std::vector<region_info> open_regions::infos() const {
  std::vector<region_info> result;
  std::lock_guard guard{mutex_};
  for (auto& [name, x] : regions_)
    result.push_back(info_of(name, x));
  return result;
}

expected<region_info> open_regions::info(const std::string& name) const {
  std::lock_guard guard{mutex_};
  auto i = regions_.find(name.empty() ? "db0" : name);
  if (i == regions_.end() && name.empty())
    i = regions_.begin();
  if (i == regions_.end())
    return fail(errc::unknown_region, name.empty()
                                        ? "no region is open"
                                        : "no region is named " + name);
  return info_of(i->first, i->second);
}

region_info open_regions::info_of(const std::string& name, const entry& x) {
  auto figures = x.where().stats();
  return {name,
          x.type.name,
          x.where().provider().part_count(),
          figures.keys,
          figures.bytes,
          figures.handled,
          figures.restarts,
          namespace_infos(x.where()),
          figures.undecodable,
          figures.shards_failed,
          x.type.encoding(),
          x.type.counts.value_or(no_integers).least,
          x.type.counts.value_or(no_integers).most,
          std::string{x.where().provider().kind()},
          figures.charged,
          x.where().max_bytes(),
          x.where().max_entries(),
          figures.evictions,
          figures.expirations};
}

// -- memory ------------------------------------------------------------------------

std::size_t open_regions::shards_open() const {
  std::size_t result = 0;
  std::lock_guard guard{mutex_};
  for (auto& [name, x] : regions_)
    result += x.where().provider().part_count();
  return result;
}

expected<void> open_regions::check_max_bytes(std::size_t x) const {
  auto changed = ground_.options;
  changed.max_bytes = x;
  if (auto ok = check(changed); !ok)
    return ok;
  return common_limit::check(x, shards_open());
}

/// Whether the limit leaves room for the shards of one more region.
expected<void> open_regions::check_shards(const region_options& x) const {
  auto shards = shards_open() + std::max<std::size_t>(x.shards, 1);
  for (auto& space : x.namespaces)
    shards += std::max<std::size_t>(space.shards, 1);
  return memory_limit_.check_room_for(shards);
}

void open_regions::set_max_bytes(std::size_t x) {
  std::vector<std::shared_ptr<provider>> providers;
  for (auto& where : all())
    providers.push_back(where->shared_provider());
  memory_limit_.set(x, providers);
}

} // namespace troupe::detail
