#include <troupe/actors/loads/detail/load_bulk.hpp>

#include <future>
#include <new>
#include <system_error>
#include <utility>

#include <troupe/actors/loads/load_graph.hpp>

namespace troupe {

bulk_load::bulk_load(std::shared_ptr<load_coordinator> by,
                     std::shared_ptr<load_target> where,
                     std::vector<carried_key> keys, bulk_loader loader,
                     const write_options& how)
  : by_(std::move(by)),
    where_(std::move(where)),
    how_(how),
    asked_(by_->time_.now()),
    loader_(std::move(loader)),
    answers_(keys.size(),
             load_answer{tl::unexpected{error{errc::load_failed}}}),
    left_(keys.size()) {
  for (auto& x : keys)
    parts_.emplace_back(*this, parts_.size(), std::move(x), how_);
}

bulk_load::~bulk_load() = default;

std::shared_ptr<bulk_load::part> bulk_load::pointer_to(part& x) {
  return {shared_from_this(), &x};
}

// -- a thread that waits -----------------------------------------------------------

std::vector<load_answer> bulk_load::run() {
  std::vector<part*> asked;
  for (auto& x : parts_)
    asked.push_back(&x);
  for (;;) {
    for (auto* x : asked)
      ask_now(*x);
    run_ready();
    {
      std::lock_guard guard{mutex_};
      if (left_ == 0)
        return std::move(answers_);
      asked = std::exchange(again_, {});
    }
    if (!asked.empty())
      continue;
    await_held();
    std::lock_guard guard{mutex_};
    asked = std::exchange(again_, {});
  }
}

void bulk_load::ask_now(part& x) {
  auto opened = by_->open(where_, x.key, how_.tags);
  if (!opened)
    return answered(x, {tl::unexpected{std::move(opened.error())}});
  auto asked = where_->acquire_load_now(
    x.key, (*opened)->id, why_, (*opened)->named, [&](load_decision decision) {
      return decide(x, *opened, std::move(decision));
    });
  if (!asked) {
    by_->forget((*opened)->id);
    answered(x, {tl::unexpected{std::move(asked.error())}});
  }
}

/// Runs the loader for the loads that are ready, on this thread.
void bulk_load::run_ready() {
  std::vector<load_pointer> loads;
  {
    std::lock_guard guard{mutex_};
    for (const auto* x : ready_)
      loads.push_back(x->load);
  }
  if (loads.empty())
    return;
  if (running_load::present() == nullptr)
    return run_batch(shared_from_this());
  // Closes no circle: a load that waits for its loader waits for no other load.
  load_edge edge;
  static_cast<void>(edge.add_all(loads));
  try {
    run_with_stack([this] { run_batch(shared_from_this()); });
  } catch (const std::system_error& failure) {
    const error why{errc::overloaded,
                    std::string{"loads that load are too deep for the stack, "
                                "and no thread could be started: "}
                      + failure.what()};
    for (auto* x : take_ready())
      by_->fail_over(x->load, x->run, why);
  }
}

/// Waits until all is answered, or there is something to do.
void bulk_load::await_held() {
  std::vector<part*> held;
  std::vector<load_pointer> loads;
  {
    std::lock_guard guard{mutex_};
    for (auto& x : parts_)
      if (x.now == part::phase::held && x.load != nullptr) {
        held.push_back(&x);
        loads.push_back(x.load);
      }
  }
  load_edge edge;
  const auto possible = edge.add_all(loads);
  for (std::size_t i = 0; i < loads.size(); ++i) {
    if (!possible[i] && loads[i]->remove(*held[i]) != nullptr)
      answered(*held[i], {tl::unexpected{possible[i].error()}});
    // A load that waits for a thread has one now.
    if (const auto run = loads[i]->present_run();
        possible[i] && run != nullptr && run->queued())
      load_coordinator::run_owned(by_, loads[i], run);
  }
  std::unique_lock guard{mutex_};
  const auto something
    = [this] { return left_ == 0 || !ready_.empty() || !again_.empty(); };
  busy_ = false;
  // As in load_coordinator::await, no caller depends on the clockwork.
  while (!changed_.wait_for(guard, defaults::load_timeout, something)) {
    guard.unlock();
    by_->tick();
    guard.lock();
  }
  busy_ = true;
  changed_.wait(guard, [this] { return expected_ == 0; });
}

// -- without a thread --------------------------------------------------------------

void bulk_load::start(load_purpose why, done_function done) {
  why_ = why;
  on_pool_ = true;
  std::vector<part*> asked;
  for (auto& x : parts_)
    asked.push_back(&x);
  std::unique_lock guard{mutex_};
  done_ = std::move(done);
  again_ = std::move(asked);
  next(std::move(guard));
}

/// The next step of a call, after something has changed. The last thing that its caller
/// does.
void bulk_load::next(std::unique_lock<std::mutex> guard) {
  if (!on_pool_)
    return changed_.notify_one();
  if (left_ == 0) {
    const auto done = std::exchange(done_, nullptr);
    // Destroy what the loader captured before its results are known.
    const auto loader = std::exchange(loader_, nullptr);
    auto answers = std::move(answers_);
    guard.unlock();
    if (done)
      done(std::move(answers));
    return;
  }
  if (asking_ > 0 || expected_ > 0)
    return;
  if (!ready_.empty()) {
    if (!std::exchange(posted_, true)) {
      guard.unlock();
      post();
    }
    return;
  }
  if (in_batch_ > 0)
    return;
  busy_ = !again_.empty();
  const auto asked = std::exchange(again_, {});
  asking_ = asked.size();
  guard.unlock();
  for (auto* x : asked)
    ask_then(*x);
}

void bulk_load::ask_then(part& x) {
  // Keeps the call until all decisions are made.
  auto self = shared_from_this();
  const auto decided = [self] {
    std::unique_lock guard{self->mutex_};
    --self->asking_;
    self->next(std::move(guard));
  };
  auto opened = by_->open(where_, x.key, how_.tags);
  if (!opened) {
    answered(x, {tl::unexpected{std::move(opened.error())}});
    return decided();
  }
  where_->acquire_load(
    x.key, (*opened)->id, why_, (*opened)->named,
    [self, &x, decided,
     load = *opened](expected<load_decision> decision) -> bool {
      auto used = false;
      try {
        if (decision)
          used = self->decide(x, load, std::move(*decision));
      } catch (const std::bad_alloc&) {
        decision = fail(errc::out_of_memory);
      }
      if (!decision) {
        self->by_->forget(load->id);
        self->answered(x, {tl::unexpected{std::move(decision.error())}});
      }
      decided();
      return used;
    });
}

/// Has the pool run the loader for the loads that are ready.
void bulk_load::post() {
  auto posted = by_->workers_.post([which = weak_from_this()] {
    if (auto self = which.lock())
      run_batch(std::move(self));
  });
  if (!posted)
    for (auto* x : take_ready())
      if (by_->claim(*x->load, x->run))
        static_cast<void>(by_->abandon(x->load, posted.error(), nullptr));
}

// -- the coordinator's calls -------------------------------------------------------

std::vector<load_answer>
load_coordinator::get_many(const std::shared_ptr<load_target>& where,
                           std::vector<carried_key> keys,
                           const bulk_loader& loader, const write_options& how,
                           const load_terms& terms) {
  if (keys.empty())
    return {};
  const auto place = place_of(where->options(), false, terms);
  auto all = std::make_shared<bulk_load>(shared_from_this(), where,
                                         std::move(keys), loader, how);
  if (place == load_on::caller)
    return all->run();
  // Shared: this thread may go on before `set_value` has returned.
  auto made = std::make_shared<std::promise<std::vector<load_answer>>>();
  auto answers = made->get_future();
  all->start(load_purpose::missing, [made](std::vector<load_answer> x) {
    made->set_value(std::move(x));
  });
  while (answers.wait_for(defaults::load_timeout) != std::future_status::ready)
    tick();
  return answers.get();
}

void load_coordinator::get_many_then(
  const std::shared_ptr<load_target>& where, std::vector<carried_key> keys,
  bulk_loader loader, const write_options& how,
  std::function<void(std::vector<load_answer>)> done) {
  if (keys.empty())
    return done({});
  std::make_shared<bulk_load>(shared_from_this(), where, std::move(keys),
                              std::move(loader), how)
    ->start(load_purpose::missing, std::move(done));
}

void load_coordinator::refresh_many(const std::shared_ptr<load_target>& where,
                                    std::vector<carried_key> keys,
                                    bulk_loader loader,
                                    const write_options& how) {
  if (!keys.empty())
    std::make_shared<bulk_load>(shared_from_this(), where, std::move(keys),
                                std::move(loader), how)
      ->start(load_purpose::refresh, [](const std::vector<load_answer>&) {});
}

} // namespace troupe
