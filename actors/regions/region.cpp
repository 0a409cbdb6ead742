#include <troupe/actors/regions/region.hpp>

#include <algorithm>
#include <cassert>
#include <limits>
#include <type_traits>

#include <troupe/actors/regions/detail/promise.hpp>
#include <troupe/backends/memory/shards/joint_turn.hpp>
#include <troupe/backends/memory/shards/operations.hpp>
#include <troupe/backends/memory/entries/footprint.hpp>
#include <troupe/backends/memory/space/large_block.hpp>

namespace troupe {

namespace {

using detail::promise;
using detail::promise_of;
using operations::keyed;

template <class Result>
std::future<Result> ready(tl::unexpected<error> why) {
  promise_of<Result> result;
  result(Result{std::move(why)});
  return result.future();
}

/// What nobody has chosen yet.
region_options with_defaults(region_options x) {
  if (!x.load_timeout)
    x.load_timeout = defaults::load_timeout;
  if (!x.op_timeout)
    x.op_timeout = defaults::op_timeout;
  return x;
}

} // namespace

region::region(std::string name, const region_options& options,
               const clock& time, std::shared_ptr<lane_executor> executor,
               std::shared_ptr<load_coordinator> loads,
               std::shared_ptr<memory::budget> parent,
               std::optional<integer_range> counts)
  : name_(std::move(name)),
    options_(with_defaults(options)),
    time_(time),
    executor_(std::move(executor)),
    loads_(std::move(loads)),
    bytes_(std::make_shared<memory::budget>(
      memory::budget::limit_of(options.max_bytes), std::move(parent),
      "max_bytes of region " + name_)),
    tags_(std::make_shared<memory::tag_registry>(bytes_)),
    entries_(std::make_shared<memory::budget>(
      memory::budget::limit_of(options.max_entries), nullptr,
      "max_entries of region " + name_)),
    eviction_(options.eviction),
    removals_(std::make_shared<removal_queue>(loads_->workers())),
    counts_(counts),
    shards_(name_, options_, common_options(), tags_, *executor_) {
  // nop
}

region::~region() {
  removals_->close();
}

/// What the stores of all shards have in common.
memory::store_options region::common_options() const {
  memory::store_options result;
  result.time = &time_;
  result.shared.time = &time_;
  result.shared.bytes = bytes_;
  result.shared.entries = entries_;
  result.shared.eviction = options_.eviction;
  result.shared.removals = removals_.get();
  result.ttl = options_.ttl;
  result.idle = options_.idle;
  result.jitter = options_.jitter;
  result.update_lease = op_timeout();
  return result;
}

// -- checks ------------------------------------------------------------------------

tl::unexpected<error> region::key_too_large(std::size_t size) const {
  return fail(errc::key_too_large,
              "the key has " + std::to_string(size) + " bytes, region "
                + name_ + " takes up to "
                + std::to_string(options_.max_key_size));
}

/// What is wrong with a write, if anything is.
expected<void> region::look_at_write(bytes_view key, bytes_view value,
                                     const write_options& how) const {
  if (auto ok = check_key(key); !ok)
    return ok;
  return check_loaded(value, how);
}

expected<void> region::check_loaded(bytes_view value,
                                    const write_options& how) const {
  if (auto ok = check_size(value.size()); !ok)
    return ok;
  return check(how);
}

/// What is wrong with the options of a call that takes no condition.
expected<void> region::look_at_condition(const write_options& how) const {
  if (how.condition != write_condition::always)
    return fail(errc::invalid_argument,
                "a condition is for set alone: get_or_set, update and "
                "compare_and_set decide by the entry themselves");
  return check(how);
}

expected<void> region::check_size(std::size_t value_size) const {
  if (value_size <= options_.max_value_size)
    return {};
  return fail(errc::value_too_large,
              "the value has " + std::to_string(value_size) + " bytes, region "
                + name_ + " takes up to "
                + std::to_string(options_.max_value_size));
}

expected<void> region::check_ttl(ttl_duration ttl) const {
  write_options how;
  how.ttl = ttl;
  return check(how);
}

// -- reading -----------------------------------------------------------------------

tl::unexpected<error> region::stopped() const {
  return fail(errc::shutting_down,
              "region " + name_ + " has been stopped; its runtime has ended");
}

/// Not inline: each read of each user would have the making of an error in it.
expected<bool> region::refused_read() const {
  return stopped();
}

void region::prefetch(std::span<const upcoming_key> keys) const noexcept {
  std::array<std::uint64_t, prefetched_keys> hashes;
  std::array<const shard*, prefetched_keys> owners;
  const auto size = std::min(keys.size(), hashes.size());
  epoch_guard guard;
  for (std::size_t i = 0; i < size; ++i) {
    hashes[i] = hash_key(keys[i].key);
    owners[i] = &shards_.owner({keys[i].key, hashes[i]});
    if (keys[i].changes)
      owners[i]->prefetch_for_write(hashes[i]);
    else
      owners[i]->store().prefetch_bucket(hashes[i]);
  }
  for (std::size_t i = 0; i < size; ++i)
    owners[i]->store().prefetch_entry(hashes[i]);
}

expected<std::optional<bytes>> region::get(bytes_view key) const {
  std::optional<bytes> result;
  auto found = visit(key, [&](const entry_view& x) { result.emplace(x.value); });
  if (!found)
    return tl::unexpected{std::move(found.error())};
  return result;
}

expected<std::vector<std::optional<bytes>>>
region::get_many(std::span<const bytes_view> keys) const {
  std::vector<std::optional<bytes>> result(keys.size());
  auto ok = visit_many(keys, [&](std::size_t i, const entry_view* x) {
    if (x != nullptr)
      result[i].emplace(x->value);
  });
  if (!ok)
    return tl::unexpected{std::move(ok.error())};
  return result;
}

expected<bool> region::contains(bytes_view key) const {
  return visit(key, [](const entry_view&) {}, lookup::peek);
}

expected<std::optional<ttl_duration>> region::ttl(bytes_view key) const {
  std::optional<ttl_duration> result;
  auto read = [&](const entry_view& x) {
    result = x.deadline == never
               ? no_expiry
               : std::chrono::ceil<ttl_duration>(x.deadline - time_.now());
  };
  auto found = visit(key, read, lookup::peek);
  if (!found)
    return tl::unexpected{std::move(found.error())};
  // The clock may have passed the deadline since the entry was found alive.
  if (result && *result <= ttl_duration::zero())
    result.reset();
  return result;
}

expected<std::optional<std::size_t>> region::charge(bytes_view key) const {
  std::optional<std::size_t> result;
  auto found = visit(
    key,
    [&](const entry_view& x) {
      result = memory::footprint(*x.from);
    },
    lookup::peek);
  if (!found)
    return tl::unexpected{std::move(found.error())};
  return result;
}

// -- writing -----------------------------------------------------------------------

expected<bool> region::set(bytes_view key, bytes_view value,
                           const write_options& how) {
  if (auto ok = check_write(key, value, how); !ok) [[unlikely]]
    return tl::unexpected{std::move(ok.error())};
  if (value.size() >= gathered_size) [[unlikely]]
    return set_gathered(key, value, how);
  operations::set<bytes_view> op{keyed{key}, value, how};
  return prepare(op.key).run(op);
}

expected<bool> region::set_gathered(bytes_view key, bytes_view value,
                                    const write_options& how) {
  memory::value_buffer copy;
  try {
    copy.append(value);
  } catch (const std::bad_alloc&) {
    return fail(errc::out_of_memory);
  }
  return set(key, copy, how);
}

expected<bool> region::set(bytes_view key, memory::value_buffer& value,
                           const write_options& how) {
  if (auto ok = check_write(key, value.view(), how); !ok) [[unlikely]]
    return tl::unexpected{std::move(ok.error())};
  operations::set<bytes_view> op{keyed{key}, value.view(), how, &value};
  auto stored = prepare(op.key).run(op);
  // Too small for a block of its own, it was copied.
  if (stored && *stored)
    value.finish(0);
  return stored;
}

expected<void> region::set_many(std::span<const key_value> items,
                                const write_options& how) {
  if (how.condition != write_condition::always || how.keep_ttl)
    return fail(errc::invalid_argument,
                "set_many stores in any case; conditions and keep_ttl are for "
                "single writes");
  for (auto& x : items)
    if (auto ok = check_write(x.key, x.value, how); !ok)
      return ok;
  // By shard, each group in the order of the items.
  std::vector<std::vector<hashed_key>> keys(shards_.size());
  std::vector<std::vector<bytes_view>> values(shards_.size());
  for (auto& x : items) {
    hashed_key key{x.key, hash_key(x.key)};
    auto i = shard_of(key);
    keys[i].push_back(key);
    values[i].push_back(x.value);
  }
  for (std::size_t i = 0; i < shards_.size(); ++i) {
    if (keys[i].empty())
      continue;
    auto stored = shards_[i]->run([&](memory::store& store) {
      return store.set_many(keys[i], values[i], how);
    });
    if (!stored)
      return stored;
  }
  return {};
}

namespace {

/// `how` with the condition that the key is absent.
expected<write_options> unless_present(write_options how) {
  if (how.condition == write_condition::if_present)
    return fail(errc::invalid_argument,
                "set_if_absent was given the condition if_present");
  how.condition = write_condition::if_absent;
  return how;
}

} // namespace

expected<bool> region::set_if_absent(bytes_view key, bytes_view value,
                                     write_options how) {
  return unless_present(std::move(how)).and_then([&](const write_options& x) {
    return set(key, value, x);
  });
}

expected<std::optional<version_number>>
region::compare_and_set(bytes_view key, version_number version,
                        bytes_view value, const write_options& how) {
  if (auto ok = check_write(key, value, how).and_then([&] {
        return check_unconditional(how);
      });
      !ok)
    return tl::unexpected{std::move(ok.error())};
  operations::compare_and_set<bytes_view> op{keyed{key}, version, value, how};
  return prepare(op.key).run(op);
}

expected<bool> region::erase(bytes_view key) {
  if (auto ok = check_key(key); !ok)
    return tl::unexpected{std::move(ok.error())};
  operations::erase<bytes_view> op{keyed{key}};
  return prepare(op.key).run(op);
}

expected<bool> region::compare_and_erase(bytes_view key,
                                         version_number version) {
  if (auto ok = check_key(key); !ok)
    return tl::unexpected{std::move(ok.error())};
  operations::compare_and_erase<bytes_view> op{keyed{key}, version};
  return prepare(op.key).run(op);
}

expected<bool> region::touch(bytes_view key, ttl_duration ttl) {
  if (auto ok = check_key(key).and_then([&] { return check_ttl(ttl); }); !ok)
    return tl::unexpected{std::move(ok.error())};
  operations::touch<bytes_view> op{keyed{key}, ttl};
  return prepare(op.key).run(op);
}

expected<memory::key_state> region::watch(bytes_view key) const {
  if (auto ok = check_key(key); !ok)
    return tl::unexpected{std::move(ok.error())};
  const keyed<bytes_view> which{key};
  return shards_.owner(which).run(
    [&which](memory::store& store) { return store.watch(which); });
}

expected<bool> region::unchanged(bytes_view key,
                                 const memory::key_state& since) const {
  auto version = no_version;
  const auto found = visit(
    key, [&version](const entry_view& x) { version = x.version; },
    lookup::peek);
  if (!found)
    return tl::unexpected{found.error()};
  return version == since.version
         && (since.absence == nullptr || !since.absence->ended());
}

expected<integer_range> region::signed_counts() const {
  if (!counts_) [[unlikely]]
    return fail(errc::not_an_integer,
                "the values of region " + name_ + " are no integers");
  constexpr auto most = std::numeric_limits<std::int64_t>::max();
  auto result = *counts_;
  result.most = std::min<std::uint64_t>(result.most, most);
  return result;
}

expected<std::int64_t> region::increment(bytes_view key, std::int64_t delta) {
  auto within = signed_counts();
  if (!within)
    return tl::unexpected{std::move(within.error())};
  return increment(key, delta, *within);
}

expected<std::int64_t> region::increment(bytes_view key, std::int64_t delta,
                                         const integer_range& within) {
  if (auto ok = check_key(key); !ok)
    return tl::unexpected{std::move(ok.error())};
  operations::increment<bytes_view> op{keyed{key}, delta, within};
  return prepare(op.key).run(op);
}

expected<memory::transfer_result> region::rename(bytes_view from, bytes_view to,
                                                 bool if_absent) {
  return transfer(from, *this, to, {if_absent, false});
}

expected<memory::transfer_result> region::copy(bytes_view from, region& target,
                                               bytes_view to, bool if_absent) {
  return transfer(from, target, to, {if_absent, true});
}

expected<memory::transfer_result>
region::transfer(bytes_view from, region& target, bytes_view to,
                 const memory::transfer_terms& terms) {
  if (auto ok = check_key(from).and_then([&] { return target.check_key(to); });
      !ok)
    return tl::unexpected{std::move(ok.error())};
  if (&target == this && from == to)
    return fail(errc::invalid_argument,
                "the two keys are the same; name another one");
  const keyed<bytes_view> source{from};
  const keyed<bytes_view> wanted{to};
  auto& giver = shards_.owner(source);
  auto& taker = target.shards_.owner(wanted);
  joint_turn turn;
  if (giver.mailbox().held_here()) {
    assert(taker.mailbox().held_here());
  } else {
    turn.add(*this, from);
    turn.add(target, to);
    if (auto begun = turn.begin(); !begun)
      return tl::unexpected{std::move(begun.error())};
  }
  // Both are held, so that each runs at once.
  return giver.run([&](memory::store& store) {
    return taker.run([&](memory::store& other) {
      return store.transfer(source, other, wanted, terms);
    });
  });
}

// -- writing without waiting -------------------------------------------------------

template <class Result>
std::future<Result> region::set_async(bytes key, bytes value,
                                      write_options how) {
  if (auto ok = check_write(key, value, how); !ok)
    return ready<Result>(tl::unexpected{std::move(ok.error())});
  return submit_async<Result>(operations::set<bytes>{
    keyed{std::move(key)}, std::move(value), std::move(how)});
}

template <class Result>
std::future<Result> region::set_if_absent_async(bytes key, bytes value,
                                                write_options how) {
  auto conditional = unless_present(std::move(how));
  if (!conditional)
    return ready<Result>(tl::unexpected{std::move(conditional.error())});
  return set_async<Result>(std::move(key), std::move(value),
                           std::move(*conditional));
}

template <class Result>
std::future<Result> region::erase_async(bytes key) {
  if (auto ok = check_key(key); !ok)
    return ready<Result>(tl::unexpected{std::move(ok.error())});
  return submit_async<Result>(operations::erase<bytes>{keyed{std::move(key)}});
}

template <class Result>
std::future<Result> region::touch_async(bytes key, ttl_duration ttl) {
  if (auto ok = check_key(key).and_then([&] { return check_ttl(ttl); }); !ok)
    return ready<Result>(tl::unexpected{std::move(ok.error())});
  return submit_async<Result>(
    operations::touch<bytes>{keyed{std::move(key)}, ttl});
}

// Both kinds of results that the header promises.
template std::future<expected<bool>>
region::set_async(bytes, bytes, write_options);
template std::future<yes_or_no> region::set_async(bytes, bytes, write_options);
template std::future<expected<bool>>
region::set_if_absent_async(bytes, bytes, write_options);
template std::future<yes_or_no>
region::set_if_absent_async(bytes, bytes, write_options);
template std::future<expected<bool>> region::erase_async(bytes);
template std::future<yes_or_no> region::erase_async(bytes);
template std::future<expected<bool>> region::touch_async(bytes, ttl_duration);
template std::future<yes_or_no> region::touch_async(bytes, ttl_duration);

std::future<expected<std::int64_t>>
region::increment_async(bytes key, std::int64_t delta) {
  promise<std::int64_t> result;
  auto future = result.future();
  if (auto within = signed_counts())
    increment_then(std::move(key), delta, *within, result);
  else
    result(tl::unexpected{std::move(within.error())});
  return future;
}

void region::increment_then(bytes key, std::int64_t delta,
                            const integer_range& within,
                            std::function<void(expected<std::int64_t>)> done) {
  if (auto ok = check_key(key); !ok)
    return done(tl::unexpected{std::move(ok.error())});
  submit_then(
    operations::increment<bytes>{keyed{std::move(key)}, delta, within},
    std::move(done));
}

void region::compare_and_erase_then(bytes key, version_number version,
                                    std::function<void(expected<bool>)> done) {
  if (auto ok = check_key(key); !ok)
    return done(tl::unexpected{std::move(ok.error())});
  submit_then(
    operations::compare_and_erase<bytes>{keyed{std::move(key)}, version},
    std::move(done));
}

std::future<expected<void>> region::clear_async() {
  promise<void> result;
  result(clear());
  return result.future();
}

/// Submits a keyed operation to its shard.
template <class T, class Operation>
std::future<T> region::submit_async(Operation op) {
  promise_of<T> result;
  auto future = result.future();
  submit_then(std::move(op), result);
  return future;
}

template <class Operation, class Done>
void region::submit_then(Operation op, Done done) {
  auto& where = shards_.owner(op.key);
  using result = std::invoke_result_t<const Operation&, memory::store&>;
  where.submit(std::move(op),
               [self = shared_from_this(),
                done = std::move(done)](result outcome) {
                 done(std::move(outcome));
               });
}

// -- the parts ---------------------------------------------------------------------

std::size_t region::size() const noexcept {
  std::size_t result = 0;
  for (auto& x : shards_)
    result += x->store().entries().size();
  return result;
}

region_stats region::stats() const noexcept {
  region_stats result;
  result.removals_dropped = removals_->dropped();
  result.undecodable = undecodable_.load(std::memory_order_relaxed);
  double left = 0; // Milliseconds, of all entries together.
  const auto now = time_.now();
  for (auto& x : shards_) {
    auto& entries = x->store().entries();
    result.keys += entries.size();
    const auto expiring = entries.expiring();
    if (const auto mean = entries.mean_deadline(); mean != never) {
      const std::chrono::duration<double, std::milli> mean_left = mean - now;
      left += mean_left.count() * static_cast<double>(expiring);
    }
    result.bytes += entries.bytes();
    result.charged += entries.charged();
    result.expiring += expiring;
    result.evictions += entries.evictions();
    result.expirations += entries.expirations();
    result.retired += entries.retired_bytes();
    result.vacant += entries.vacant_bytes();
    result.relocations += entries.relocations();
    result.handled += x->mailbox().handled();
    result.mailbox_depth += x->mailbox().depth();
    result.restarts += x->restarts();
    result.shards_failed += x->state() == shard_state::failed ? 1 : 0;
  }
  result.tag_names = tags_->size();
  result.tag_bytes = tags_->bytes();
  result.charged += result.tag_bytes;
  if (result.expiring > 0)
    result.mean_ttl = std::chrono::milliseconds{static_cast<std::int64_t>(
      std::max(left / static_cast<double>(result.expiring), 0.0))};
  return result;
}

memory::jitter_counts region::jitter_histogram() const noexcept {
  memory::jitter_counts result{};
  for (auto& x : shards_)
    x->store().jitter().add_to(result);
  return result;
}

void region::sweep() noexcept {
  memory::large_block::free_waiting();
  for (auto& x : shards_)
    x->sweep();
}

/// Group 0 first, which `check_running` asks.
void region::stop() noexcept {
  for (auto& x : shards_.groups())
    x->stop();
}

} // namespace troupe
