// The part of a bulk load that runs its loader and hears of its loads.

#include <troupe/actors/loads/detail/load_bulk.hpp>

#include <algorithm>
#include <utility>
#include <variant>

#include <troupe/actors/loads/detail/guarded_call.hpp>
#include <troupe/actors/loads/load_graph.hpp>

namespace troupe {

// -- one run of the loader ---------------------------------------------------------

/// Notes a decision of the provider. Returns whether a granted lease is used.
bool bulk_load::decide(part& x, const load_pointer& load,
                       load_decision decision) {
  if (auto* granted = std::get_if<load_granted>(&decision)) {
    load_coordinator::offer(x, *where_, granted->stale, asked_);
    // A caller that runs its loader itself cannot leave it.
    if (!on_pool_)
      x.soft_until = x.hard_until = never;
    const auto begun = by_->begin(*load, std::move(*granted), pointer_to(x));
    if (!begun) {
      static_cast<void>(by_->abandon(load, begun.error(), nullptr));
      return true;
    }
    const auto& run = *begun;
    if (run == nullptr) {
      answered(x, {tl::unexpected{drained_error()}});
      return false;
    }
    std::lock_guard guard{mutex_};
    // It may have been cancelled already.
    if (x.now == part::phase::answered)
      return true;
    x.now = part::phase::loading;
    x.load = load;
    x.run = run;
    ready_.push_back(&x);
    ++in_batch_;
    return true;
  }
  if (auto* other = std::get_if<load_joined>(&decision);
      other != nullptr && why_ == load_purpose::missing) {
    x.since = other->since;
    load_coordinator::offer(x, *where_, std::move(other->stale), asked_);
    {
      std::lock_guard guard{mutex_};
      x.now = part::phase::held;
    }
    auto joined = by_->join(other->id, where_, x.key, pointer_to(x));
    std::lock_guard guard{mutex_};
    if (x.now == part::phase::held)
      x.load = std::move(joined);
  } else {
    answered(x, load_coordinator::answer_of(std::move(decision)));
  }
  by_->forget(load->id);
  return true;
}

std::vector<bulk_load::part*> bulk_load::take_ready() {
  std::lock_guard guard{mutex_};
  posted_ = false;
  auto result = std::exchange(ready_, {});
  // Decisions may come in any order.
  std::ranges::sort(result, {}, &part::index);
  return result;
}

namespace {

/// Returns whether the loader failed so that another caller's loader may do better.
bool call_bulk(const bulk_loader& loader, bulk_context& context,
               expected<bulk_values>& values) {
  if (guarded(values, [&] { values = loader(context); }))
    return true;
  if (!values || values->size() == context.size())
    return false;
  values = fail(errc::load_failed,
                "the loader returned " + std::to_string(values->size())
                  + " values for " + std::to_string(context.size())
                  + " keys; it has to return one for each key, in the order "
                    "of the keys");
  return true;
}

} // namespace

/// Runs the loader for the loads that are ready. A loader of the pool may outlive the
/// runtime: meanwhile the thread holds neither coordinator nor region.
void bulk_load::run_batch(std::shared_ptr<bulk_load> self) {
  const std::weak_ptr<bulk_load> which = self;
  std::vector<running_item> items;
  std::vector<std::size_t> positions;
  std::vector<load_context> each;
  bulk_loader loader;
  {
    const auto batch = self->take_ready();
    items.reserve(batch.size());
    positions.reserve(batch.size());
    each.reserve(batch.size());
    {
      std::lock_guard guard{self->mutex_};
      loader = self->loader_;
    }
    const auto deadline
      = self->by_->time_.now() + *self->where_->options().load_timeout;
    for (const auto* x : batch) {
      // Otherwise it was withdrawn, and is answered.
      if (!x->run->begin(deadline))
        continue;
      each.push_back(load_coordinator::context_of(*x->load, *x->run));
      items.push_back({x->load, x->run});
      positions.push_back(x->index);
    }
  }
  if (items.empty())
    return;
  if (self->on_pool_)
    self = nullptr;
  bulk_context context{std::move(each)};
  expected<bulk_values> values;
  auto threw = false;
  {
    const running_load here{items};
    threw = call_bulk(loader, context, values);
  }
  loader = nullptr;
  if (self == nullptr)
    self = which.lock();
  if (self != nullptr)
    self->finish(items, positions, context, std::move(values), threw);
}

/// Ends the loads of a run, key by key.
void bulk_load::finish(const std::vector<running_item>& items,
                       const std::vector<std::size_t>& positions,
                       bulk_context& context, expected<bulk_values> values,
                       bool threw) {
  for (std::size_t i = 0; i < items.size(); ++i) {
    const auto load = items[i].which.lock();
    if (load == nullptr)
      continue;
    expected<std::optional<bytes>> value
      = values ? std::move((*values)[i])
               : expected<std::optional<bytes>>{tl::unexpected{values.error()}};
    auto answer = by_->finish(
      load, items[i].run,
      by_->result_of(context.at(i), std::move(value), threw, how_), nullptr);
    // A thread that ran its loader itself gets what the loader brought too late.
    if (on_pool_ || !answer.value || !answer.fenced)
      continue;
    std::lock_guard guard{mutex_};
    if (auto& told = answers_[positions[i]]; !told.value)
      told = std::move(answer);
  }
}

// -- reports of the coordinator ----------------------------------------------------

void bulk_load::answered(part& x, const load_answer& what) {
  std::unique_lock guard{mutex_};
  if (x.now == part::phase::loading) {
    --in_batch_;
    // It may have been withdrawn: the next step must not wait for its run.
    std::erase(ready_, &x);
  }
  x.now = part::phase::answered;
  answers_[x.index] = what;
  --left_;
  next(std::move(guard));
}

void bulk_load::asks_again(part& x) {
  std::unique_lock guard{mutex_};
  x.now = part::phase::asking;
  x.load = nullptr;
  again_.push_back(&x);
  next(std::move(guard));
}

/// Whether a load may pass to the call: `invited` follows.
bool bulk_load::accepts() noexcept {
  std::lock_guard guard{mutex_};
  if (busy_)
    return false;
  ++expected_;
  return true;
}

void bulk_load::invited(part& x, const load_pointer& load,
                        const run_pointer& run) {
  std::optional<load_answer> ended;
  {
    std::lock_guard guard{load->mutex};
    if (load->run == run && load->now == load_in_flight::phase::running)
      load->owner = pointer_to(x);
    else
      ended
        = load_answer{tl::unexpected{load->refused.value_or(drained_error())}};
  }
  {
    std::unique_lock guard{mutex_};
    --expected_;
    if (!ended && x.now != part::phase::answered) {
      busy_ = true;
      x.now = part::phase::loading;
      x.load = load;
      x.run = run;
      ready_.push_back(&x);
      ++in_batch_;
    }
    next(std::move(guard));
  }
  if (ended)
    answered(x, *ended);
}

} // namespace troupe
