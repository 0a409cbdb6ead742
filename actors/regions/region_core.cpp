#include <troupe/actors/regions/region_core.hpp>

#include <algorithm>
#include <limits>
#include <utility>

#include <troupe/backends/memory/memory_provider.hpp>
#include <troupe/messages/types/tags.hpp>

namespace troupe {

region_options with_defaults(region_options x) {
  if (!x.load_timeout)
    x.load_timeout = defaults::load_timeout;
  if (!x.queue_timeout)
    x.queue_timeout = defaults::queue_timeout;
  if (!x.op_timeout)
    x.op_timeout = defaults::op_timeout;
  return x;
}

namespace {

memory::direct_reads reads_of(const memory_provider* x) noexcept {
  return x == nullptr ? memory::direct_reads{} : x->reads();
}

} // namespace

region_core::region_core(std::string name, const region_options& options,
                         const clock& time,
                         std::shared_ptr<troupe::provider> provider,
                         std::optional<integer_range> counts)
  : name_(std::move(name)),
    options_(options),
    time_(time),
    provider_(std::move(provider)),
    memory_(dynamic_cast<memory_provider*>(provider_.get())),
    reads_(reads_of(memory_)),
    counts_(counts) {
  // nop
}

// -- checks ------------------------------------------------------------------------

tl::unexpected<error> region_core::key_too_large(std::size_t size) const {
  return fail(errc::key_too_large,
              "the key has " + std::to_string(size) + " bytes, region " + name_
                + " takes up to " + std::to_string(options_.max_key_size));
}

/// The error of a write, if any.
expected<void> region_core::look_at_write(const hashed_key& key,
                                          bytes_view value,
                                          const write_options& how) const {
  if (auto ok = check_key(key); !ok)
    return ok;
  return look_at_value(value, how);
}

expected<void> region_core::look_at_value(bytes_view value,
                                          const write_options& how) const {
  if (auto ok = check_size(value.size()); !ok)
    return ok;
  return check(how);
}

/// The error of the options of a call that takes no condition.
expected<void> region_core::look_at_condition(const write_options& how) const {
  if (how.condition != write_condition::always)
    return fail(errc::invalid_argument,
                "a condition is for set alone: get_or_set, update and "
                "compare_and_set decide by the entry themselves");
  return check(how);
}

expected<void> region_core::check_size(std::size_t value_size) const {
  if (value_size <= options_.max_value_size)
    return {};
  return fail(errc::value_too_large,
              "the value has " + std::to_string(value_size) + " bytes, region "
                + name_ + " takes up to "
                + std::to_string(options_.max_value_size));
}

expected<void> region_core::check_ttl(ttl_duration ttl) const {
  write_options how;
  how.ttl = ttl;
  return check(how);
}

tl::unexpected<error> region_core::lacks(const char* what) const {
  return fail(errc::unsupported, "the provider of region " + name_ + " ("
                                   + std::string{provider_->kind()}
                                   + ") has no " + what);
}

expected<integer_range> region_core::signed_counts() const {
  if (!counts_) [[unlikely]]
    return fail(errc::not_an_integer,
                "the values of region " + name_ + " are no integers");
  constexpr auto most = std::numeric_limits<std::int64_t>::max();
  auto result = *counts_;
  result.most = std::min<std::uint64_t>(result.most, most);
  return result;
}

// -- invalidating ------------------------------------------------------------------

expected<void> region_core::clear() {
  return provider_->clear();
}

expected<void> region_core::invalidate_tag(bytes_view name) {
  if (name.size() > tags::longest)
    return fail(errc::invalid_argument,
                "the name of the tag has " + std::to_string(name.size())
                  + " bytes, tags have up to " + std::to_string(tags::longest));
  return provider_->invalidate_tag(name);
}

expected<void> region_core::on_removal(removal_listener listener,
                                       std::size_t limit) {
  auto* const ability = provider_->listeners();
  return ability == nullptr ? lacks("listeners")
                            : ability->on_removal(std::move(listener), limit);
}

// -- limits ------------------------------------------------------------------------

std::size_t region_core::max_bytes() const noexcept {
  const auto* const ability = provider_->limits();
  return ability == nullptr ? 0 : ability->max_bytes();
}

std::size_t region_core::max_entries() const noexcept {
  const auto* const ability = provider_->limits();
  return ability == nullptr ? 0 : ability->max_entries();
}

bool region_core::limited() const noexcept {
  const auto* const ability = provider_->limits();
  return ability != nullptr && ability->limited();
}

eviction_policy region_core::eviction() const noexcept {
  const auto* const ability = provider_->limits();
  return ability == nullptr ? eviction_policy::none : ability->eviction();
}

expected<void> region_core::set_limits(std::size_t max_bytes,
                                       std::size_t max_entries) {
  auto* const ability = provider_->limits();
  return ability == nullptr ? lacks("limits")
                            : ability->set_limits(max_bytes, max_entries);
}

expected<void> region_core::set_eviction(eviction_policy x) {
  auto* const ability = provider_->limits();
  return ability == nullptr ? lacks("limits") : ability->set_eviction(x);
}

expected<void> region_core::obey_limits(double part) {
  auto* const ability = provider_->limits();
  return ability == nullptr ? lacks("limits") : ability->obey_limits(part);
}

// -- namespaces --------------------------------------------------------------------

std::vector<namespace_stats> region_core::namespaces() const {
  const auto* const ability = provider_->groups();
  return ability == nullptr ? std::vector<namespace_stats>{}
                            : ability->namespaces();
}

expected<void> region_core::set_namespace_limits(bytes_view prefix,
                                                 std::size_t max_bytes,
                                                 std::size_t max_entries) {
  auto* const ability = provider_->groups();
  return ability == nullptr
           ? lacks("namespaces")
           : ability->set_namespace_limits(prefix, max_bytes, max_entries);
}

expected<void>
region_core::check_namespace_limits(bytes_view prefix, std::size_t max_bytes,
                                    std::size_t max_entries) const {
  const auto* const ability = provider_->groups();
  return ability == nullptr
           ? lacks("namespaces")
           : ability->check_namespace_limits(prefix, max_bytes, max_entries);
}

expected<void>
region_core::set_namespace_eviction(bytes_view prefix,
                                    std::optional<eviction_policy> x) {
  auto* const ability = provider_->groups();
  return ability == nullptr ? lacks("namespaces")
                            : ability->set_namespace_eviction(prefix, x);
}

expected<void> region_core::clear_namespace(bytes_view prefix) {
  auto* const ability = provider_->groups();
  return ability == nullptr ? lacks("namespaces")
                            : ability->clear_namespace(prefix);
}

// -- walks -------------------------------------------------------------------------

expected<scan_cursor>
region_core::scan(scan_cursor from,
                  function_ref<void(bytes_view, const entry_view&)> f) const {
  auto* const ability = provider_->scans();
  if (ability == nullptr)
    return lacks("walk over its keys");
  return ability->scan(from, f);
}

expected<std::optional<bytes>>
region_core::random_key(std::minstd_rand& random) const {
  auto* const ability = provider_->scans();
  if (ability == nullptr)
    return lacks("walk over its keys");
  return ability->random_key(random);
}

// -- figures -----------------------------------------------------------------------

region_stats region_core::stats() const noexcept {
  region_stats result{provider_->figures(), 0};
  result.undecodable = undecodable_.load(std::memory_order_relaxed);
  return result;
}

} // namespace troupe
