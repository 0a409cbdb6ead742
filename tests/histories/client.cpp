#include "histories/client.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>

#include <troupe/backends/edit.hpp>
#include "futures.hpp"

namespace histories {

namespace {

/// Calls in flight of one thread.
constexpr std::size_t most_pending = 4;

/// Keys that entries compete with under limits; they are not judged.
constexpr std::size_t filler_keys = 256;

/// After so many changes by its own function an update has its lease, and has
/// been overtaken under it.
constexpr unsigned most_inner_changes = 6;

nanoseconds nanoseconds_of(troupe::ttl_duration x) {
  return x == troupe::no_expiry ? no_deadline
                                : std::chrono::nanoseconds{x}.count();
}

nanoseconds time_of(const troupe::clock& x) {
  return x.now().time_since_epoch().count();
}

} // namespace

std::uint64_t dice::next() noexcept {
  auto x = state_ += 0x9e3779b97f4a7c15u;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

/// Looks whether its future is ready, and records the operation then.
class client::pending {
public:
  virtual ~pending() = default;
  virtual bool ready() = 0;
  virtual void finish() = 0;
};

template <class Result>
class client::pending_call final : public pending {
public:
  pending_call(std::future<Result> result,
               std::function<void(operation&, Result&)> done, operation call)
    : result_(std::move(result)), done_(std::move(done)), call_(call) {
    // nop
  }

  bool ready() override {
    return result_.wait_for(std::chrono::seconds{0})
           == std::future_status::ready;
  }

  void finish() override {
    auto result = result_.get();
    done_(call_, result);
  }

private:
  std::future<Result> result_;
  std::function<void(operation&, Result&)> done_;
  operation call_;
};

client::client(session& where, std::uint64_t seed)
  : where_(where),
    region_(*where.region),
    dice_(seed),
    seen_(where.keys().size()) {
  // nop
}

client::~client() = default;

// -- choosing ----------------------------------------------------------------------

/// Half of the calls go to three keys, so that these are contended.
std::size_t client::any_key() {
  auto count = where_.keys().size();
  return dice_.percent(50) ? dice_.below(3) : dice_.below(count);
}

std::size_t client::any_counter() {
  return 3 + 4 * dice_.below(where_.keys().size() / 4);
}

std::vector<std::size_t> client::some_keys(std::size_t count) {
  std::vector<std::size_t> result;
  while (result.size() < count)
    if (auto x = any_key();
        std::find(result.begin(), result.end(), x) == result.end())
      result.push_back(x);
  return result;
}

troupe::ttl_duration client::any_ttl() {
  if (where_.how.shares.expiring == 0 || dice_.percent(25))
    return troupe::no_expiry;
  constexpr std::size_t longest_ms = 30;
  constexpr std::size_t longest_stale_ms = 8;
  return std::chrono::milliseconds{
    1 + dice_.below(where_.stale ? longest_stale_ms : longest_ms)};
}

void client::choose_ttl(choice& x) {
  x.how.ttl = any_ttl();
  x.ttl = nanoseconds_of(*x.how.ttl);
}

/// One tag at least that other keys have, too, and perhaps some that none has.
void client::choose_tags(choice& x, std::size_t key) {
  auto own = session::own_tag(key);
  auto which = 1 + dice_.below(3);
  x.tags = static_cast<tag_mask>(((which & 1u) != 0 ? 1u : 0u)
                                 | ((which & 2u) != 0 ? 1u << own : 0u));
  for (unsigned i = 0; i < session::tags; ++i)
    if (((x.tags >> i) & 1u) != 0)
      x.how.tags.add("t" + std::to_string(i));
  for (auto more = dice_.percent(25) ? dice_.below(4) : 0; more > 0; --more)
    x.how.tags.add(where_.new_name());
}

client::choice client::choose(std::size_t key) {
  choice result;
  if (dice_.percent(where_.how.shares.expiring))
    choose_ttl(result);
  if (dice_.percent(where_.how.shares.tagged))
    choose_tags(result, key);
  return result;
}

bool client::without_waiting() {
  return dice_.percent(where_.how.shares.async);
}

/// Lets others run, in the middle of something.
void client::dawdle(std::size_t longest) {
  for (auto i = dice_.below(longest + 1); i > 0; --i)
    std::this_thread::yield();
}

// -- recording ---------------------------------------------------------------------

operation client::begin(const char* call) {
  operation result;
  result.call = call;
  result.thread = where_.log.mine().thread;
  result.start = recorder::now();
  result.clock_start = time_of(where_.clock);
  return result;
}

void client::end_of_all(operation& x, key_set keys) {
  x.clock_end = time_of(where_.clock);
  x.end = recorder::now();
  where_.log.mine().operations.push_back({x, keys});
}

void client::end(operation& x, std::size_t key) {
  end_of_all(x, key_set{1} << key);
}

void client::stores(operation& x, const choice& how, value_id value) {
  x.make = makes::store;
  x.result = value;
  x.ttl = how.ttl;
  x.tags = how.tags;
  if (how.how.keep_ttl) {
    x.rule = deadline_rule::keep;
    x.keep_tags = how.how.tags.empty();
  }
}

/// The number of a value of `key`; bytes that are none are reported.
value_id client::read(std::size_t key, troupe::bytes_view value) {
  if (auto x = decode(value, session::is_counter(key)))
    return *x;
  where_.report(key,
                {"foreign bytes: a read found " + std::to_string(value.size())
                   + " bytes that are not a value of this key",
                 {}});
  return absent;
}

/// Whether an error may happen; another one is reported.
bool client::good(const char* call, const troupe::error& why) {
  if (why == troupe::errc::load_failed || why == troupe::errc::update_failed)
    return true;
  where_.report_error(call, why);
  return false;
}

/// Records `call` when its result is there, with what `done` makes of it.
template <class Result, class Done>
void client::later(const operation& call, std::future<Result> result,
                   Done done) {
  pending_.push_back(std::make_unique<pending_call<Result>>(
    std::move(result), std::move(done), call));
}

void client::collect() {
  for (auto& x : pending_)
    x->finish();
  pending_.clear();
}

void client::step() {
  auto& shares = where_.how.shares;
  unsigned sum = 0;
  for (auto& x : mix_members())
    if (!x.percent)
      sum += shares.*x.member;
  auto left = static_cast<unsigned>(dice_.below(sum));
  auto chosen = [&](unsigned weight) {
    if (left < weight)
      return true;
    left -= weight;
    return false;
  };
  auto key = any_key();
  if (chosen(shares.get))
    get(key);
  else if (chosen(shares.get_many))
    get_many();
  else if (chosen(shares.contains))
    contains(key);
  else if (chosen(shares.ttl))
    ttl(key);
  else if (chosen(shares.set))
    set(key);
  else if (chosen(shares.set_if))
    set_if(key);
  else if (chosen(shares.set_many))
    set_many();
  else if (chosen(shares.erase))
    erase(key);
  else if (chosen(shares.touch))
    touch(key);
  else if (chosen(shares.increment))
    increment(any_counter());
  else if (chosen(shares.cas))
    compare_and_set(key);
  else if (chosen(shares.update))
    update(key);
  else if (chosen(shares.transform))
    transform(key);
  else if (chosen(shares.load))
    load(key);
  else if (chosen(shares.tag))
    invalidate(dice_.percent(30) ? 0 : session::own_tag(key));
  else if (chosen(shares.noise))
    noise();
  else if (chosen(shares.clear))
    clear();
  else
    clear_namespace();
  if (where_.limited && dice_.percent(10))
    fill();
  if (dice_.percent(6))
    dawdle(1);
  std::erase_if(pending_, [](auto& x) {
    auto ready = x->ready();
    if (ready)
      x->finish();
    return ready;
  });
  if (pending_.size() > most_pending)
    collect();
}

// -- reading -----------------------------------------------------------------------

void client::get(std::size_t key) {
  auto op = begin("get");
  op.need = needs::source;
  auto version = troupe::no_version;
  auto found
    = region_.visit(where_.keys()[key], [&](const troupe::entry_view& x) {
        version = x.version;
        op.source = read(key, x.value);
      });
  if (!found) {
    good("get", found.error());
    return;
  }
  end(op, key);
  seen_[key] = {op.source, version};
}

void client::get_many() {
  auto which = some_keys(3);
  std::array<troupe::bytes_view, 3> names;
  for (std::size_t i = 0; i < names.size(); ++i)
    names[i] = where_.keys()[which[i]];
  auto op = begin("get_many");
  auto values = region_.get_many(names);
  if (!values) {
    good("get_many", values.error());
    return;
  }
  op.need = needs::source;
  auto clock_end = time_of(where_.clock);
  auto now = recorder::now();
  for (std::size_t i = 0; i < names.size(); ++i) {
    auto& value = (*values)[i];
    op.source = value ? read(which[i], *value) : absent;
    op.clock_end = clock_end;
    op.end = now;
    where_.log.mine().operations.push_back({op, key_set{1} << which[i]});
  }
}

void client::contains(std::size_t key) {
  auto op = begin("contains");
  auto found = region_.contains(where_.keys()[key]);
  if (!found) {
    good("contains", found.error());
    return;
  }
  op.need = *found ? needs::hit : needs::miss;
  end(op, key);
}

void client::ttl(std::size_t key) {
  auto op = begin("ttl");
  auto left = region_.ttl(where_.keys()[key]);
  if (!left) {
    good("ttl", left.error());
    return;
  }
  op.need = *left ? needs::remaining : needs::miss;
  if (*left)
    op.remaining = **left == troupe::no_expiry ? -1 : (*left)->count();
  end(op, key);
}

// -- writing -----------------------------------------------------------------------

void client::set(std::size_t key) {
  auto how = choose(key);
  how.how.keep_ttl = dice_.percent(20);
  auto value = where_.log.mine().next_value();
  auto bytes = encode(value, session::is_counter(key));
  auto async = without_waiting();
  auto op = begin(async ? "set_async" : "set");
  stores(op, how, value);
  auto done = [this, key](operation& x, troupe::expected<bool>& stored) {
    if (!stored)
      good(x.call, stored.error());
    else
      end(x, key);
  };
  if (async) {
    later(op, set_async(region_, where_.keys()[key], std::move(bytes), how.how),
          done);
    return;
  }
  auto stored = region_.set(where_.keys()[key], bytes, how.how);
  done(op, stored);
}

void client::set_if(std::size_t key) {
  auto how = choose(key);
  auto present = dice_.percent(50);
  how.how.condition = present ? troupe::write_condition::if_present
                              : troupe::write_condition::if_absent;
  how.how.keep_ttl = present && dice_.percent(30);
  auto value = where_.log.mine().next_value();
  auto bytes = encode(value, session::is_counter(key));
  auto async = without_waiting();
  auto op = begin(present ? (async ? "set_async(XX)" : "set(XX)")
                          : (async ? "set_async(NX)" : "set(NX)"));
  auto done = [this, key, how, value, present](operation& x,
                                               troupe::expected<bool>& stored) {
    if (!stored) {
      good(x.call, stored.error());
      return;
    }
    x.need = present == *stored ? needs::hit : needs::miss;
    if (*stored)
      stores(x, how, value);
    end(x, key);
  };
  if (async) {
    auto& name = where_.keys()[key];
    later(op,
          present
            ? set_async(region_, name, std::move(bytes), how.how)
            : set_if_absent_async(region_, name, std::move(bytes), how.how),
          done);
    return;
  }
  auto stored = region_.set(where_.keys()[key], bytes, how.how);
  done(op, stored);
}

void client::set_many() {
  auto which = some_keys(3);
  // One choice for all: only a tag that all keys may have.
  choice how;
  if (dice_.percent(where_.how.shares.expiring))
    choose_ttl(how);
  if (dice_.percent(where_.how.shares.tagged)) {
    how.tags = 1;
    how.how.tags.add("t0");
  }
  std::array<troupe::bytes, 3> values;
  std::array<value_id, 3> numbers;
  std::vector<troupe::key_value> items;
  for (std::size_t i = 0; i < which.size(); ++i) {
    numbers[i] = where_.log.mine().next_value();
    values[i] = encode(numbers[i], session::is_counter(which[i]));
    items.push_back({where_.keys()[which[i]], values[i]});
  }
  auto op = begin("set_many");
  auto stored = region_.set_many(items, how.how);
  if (!stored) {
    good("set_many", stored.error());
    return;
  }
  op.clock_end = time_of(where_.clock);
  op.end = recorder::now();
  for (std::size_t i = 0; i < which.size(); ++i) {
    stores(op, how, numbers[i]);
    where_.log.mine().operations.push_back({op, key_set{1} << which[i]});
  }
}

void client::erase(std::size_t key) {
  auto change = where_.change_database(key_set{1} << key);
  auto async = without_waiting();
  auto op = begin(async ? "erase_async" : "erase");
  op.make = makes::erase;
  op.database = change;
  auto done = [this, key](operation& x, troupe::expected<bool>& erased) {
    if (!erased) {
      good(x.call, erased.error());
      return;
    }
    if (where_.how.erase_results)
      x.need = *erased ? needs::hit : needs::miss;
    end(x, key);
  };
  if (async) {
    later(op, erase_async(region_, where_.keys()[key]), done);
    return;
  }
  auto erased = region_.erase(where_.keys()[key]);
  done(op, erased);
}

void client::touch(std::size_t key) {
  auto ttl = any_ttl();
  auto async = without_waiting();
  auto op = begin(async ? "touch_async" : "touch");
  op.ttl = nanoseconds_of(ttl);
  auto done = [this, key](operation& x, troupe::expected<bool>& touched) {
    if (!touched) {
      good(x.call, touched.error());
      return;
    }
    x.need = *touched ? needs::hit : needs::miss;
    x.make = *touched ? makes::touch : makes::nothing;
    end(x, key);
  };
  if (async) {
    later(op, touch_async(region_, where_.keys()[key], ttl), done);
    return;
  }
  auto touched = region_.touch(where_.keys()[key], ttl);
  done(op, touched);
}

void client::increment(std::size_t key) {
  auto delta = static_cast<std::int64_t>(1 + dice_.below(3));
  auto async = without_waiting();
  auto op = begin(async ? "increment_async" : "increment");
  op.need = needs::source;
  auto done
    = [this, key, delta](operation& x, troupe::expected<std::int64_t>& sum) {
        if (!sum) {
          good(x.call, sum.error());
          return;
        }
        // From nothing it is the step alone; stored numbers are above 0.
        x.source = static_cast<value_id>(*sum - delta);
        choice how;
        how.how.keep_ttl = true;
        stores(x, how, static_cast<value_id>(*sum));
        end(x, key);
      };
  if (async) {
    later(op, increment_async(region_, where_.keys()[key], delta), done);
    return;
  }
  auto sum = region_.increment(where_.keys()[key], delta);
  done(op, sum);
}

void client::compare_and_set(std::size_t key) {
  // Mostly by what this thread saw last, which may be old; often by what it looks
  // at now.
  if (dice_.percent(60))
    get(key);
  auto expected = dice_.percent(10) ? seen_version{} : seen_[key];
  auto how = choose(key);
  how.how.keep_ttl = dice_.percent(30);
  auto value = where_.log.mine().next_value();
  auto bytes = encode(value, session::is_counter(key));
  dawdle(1);
  auto op = begin("compare_and_set");
  op.source = expected.value;
  auto stored = region_.compare_and_set(where_.keys()[key], expected.version,
                                        bytes, how.how);
  if (!stored) {
    good("compare_and_set", stored.error());
    return;
  }
  if (*stored) {
    op.need = needs::source;
    stores(op, how, value);
    seen_[key] = {value, **stored};
  } else if (expected.value == absent) {
    op.need = needs::hit;
  } else if (expected.value >= value_stride) {
    // A counter may reach the same small number with another version.
    op.need = needs::other_version;
  }
  end(op, key);
}

// -- changing ----------------------------------------------------------------------

/// What the function of an update does to its own key: nothing that waits for the
/// key's lease, which it may hold.
void client::change_within(std::size_t key) {
  auto& shares = where_.how.shares;
  auto kind = dice_.below(3);
  if (kind == 0 && shares.tag > 0) {
    invalidate(dice_.percent(30) ? 0 : session::own_tag(key));
    return;
  }
  auto name = where_.keys()[key];
  if (kind == 1) {
    auto change = where_.change_database(key_set{1} << key);
    auto op = begin("erase within");
    op.make = makes::erase;
    op.database = change;
    auto erased = region_.erase(name);
    if (!erased) {
      good(op.call, erased.error());
      return;
    }
    if (where_.how.erase_results)
      op.need = *erased ? needs::hit : needs::miss;
    end(op, key);
    return;
  }
  auto how = choose(key);
  auto value = where_.log.mine().next_value();
  auto bytes = encode(value, session::is_counter(key));
  auto op = begin("set within");
  stores(op, how, value);
  if (auto stored = region_.set(name, bytes, how.how); !stored)
    good(op.call, stored.error());
  else
    end(op, key);
}

void client::update(std::size_t key) {
  auto& shares = where_.how.shares;
  // What the function saw and made when it ran last.
  struct outcome {
    value_id source = absent;
    value_id result = absent;
    unsigned runs = 0;
  };
  choice how;
  if (!dice_.percent(shares.inherit)) {
    choose_ttl(how);
    if (shares.tagged > 0)
      choose_tags(how, key);
  }
  const auto inner = !dice_.percent(shares.inner) ? 0
                     : dice_.percent(50)          ? 1
                                                  : most_inner_changes;
  const auto throws = dice_.percent(2);
  const auto erases = dice_.percent(10);
  auto last = std::make_shared<outcome>();
  auto f = [this, last, key, inner, throws, erases,
            seed = dice_.next()](std::optional<troupe::bytes_view> present)
    -> troupe::expected<std::optional<troupe::bytes>> {
    // On another thread when the update is asynchronous.
    client here{where_, seed + last->runs};
    last->source = present ? here.read(key, *present) : absent;
    last->result = absent;
    ++last->runs;
    here.dawdle(3);
    if (last->runs <= inner) {
      here.change_within(key);
      here.dawdle(2);
    }
    if (throws)
      throw std::runtime_error{"as it was told"};
    if (erases)
      return std::optional<troupe::bytes>{};
    last->result = where_.log.mine().next_value();
    return std::optional{encode(last->result, session::is_counter(key))};
  };
  auto async = without_waiting();
  auto op = begin(async ? "update_async" : "update");
  auto done
    = [this, key, how, last](
        operation& x, troupe::expected<std::optional<troupe::bytes>>& result) {
        if (!result) {
          good(x.call, result.error());
          return;
        }
        x.need = needs::source;
        x.source = last->source;
        if (last->result != absent) {
          stores(x, how, last->result);
          // What the call leaves open stays as it is.
          x.rule = how.how.ttl ? deadline_rule::fresh : deadline_rule::keep;
          x.keep_tags = how.how.tags.empty();
        } else if (last->source != absent) {
          x.make = makes::erase;
        }
        end(x, key);
      };
  if (async) {
    later(op, update_async(region_, where_.keys()[key], f, how.how), done);
    return;
  }
  auto result = region_.update(where_.keys()[key], f, how.how);
  done(op, result);
}

void client::transform(std::size_t key) {
  auto how = choose(key);
  auto what = dice_.below(6);
  auto value = where_.log.mine().next_value();
  auto bytes = encode(value, session::is_counter(key));
  auto op = begin("transform");
  op.need = needs::source;
  const auto ttl = any_ttl();
  const auto deadline
    = ttl == troupe::no_expiry ? troupe::never : where_.clock.now() + ttl;
  auto f
    = [&](const troupe::entry_view* present) -> troupe::expected<troupe::edit> {
    op.source = present == nullptr ? absent : read(key, present->value);
    switch (what) {
      case 0:
        return troupe::edit::keep();
      case 1:
        return troupe::edit::store(bytes, how.how);
      case 2:
        return troupe::edit::replace(bytes);
      case 3:
        return troupe::edit::store_until(bytes, deadline);
      case 4:
        return troupe::edit::touch(deadline);
      default:
        return troupe::edit::erase();
    }
  };
  auto done = region_.transform(where_.keys()[key], f);
  if (!done) {
    good("transform", done.error());
    return;
  }
  choice kept;
  switch (what) {
    case 0:
      break;
    case 1:
      stores(op, how, value);
      break;
    case 2:
      kept.how.keep_ttl = true;
      stores(op, kept, value);
      break;
    case 3:
      stores(op, kept, value);
      break;
    case 4:
      op.make = op.source == absent ? makes::nothing : makes::touch;
      break;
    default:
      op.make = makes::erase;
      break;
  }
  if (what == 3 || what == 4) {
    op.rule = deadline_rule::exact;
    op.ttl = deadline.time_since_epoch().count();
  }
  end(op, key);
}

// -- loading -----------------------------------------------------------------------

void client::load(std::size_t key) {
  auto how = choose(key);
  // The loader may choose as well, instead of the caller or besides.
  auto by_loader = dice_.percent(50) ? choose(key) : choice{};
  const auto throws = dice_.percent(3);
  const auto nothing = dice_.percent(where_.how.shares.nothing);
  // In such a region a call without waiting does not say whether its value is stale.
  auto async = !where_.stale && without_waiting();
  auto op = begin(async ? "get_or_set_async" : "get_or_load");
  op.need = needs::loading;
  auto loader
    = [this, key, how, by_loader, throws, nothing, seed = dice_.next(),
       asked = op](
        troupe::load_context& context) -> troupe::bytes_loader::result_type {
    client here{where_, seed};
    where_.answered.runs.fetch_add(1, std::memory_order_relaxed);
    load_run run;
    run.thread = asked.thread;
    run.asked = asked.start;
    run.clock_asked = asked.clock_start;
    run.began = recorder::now();
    run.clock_began = time_of(where_.clock);
    run.tags = static_cast<tag_mask>(how.tags | by_loader.tags);
    run.ttl = by_loader.how.ttl ? by_loader.ttl : how.ttl;
    if (by_loader.how.ttl)
      context.ttl(*by_loader.how.ttl);
    auto say_tags = [&] {
      for (unsigned i = 0; i < session::tags; ++i)
        if (((by_loader.tags >> i) & 1u) != 0)
          context.tag("t" + std::to_string(i));
    };
    auto early = here.dice_.percent(50);
    if (early)
      say_tags();
    run.database = where_.read_database(key);
    here.dawdle(here.dice_.percent(20) ? 40 : 4);
    if (throws)
      throw std::runtime_error{"as it was told"};
    if (!early)
      say_tags();
    run.value = where_.log.mine().next_value();
    run.nothing = nothing;
    std::optional<troupe::bytes> result;
    if (!nothing)
      result = encode(run.value, session::is_counter(key));
    run.clock_returned = time_of(where_.clock);
    run.returned = recorder::now();
    where_.log.mine().loads.push_back({run, key});
    return result;
  };
  auto done
    = [this, key](operation& x,
                  troupe::expected<std::optional<troupe::bytes>>& result) {
        if (!result) {
          good(x.call, result.error());
          return;
        }
        if (*result)
          x.source = read(key, **result);
        else
          x.need = needs::nothing; // Which loader found nothing is not known.
        end(x, key);
      };
  if (async) {
    later(op, get_or_set_async(region_, where_.keys()[key], loader, how.how),
          done);
    return;
  }
  const auto on = dice_.percent(where_.how.shares.pool)
                    ? troupe::load_on::pool
                    : troupe::load_on::caller;
  auto answer
    = region_.get_or_load(where_.keys()[key], loader, how.how, {.on = on});
  auto& counts = where_.answered;
  const auto count = [](std::atomic<std::uint64_t>& x) {
    x.fetch_add(1, std::memory_order_relaxed);
  };
  if (answer.value && !*answer.value)
    count(counts.nothing);
  if (answer.fenced)
    count(counts.fenced);
  switch (answer.origin) {
    case troupe::load_origin::hit:
      count(counts.hit);
      op.need = needs::source;
      break;
    case troupe::load_origin::loaded:
    case troupe::load_origin::joined:
      count(answer.origin == troupe::load_origin::loaded ? counts.loaded
                                                         : counts.joined);
      op.fate = answer.fenced ? load_fate::fenced : load_fate::stored;
      break;
    case troupe::load_origin::stale:
      count(counts.stale);
      op.need = needs::stale;
      break;
  }
  done(op, answer.value);
}

// -- invalidating ------------------------------------------------------------------

void client::invalidate(unsigned tag) {
  auto keys = where_.keys_with(tag);
  auto change = where_.change_database(keys);
  auto op = begin("invalidate_tag");
  op.make = makes::invalidate;
  op.tags = static_cast<tag_mask>(1u << tag);
  op.database = change;
  if (auto ok = region_.invalidate_tag("t" + std::to_string(tag)); !ok)
    good(op.call, ok.error());
  else
    end_of_all(op, keys);
}

/// Concerns no entry, so it is not recorded.
void client::noise() {
  if (auto ok = region_.invalidate_tag(where_.new_name()); !ok)
    good("invalidate_tag", ok.error());
}

void client::clear() {
  auto change = where_.change_database(where_.all_keys());
  auto async = without_waiting();
  auto op = begin(async ? "clear_async" : "clear");
  op.make = makes::erase;
  op.database = change;
  auto done = [this](operation& x, troupe::expected<void>& cleared) {
    if (!cleared)
      good(x.call, cleared.error());
    else
      end_of_all(x, where_.all_keys());
  };
  if (async) {
    later(op, future_of<void>([&](auto finish) { finish(region_.clear()); }),
          done);
    return;
  }
  auto cleared = region_.clear();
  done(op, cleared);
}

void client::clear_namespace() {
  if (region_.provider().groups() == nullptr) {
    clear();
    return;
  }
  auto inner = dice_.percent(50);
  auto keys = inner ? where_.inner_namespace() : where_.outer_namespace();
  auto change = where_.change_database(keys);
  auto op = begin("clear_namespace");
  op.make = makes::erase;
  op.database = change;
  if (auto ok = region_.clear_namespace(inner ? "n:m:" : "n:"); !ok)
    good(op.call, ok.error());
  else
    end_of_all(op, keys);
}

/// Writes keys that nobody judges, so that others are evicted.
void client::fill() {
  static constexpr std::array<const char*, 3> prefixes{"f", "n:f", "n:m:f"};
  auto key = prefixes[dice_.below(prefixes.size())]
             + std::to_string(dice_.below(filler_keys));
  if (auto ok = region_.set(key, "filler"); !ok)
    good("set", ok.error());
}

} // namespace histories
