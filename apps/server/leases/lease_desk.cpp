#include "apps/server/leases/lease_desk.hpp"

#include <iterator>
#include <new>

#include <troupe/actors/regions/region_declared.hpp>

#include "apps/server/leases/lease_token.hpp"

namespace troupe::server {

/// The deleter of a lease's tags: reports the end of the lease to the desk.
class lease_desk::end_report {
public:
  end_report(std::weak_ptr<lease_desk> to, place_ptr at, load_id id,
             std::shared_ptr<bool> granted) noexcept
    : desk_(std::move(to)),
      at_(std::move(at)),
      id_(id),
      granted_(std::move(granted)) {
    // nop
  }

  void operator()(const load_tags* x) const noexcept {
    delete x;
    if (*granted_)
      if (const auto desk = desk_.lock())
        desk->ended(at_, id_);
  }

private:
  std::weak_ptr<lease_desk> desk_;
  place_ptr at_;
  load_id id_;
  std::shared_ptr<bool>
    granted_; ///< Written in the turn that grants the lease.
};

/// Removes a waiting client when it no longer waits.
class lease_desk::departure {
public:
  departure(std::weak_ptr<lease_desk> from, place_ptr at,
            std::uint64_t number) noexcept
    : desk_(std::move(from)), at_(std::move(at)), number_(number) {
    // nop
  }

  void operator()() const noexcept {
    // This object may be destroyed by `remove`.
    const auto at = at_;
    if (const auto desk = desk_.lock())
      desk->remove(at, number_);
  }

private:
  std::weak_ptr<lease_desk> desk_;
  place_ptr at_;
  std::uint64_t number_;
};

/// Destroyed without the mutex: the end of `left` waits for a callback that runs, and
/// the callback takes the mutex.
struct lease_desk::waiter {
  explicit waiter(lease_request x) : request(std::move(x)) {
    // nop
  }

  /// Answers the client. Without memory, the request answers by its end.
  bool answer(const lease_answer& x) const noexcept {
    try {
      return request.answer(x);
    } catch (const std::bad_alloc&) {
      return false;
    }
  }

