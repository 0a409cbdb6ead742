#include "histories/session.hpp"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstring>
#include <thread>
#include <utility>

#include <troupe/actors/regions/stand_alone.hpp>
#include <troupe/actors/testing/guarded_provider.hpp>

#include "conformance/plain_provider.hpp"
#include "region_shards.hpp"

namespace histories {

namespace {

using namespace std::chrono_literals;

/// Real or manual time that nothing takes here, so that a hang is one.
constexpr auto patience = 300s;

/// Values are of all kinds of sizes: mostly of a few classes, some large enough
/// for a block of their own.
std::size_t filler_size(value_id x) {
  auto n = (x / value_stride) * 0x9e3779b97f4a7c15u;
  if (n >> 54 == 0)
    return 40'000;
  if (n >> 58 == 1)
    return 700;
  return (n >> 40) % 48;
}

char filler_byte(value_id x) {
  return static_cast<char>('a' + (x / value_stride) % 26);
}

/// Newer options are set where the region has them.
template <class Options>
void wait_for_loaders(Options& x) {
  if constexpr (requires { x.queue_timeout; })
    x.queue_timeout = patience;
}

troupe::region_options options_for(std::size_t shards, bool limited) {
  troupe::region_options result;
  result.shards = shards;
  result.load_timeout = patience;
  result.op_timeout = patience;
  wait_for_loaders(result);
  troupe::namespace_options outer;
  outer.prefix = "n:";
  troupe::namespace_options inner;
  inner.prefix = "n:m:";
  if (limited) {
    // Less than there are keys, and others compete for the room.
    result.max_entries = std::max<std::size_t>(shards, 4);
    outer.max_entries = 2;
    inner.max_entries = 2;
  } else {
    outer.max_bytes = std::size_t{1} << 30;
    inner.max_bytes = std::size_t{1} << 30;
  }
  result.namespaces = {outer, inner};
  return result;
}

/// Short times, so that a value is fresh, stale and gone within a round.
void make_stale(troupe::region_options& x) {
  x.fail_safe = 20ms;
  x.fail_safe_throttle = 2ms;
  x.stale_while_revalidate = 10ms;
  x.refresh_ahead = 0.4;
  x.absence_ttl = 3ms;
}

/// Notes when the commit of a load returned: it follows its loader on the same thread.
class commit_clock final : public troupe::testing::provider_guard {
public:
  commit_clock(recorder& log, const troupe::clock& time)
    : log_(log), time_(time) {
    // nop
  }

  troupe::expected<void>
  before(const troupe::testing::provider_call&) override {
    return {};
  }

  void after(const troupe::testing::provider_call& what) override {
    if (what.operation != troupe::testing::provider_operation::commit_load)
      return;
    auto& runs = log_.mine().loads;
    if (runs.empty() || runs.back().what.ended != 0)
      return;
    auto& run = runs.back().what;
    run.clock_ended = time_.now().time_since_epoch().count();
    run.ended = recorder::now();
  }

private:
  recorder& log_;
  const troupe::clock& time_;
};

/// Memory; says where it is.
class noted_memory final : public troupe::provider_factory {
public:
  explicit noted_memory(troupe::memory_provider*& made) : made_(made) {
    // nop
  }

