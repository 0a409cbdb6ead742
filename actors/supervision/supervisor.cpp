#include <troupe/actors/supervision/supervisor.hpp>

#include <algorithm>
#include <exception>
#include <new>
#include <tuple>
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
    children_.push_back(std::make_shared<child>());
    added = children_.back().get();
    added->order = added_++;
    added->spec = std::move(spec);
    try {
      by_name_.emplace(added->spec.name, added);
    } catch (...) {
      children_.pop_back();
      throw;
    }
  }
  try {
    start(*added, false);
  } catch (...) {
    std::lock_guard guard{mutex_};
    forget_last();
    throw;
  }
  return {};
}

/// Removes the youngest child from the tables.
void supervisor::forget_last() {
  by_name_.erase(children_.back()->spec.name);
  children_.pop_back();
}

void supervisor::start(child& x, bool again) {
  auto number = x.spec.start(again);
  try {
    std::lock_guard guard{mutex_};
    by_number_.emplace(number, &x);
    x.number = number;
    x.state = child_state::running;
    if (again) {
      ++x.restarts;
      ++figures_.restarts;
    }
  } catch (const std::bad_alloc&) {
    // Its death need not be reported.
    x.spec.end(false);
    throw;
  }
}

// -- deaths ------------------------------------------------------------------------

void supervisor::ended(std::uint64_t number, std::string_view reason) {
  std::lock_guard turn{turn_};
  child* dead = nullptr;
  auto what = verdict::ignore;
  std::size_t crashes = 0;
  {
    std::lock_guard guard{mutex_};
    auto i = by_number_.find(number);
    if (i == by_number_.end())
      return;
    dead = i->second;
    by_number_.erase(i);
    what = judge(*dead);
    crashes = dead->crashes.size();
    if (by_number_.empty() || dead->leaves)
      all_ended_.notify_all();
  }
  if (what == verdict::ignore)
    return;
  report(dead->spec.name + " crashed"
         + (reason.empty() ? std::string{} : " (" + std::string{reason} + ")")
         + "; crash " + std::to_string(crashes) + " within "
         + std::to_string(window_.count()) + " ms, restart-limit is "
         + std::to_string(limit_));
  if (what == verdict::give_up) {
    give_up(*dead);
    report(dead->spec.name + " is given up after crash "
           + std::to_string(crashes) + " within "
           + std::to_string(window_.count()) + " ms (restart-limit is "
           + std::to_string(limit_) + "); 'restart " + dead->spec.name
           + "' in troupe-console starts it again");
    return;
  }
  try {
    start(*dead, true);
    report(dead->spec.name + " runs again");
  } catch (const std::exception& failure) {
    // An actor that cannot be started is given up; its callers get an error.
    give_up(*dead);
    report(dead->spec.name + " is given up: it cannot be started ("
           + failure.what() + "); 'restart " + dead->spec.name
           + "' in troupe-console tries again");
  }
}

/// Gives an actor up: it stays down.
void supervisor::give_up(child& x) {
  {
    std::lock_guard guard{mutex_};
    x.state = child_state::failed;
    count_failed(x, true);
  }
  if (x.spec.give_up)
    x.spec.give_up();
}

void supervisor::count_failed(const child& x, bool comes) {
  const auto change = [comes](std::uint64_t& n) { n += comes ? 1 : ~0ULL; };
  change(figures_.failed);
  if (x.spec.kind == "shard")
    change(figures_.shards_failed);
}

void supervisor::report(const std::string& line) const {
  if (report_)
    report_(line);
}