  lease_request request;
  std::optional<std::stop_callback<departure>> left;
};

lease_desk::lease_desk(const lease_limits& most) : most_(most) {
  // nop
}

// -- asking --------------------------------------------------------------------------

expected<void> lease_desk::ask(region& where, const hashed_key& key,
                               lease_request request) {
  const auto asker = std::make_shared<waiter>(std::move(request));
  place_ptr at;
  std::uint64_t number = 0;
  load_id overdue = 0;
  {
    std::lock_guard lock{mutex_};
    if (figures_.waiting >= most_.waiting)
      return fail(errc::overloaded, "too many clients wait for leases ("
                                      + std::to_string(most_.waiting)
                                      + "); try again later");
    const auto entered = enter(where, key);
    if (!entered)
      return tl::unexpected{entered.error()};
    auto& x = **entered;
    at = x.at;
    if (x.held && x.held->told && x.held->deadline <= where.now()) {
      retire(*x.held);
      overdue = x.held->id;
    }
    if (asker->request.waits || !x.held || overdue != 0) {
      if (x.waiting.size() >= most_.waiting_per_key)
        return fail(errc::overloaded, "too many clients wait for this key ("
                                        + std::to_string(most_.waiting_per_key)
                                        + "); try again later");
      number = ++last_waiter_;
      try {
        x.waiting.emplace(number, asker);
      } catch (const std::bad_alloc&) {
        tidy(x);
        throw;
      }
      ++figures_.waiting;
    }
  }
  if (overdue != 0)
    release(*at, overdue);
  if (number == 0) {
    asker->request.answer(lease_busy{});
    return {};
  }
  // Not under the mutex: a client that is gone already is removed at once.
  asker->left.emplace(asker->request.gone,
                      departure{weak_from_this(), at, number});
  go_on(at);
  return {};
}

/// Asks the provider, unless the answer would be known.
void lease_desk::go_on(const place_ptr& at) noexcept {
  {
    std::lock_guard lock{mutex_};
    auto* const x = find(*at);
    if (x == nullptr)
      return;
    if (x->held || x->asking || x->waiting.empty())
      return tidy(*x);
    x->asking = true;
    flag(*x, false);
  }
  try {
    inquire(at);
  } catch (const std::bad_alloc&) {
    ask_again_later(at);
  }
}

void lease_desk::inquire(const place_ptr& at) {
  const auto where = at->where.lock();
  if (where == nullptr)
    return answer_all(at, error{errc::shutting_down});
  const auto id = where->next_load_id();
  const auto granted = std::make_shared<bool>(false);
  std::shared_ptr<const load_tags> tags{
    new load_tags{troupe::tags{}},
    end_report{weak_from_this(), at, id, granted}};
  where->provider().acquire_load(
    at->key, id, load_purpose::missing, std::move(tags),
    [to = weak_from_this(), at, id, granted](expected<load_decision> decision) {
      const auto desk = to.lock();
      if (desk == nullptr)
        return false;
      *granted = decision && std::holds_alternative<load_granted>(*decision);
      try {
        return desk->decided(at, id, std::move(decision));
      } catch (const std::bad_alloc&) {
        desk->ask_again_later(at);
        return false;
      }
    });
}

/// In the key's turn, unless it is an error.
bool lease_desk::decided(const place_ptr& at, load_id id,
                         expected<load_decision> decision) {
  if (!decision) {
    answer_all(at, std::move(decision.error()));
  } else if (auto* const hit = std::get_if<load_hit>(&*decision)) {
    answer_all(
      at, lease_value{std::make_shared<const bytes>(std::move(hit->value))});
  } else if (auto* const old = std::get_if<load_stale>(&*decision)) {
    answer_all(at, lease_value{std::make_shared<const bytes>(
                     std::move(old->entry.value))});
  } else if (std::holds_alternative<load_absent>(*decision)) {
    answer_all(at, lease_busy{});
  } else if (std::holds_alternative<load_joined>(*decision)) {
    answer_impatient(at, true);
  } else {
    return hand_out(at, id, std::get<load_granted>(*decision).born);
  }
  return true;
}

/// Gives the lease to the first client that still waits; false when there is none.
bool lease_desk::hand_out(const place_ptr& at, load_id id, std::uint64_t born) {
  for (;;) {
    const auto token = make_token(id);
    const auto first
      = grant_first(at, {.id = id, .born = born, .token = token});
    if (first == nullptr)
      return false;
    const auto told = first->answer(lease_grant{token, first->request.lasts});
    if (!settle(at, id, told))
      continue;
    answer_impatient(at, false);
    return true;
  }
}

/// Makes the first waiting client the holder of the lease, and returns it.
lease_desk::waiter_ptr lease_desk::grant_first(const place_ptr& at,
                                               lease granted) {
  const auto where = at->where.lock();
  const auto now = where != nullptr ? where->now() : never;
  std::lock_guard lock{mutex_};
  auto* const x = find(*at);
  if (x == nullptr)
    return nullptr;
  if (x->waiting.empty()) {
    x->asking = false;
    tidy(*x);
    return nullptr;
  }
  const auto first = x->waiting.begin();
  const auto& request = first->second->request;
  granted.client = request.client;
  granted.deadline = now + request.lasts;
  record(*x, std::move(granted));
  auto result = std::move(first->second);
  x->waiting.erase(first);
  --figures_.waiting;
  return result;
}

/// Notes whether the holder has its token. False when another client must get the lease.
bool lease_desk::settle(const place_ptr& at, load_id id, bool told) noexcept {
  std::lock_guard lock{mutex_};
  auto* const x = find(*at);
  if (x == nullptr || !x->held || x->held->id != id)
    return true;
  if (told && !x->held->leaves) {
    x->held->told = true;
    ++figures_.granted;
    x->asking = false;
    return true;
  }
  forget(*x);
  return false;
}

// -- answering -----------------------------------------------------------------------

void lease_desk::answer_all(const place_ptr& at,
                            const lease_answer& answer) noexcept {
  waiters all;
  {
    std::lock_guard lock{mutex_};
    auto* const x = find(*at);
    if (x == nullptr)
      return;
    x->asking = false;
    all.swap(x->waiting);
    figures_.waiting -= all.size();
    tidy(*x);
  }
  for (const auto& [number, x] : all)
    x->answer(answer);
}

/// Another has the lease: answers those that do not wait.
void lease_desk::answer_impatient(const place_ptr& at, bool again) noexcept {
  waiters impatient;
  {
    std::lock_guard lock{mutex_};
    auto* const x = find(*at);
    if (x == nullptr)
      return;
    if (again)
      x->asking = false;
    for (auto i = x->waiting.begin(); i != x->waiting.end();) {
      const auto next = std::next(i);
      if (!i->second->request.waits) {
        impatient.insert(x->waiting.extract(i));
        --figures_.waiting;
      }
      i = next;
    }
    flag(*x, again && !x->waiting.empty());
    tidy(*x);
  }
  for (const auto& [number, x] : impatient)
    x->answer(lease_busy{});
}

void lease_desk::ask_again_later(const place_ptr& at) noexcept {
  std::lock_guard lock{mutex_};
  if (auto* const x = find(*at)) {
    x->asking = false;
    flag(*x, true);
    tidy(*x);
  }
}

void lease_desk::remove(const place_ptr& at, std::uint64_t number) noexcept {
  waiter_ptr gone;
  std::lock_guard lock{mutex_};
  auto* const x = find(*at);
  if (x == nullptr)
    return;
  const auto i = x->waiting.find(number);
  if (i == x->waiting.end())
    return;
  gone = std::move(i->second);
  x->waiting.erase(i);
  --figures_.waiting;
  tidy(*x);
}

} // namespace troupe::server
