#include <troupe/actors/supervisor.hpp>

#include <algorithm>
#include <exception>
#include <utility>

namespace troupe {

std::string_view to_string(child_state x) noexcept {
  switch (x) {
    case child_state::restarting:
      return "restarting";
    case child_state::running:
      return "running";
    case child_state::failed:
      return "failed";
    case child_state::stopped:
      return "stopped";
  }
  return "unknown";
}

// -- starting ----------------------------------------------------------------------

expected<void> supervisor::add(child_spec spec) {
  std::lock_guard turn{turn_};
  child* added = nullptr;
  {
    std::lock_guard guard{mutex_};
    if (stopping_)
      return fail(errc::shutting_down, "the runtime drains");
    if (find(spec.name) != nullptr)
      return fail(errc::invalid_argument,
                  "there is an actor named " + spec.name);
    children_.push_back(std::make_unique<child>());
    added = children_.back().get();
    added->spec = std::move(spec);
  }
  try {
    start(*added, false);
  } catch (...) {
    std::lock_guard guard{mutex_};
    children_.pop_back();
    throw;
  }
  return {};
}

void supervisor::start(child& x, bool again) {
  auto number = x.spec.start(again);
  std::lock_guard guard{mutex_};
  x.number = number;
  x.state = child_state::running;
  ++running_;
  if (again)
    ++x.restarts;
}

// -- deaths ------------------------------------------------------------------------

void supervisor::ended(std::uint64_t number) {
  std::lock_guard turn{turn_};
  child* dead = nullptr;
  auto what = verdict::ignore;
  {
    std::lock_guard guard{mutex_};
    for (auto& x : children_)
      if (x->number == number && x->state == child_state::running)
        dead = x.get();
    if (dead == nullptr)
      return;
    what = judge(*dead);
    if (--running_ == 0)
      all_ended_.notify_all();
  }
  if (what == verdict::start_again) {
    try {
      start(*dead, true);
      return;
    } catch (const std::exception&) {
      // What cannot even be started is given up, which its callers learn.
      std::lock_guard guard{mutex_};
      dead->state = child_state::failed;
      what = verdict::give_up;
    }
  }
  if (what == verdict::give_up && dead->spec.give_up)
    dead->spec.give_up();
}

/// Takes a death into the books.
supervisor::verdict supervisor::judge(child& x) {
  if (stopping_) {
    x.state = child_state::stopped;
    return verdict::ignore;
  }
  auto now = time_.now();
  x.crashes.push_back(now);
  while (now - x.crashes.front() >= window_)
    x.crashes.pop_front();
  if (x.crashes.size() > limit_ && x.spec.give_up) {
    x.state = child_state::failed;
    return verdict::give_up;
  }
  // One that is always started again needs no history.
  if (x.crashes.size() > limit_)
    x.crashes.pop_front();
  x.state = child_state::restarting;
  return verdict::start_again;
}

void supervisor::watch_all() {
  std::lock_guard turn{turn_};
  std::vector<child*> running;
  {
    std::lock_guard guard{mutex_};
    for (auto& x : children_)
      if (x->state == child_state::running)
        running.push_back(x.get());
  }
  for (auto* x : running)
    x->spec.watch();
}

// -- by order ----------------------------------------------------------------------

expected<void> supervisor::kill(std::string_view name) {
  std::function<void(bool)> end;
  {
    std::lock_guard guard{mutex_};
    auto* x = find(name);
    if (x == nullptr)
      return fail(errc::unknown_actor,
                  "there is no actor named " + std::string{name});
    if (x->state != child_state::running)
      return fail(errc::unknown_actor, x->spec.name + " is "
                                         + std::string{to_string(x->state)});
    end = x->spec.end;
  }
  end(true);
  return {};
}

void supervisor::begin_stop() {
  std::lock_guard turn{turn_};
  std::vector<child*> running;
  {
    std::lock_guard guard{mutex_};
    stopping_ = true;
    for (auto& x : children_)
      if (x->state == child_state::running)
        running.push_back(x.get());
  }
  std::for_each(running.rbegin(), running.rend(),
                [](child* x) { x->spec.end(false); });
}

std::vector<std::string> supervisor::await_stopped(
  std::chrono::steady_clock::time_point deadline) {
  std::unique_lock guard{mutex_};
  all_ended_.wait_until(guard, deadline, [this] { return running_ == 0; });
  std::vector<std::string> left;
  for (auto& x : children_)
    if (x->state == child_state::running)
      left.push_back(x->spec.name);
  return left;
}

// -- looking -----------------------------------------------------------------------

std::vector<child_view> supervisor::list(std::string_view prefix) const {
  std::vector<child_view> rows;
  std::vector<child*> listed;
  {
    std::lock_guard guard{mutex_};
    for (auto& x : children_) {
      auto& spec = x->spec;
      if (!std::string_view{spec.name}.starts_with(prefix))
        continue;
      listed.push_back(x.get());
      rows.push_back(
        {spec.name, spec.parent, spec.kind, x->state, x->restarts, {}});
    }
  }
  // A child never goes away, and its specification never changes.
  for (std::size_t i = 0; i < rows.size(); ++i)
    rows[i].figures = listed[i]->spec.figures();
  return rows;
}

std::size_t supervisor::size() const {
  std::lock_guard guard{mutex_};
  return children_.size();
}

supervisor::child* supervisor::find(std::string_view name) const {
  for (auto& x : children_)
    if (x->spec.name == name)
      return x.get();
  return nullptr;
}

} // namespace troupe