/// Records a death.
supervisor::verdict supervisor::judge(child& x) {
  if (stopping_ || x.leaves) {
    x.state = child_state::stopped;
    return verdict::ignore;
  }
  ++figures_.crashes;
  auto now = time_.now();
  x.crashes.push_back(now);
  std::erase_if(x.crashes, [&](time_point t) { return now - t >= window_; });
  x.state = child_state::restarting;
  if (x.crashes.size() > limit_ && x.spec.give_up)
    return verdict::give_up;
  // A child that is always started again needs no history.
  if (x.crashes.size() > limit_)
    x.crashes.erase(x.crashes.begin());
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

// -- commands ----------------------------------------------------------------------

expected<void> supervisor::kill(std::string_view name) {
  std::function<void(bool)> end;
  {
    std::lock_guard guard{mutex_};
    auto* x = find(name);
    if (x == nullptr)
      return fail(errc::unknown_actor,
                  "there is no actor named " + std::string{name});
    if (x->state != child_state::running)
      return fail(errc::unknown_actor,
                  x->spec.name + " is " + std::string{to_string(x->state)});
    end = x->spec.end;
  }
  end(true);
  return {};
}

expected<void> supervisor::restart(std::string_view name) {
  std::lock_guard turn{turn_};
  child* x = nullptr;
  {
    std::lock_guard guard{mutex_};
    if (stopping_)
      return fail(errc::shutting_down, "the runtime drains");
    x = find(name);
    if (x == nullptr || x->leaves)
      return fail(errc::unknown_actor,
                  "there is no actor named " + std::string{name});
    if (x->state != child_state::failed)
      return fail(errc::invalid_argument,
                  x->spec.name + " is " + std::string{to_string(x->state)}
                    + "; only an actor that has failed can be started again");
    x->crashes.clear();
    x->state = child_state::restarting;
    count_failed(*x, false);
  }
  try {
    start(*x, true);
  } catch (const std::exception& failure) {
    give_up(*x);
    return fail(errc::system_error, x->spec.name + " cannot be started ("
                                      + failure.what() + ") and stays down");
  }
  report(x->spec.name + " runs again, by order");
  return {};
}

supervisor::departure supervisor::dismiss(std::string_view name) {
  std::lock_guard turn{turn_};
  departure result;
  std::vector<child*> running;
  {
    std::lock_guard guard{mutex_};
    for (auto& x : children_) {
      if (x->spec.name != name && x->spec.parent != name)
        continue;
      result.children_.push_back(x);
      if (x->state == child_state::running)
        running.push_back(x.get());
    }
    for (auto& x : result.children_)
      x->leaves = true;
  }
  std::for_each(running.rbegin(), running.rend(),
                [](child* x) { x->spec.end(false); });
  return result;
}

void supervisor::await_departed(const departure& which,
                                std::chrono::milliseconds patience) {
  const auto& leaving = which.children_;
  {
    std::unique_lock guard{mutex_};
    all_ended_.wait_for(guard, patience, [&] {
      return std::none_of(leaving.begin(), leaving.end(), [this](auto& x) {
        return by_number_.contains(x->number);
      });
    });
  }
  // No death is being looked at any more.
  std::lock_guard turn{turn_};
  std::lock_guard guard{mutex_};
  for (auto& x : leaving) {
    by_number_.erase(x->number);
    by_name_.erase(x->spec.name);
    if (x->state == child_state::failed)
      count_failed(*x, false);
  }
  std::erase_if(children_, [](auto& x) { return x->leaves; });
  if (by_number_.empty())
    all_ended_.notify_all();
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

supervisor::remaining
supervisor::await_stopped(std::chrono::steady_clock::time_point deadline,
                          std::chrono::milliseconds patience,
                          std::size_t most) {
  std::unique_lock guard{mutex_};
  auto all_ended = [this] { return by_number_.empty(); };
  for (auto before = by_number_.size() + 1; by_number_.size() < before;) {
    before = by_number_.size();
    auto patient = std::chrono::steady_clock::now() + patience;
    if (all_ended_.wait_until(guard, std::max(deadline, patient), all_ended))
      break;
  }
  remaining left;
  left.count = by_number_.size();
  for (auto i = children_.begin();
       i != children_.end() && left.names.size() < std::min(left.count, most);
       ++i)
    if ((*i)->state == child_state::running)
      left.names.push_back((*i)->spec.name);
  return left;
}

/// Puts each child behind its parent, whenever it was added; those of one parent by name,
/// numbers at its end counted.
void supervisor::sort_by_family(
  std::vector<std::shared_ptr<child>>& which) const {
  const auto place = [this](const child& x) {
    const auto* parent = find(x.spec.parent);
    return std::tuple{parent == nullptr ? x.order : parent->order,
                      parent != nullptr, x.spec.name.size(),
                      std::string_view{x.spec.name}};
  };
  std::sort(which.begin(), which.end(),
            [&](auto& x, auto& y) { return place(*x) < place(*y); });
}

// -- looking -----------------------------------------------------------------------

std::vector<child_view> supervisor::list(std::string_view prefix) const {
  std::vector<child_view> rows;
  std::vector<std::shared_ptr<child>> listed;
  {
    std::lock_guard guard{mutex_};
    for (auto& x : children_)
      if (std::string_view{x->spec.name}.starts_with(prefix))
        listed.push_back(x);
    sort_by_family(listed);
    for (auto& x : listed)
      rows.push_back({x->spec.name,
                      x->spec.parent,
                      x->spec.kind,
                      x->state,
                      x->restarts,
                      {}});
  }
  // A specification never changes.
  for (std::size_t i = 0; i < rows.size(); ++i)
    rows[i].figures = listed[i]->spec.figures();
  return rows;
}

expected<void> supervisor::check_not_failed(std::string_view name) const {
  std::lock_guard guard{mutex_};
  const auto* x = find(name);
  if (x == nullptr || x->state != child_state::failed)
    return {};
  return fail(errc::shard_down, x->spec.name
                                  + " crashed too often and stays down; start "
                                    "it again with 'restart "
                                  + x->spec.name + "'");
}

bool supervisor::contains(std::string_view name) const {
  std::lock_guard guard{mutex_};
  return find(name) != nullptr;
}

std::size_t supervisor::size() const {
  std::lock_guard guard{mutex_};
  return children_.size();
}

supervision_figures supervisor::figures() const {
  std::lock_guard guard{mutex_};
  return figures_;
}

supervisor::child* supervisor::find(std::string_view name) const {
  auto i = by_name_.find(name);
  return i == by_name_.end() ? nullptr : i->second;
}

} // namespace troupe