  [[nodiscard]] troupe::expected<std::shared_ptr<troupe::provider>>
  make(const troupe::provider_environment& with) const override {
    auto result = std::make_shared<troupe::memory_provider>(with);
    made_ = result.get();
    return result;
  }

private:
  troupe::memory_provider*& made_;
};

troupe::region_options plain_options() {
  troupe::region_options result;
  result.load_timeout = patience;
  result.op_timeout = patience;
  result.queue_timeout = patience;
  result.provider = std::make_shared<conformance::plain_factory>();
  return result;
}

} // namespace

troupe::bytes encode(value_id x, bool counter) {
  if (counter)
    return std::to_string(x);
  troupe::bytes result(sizeof x + filler_size(x), filler_byte(x));
  std::memcpy(result.data(), &x, sizeof x);
  return result;
}

std::optional<value_id> decode(troupe::bytes_view x, bool counter) {
  value_id result = absent;
  if (counter) {
    auto* end = x.data() + x.size();
    auto [stopped, code] = std::from_chars(x.data(), end, result);
    if (code != std::errc{} || stopped != end)
      return std::nullopt;
  } else {
    if (x.size() < sizeof result)
      return std::nullopt;
    std::memcpy(&result, x.data(), sizeof result);
    auto filler = x.substr(sizeof result);
    if (filler.size() != filler_size(result)
        || filler.find_first_not_of(filler_byte(result))
             != troupe::bytes_view::npos)
      return std::nullopt;
  }
  if (result == absent)
    return std::nullopt;
  return result;
}

session::session(const options& x, std::size_t shards, bool is_limited,
                 bool is_stale, std::uint64_t the_seed)
  : how(x), limited(is_limited), stale(is_stale), seed(the_seed) {
  constexpr std::size_t loader_threads = 32;
  loads_ = std::make_shared<troupe::load_coordinator>(clock, loader_threads);
  auto with = how.plain ? plain_options() : options_for(shards, limited);
  if (stale) {
    make_stale(with);
    if (!how.plain)
      with.provider = std::make_shared<noted_memory>(memory_);
    with.provider = std::make_shared<troupe::testing::guarded_factory>(
      std::make_shared<commit_clock>(log, clock), with.provider);
  }
  region
    = with.provider != nullptr
        ? troupe::open_alone("history", with, clock, executor_, loads_).value()
        : open_region("history", with, clock, executor_, loads_);
  if (!how.plain && memory_ == nullptr)
    memory_ = &memory_of(*region);
  for (std::size_t i = 0; i < how.keys; ++i) {
    auto bit = key_set{1} << i;
    std::string name = "k" + std::to_string(i);
    if (i % 8 == 2) {
      name = "n:m:" + name;
      inner_ |= bit;
    } else if (i % 4 == 1) {
      name = "n:" + name;
      outer_ |= bit;
    }
    all_ |= bit;
    keys_.push_back(std::move(name));
    checkers_.emplace_back(limited, stale);
  }
}

session::~session() {
  auto stuck = loads_->drain(std::chrono::steady_clock::now() + patience);
  static_cast<void>(stuck);
  region->stop();
}

key_set session::keys_with(unsigned tag) const noexcept {
  if (tag == 0)
    return all_;
  key_set result = 0;
  for (std::size_t i = 0; i < keys_.size(); ++i)
    if (own_tag(i) == tag)
      result |= key_set{1} << i;
  return result;
}

std::string session::new_name() {
  return "once "
         + std::to_string(names_.fetch_add(1, std::memory_order_relaxed));
}

std::uint64_t session::change_database(key_set which) {
  auto number = changes_.fetch_add(1, std::memory_order_seq_cst) + 1;
  for (std::size_t i = 0; i < keys_.size(); ++i) {
    if (((which >> i) & 1u) == 0)
      continue;
    // Another change may have a later number and be here first.
    auto before = database_[i].load(std::memory_order_seq_cst);
    while (before < number
           && !database_[i].compare_exchange_weak(before, number)) {
      // `before` is what is there now.
    }
  }
  return number;
}

void session::report(std::size_t key, violation what) {
  std::lock_guard guard{mutex_};
  if (failed_.exchange(true))
    return;
  found_ = std::move(what);
  found_.text = "  Key: " + keys_[key] + "\n" + found_.text;
}

void session::report_error(const char* call, const troupe::error& why) {
  std::lock_guard guard{mutex_};
  if (failed_.exchange(true))
    return;
  found_ = {"unexpected error: " + std::string{call} + " answered "
              + troupe::to_string(why),
            {}};
}

void session::check(std::size_t key) {
  std::vector<operation> window;
  std::vector<load_run> loads;
  for (auto& log_of_thread : log.logs()) {
    for (auto& x : log_of_thread->operations)
      if (((x.keys >> key) & 1u) != 0)
        window.push_back(x.what);
    for (auto& x : log_of_thread->loads)
      if (x.key == key)
        loads.push_back(x.what);
  }
  if (auto found = checkers_[key].check(std::move(window), loads))
    report(key, std::move(*found));
}

void session::validate() {
  if (how.plain)
    return;
  std::vector<std::uint32_t> uses;
  for (auto* x : shards(*region).all().made()) {
    auto problem = x->run(
      [&uses](troupe::memory::store& store) -> troupe::expected<std::string> {
        store.entries().count_tags(uses);
        return store.entries().validate();
      });
    if (!problem)
      report_error("validate", problem.error());
    else if (!problem->empty())
      report_error("validate",
                   {troupe::errc::system_error, "broken table: " + *problem});
  }
  const auto& registry
    = shards(*region).all().made().front()->store().registry();
  if (auto problem = registry.validate(uses); !problem.empty())
    report_error("validate",
                 {troupe::errc::system_error, "broken tags: " + problem});
}

void session::housekeep() {
  region->tick();
  if (!how.plain)
    memory_->rebalance();
  loads_->tick();
}

void session::settle() {
  while (loads_->in_flight() > 0)
    std::this_thread::yield();
}

} // namespace histories
