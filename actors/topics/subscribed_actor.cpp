#include <troupe/actors/topics/subscribed_actor.hpp>

#include <new>

namespace troupe {

namespace {

/// The most actors that may be subscribers at a time.
constexpr std::size_t most_actors = 64UL * 1024;

} // namespace

actor_queue::actor_queue(actor_key key, std::weak_ptr<actor_book> book)
  : subscriber(subscriber_limits{}),
    key_(std::move(key)),
    book_(std::move(book)) {
  // nop
}

bool actor_queue::wake() noexcept {
  const auto book = book_.lock();
  return book == nullptr || book->wake(key_);
}

subscribed_actor::subscribed_actor(topic_directory& topics,
                                   caf::strong_actor_ptr handle,
                                   actor_key number,
                                   std::weak_ptr<actor_book> book)
  : who(std::move(handle)),
    key(std::move(number)),
    queue(std::make_shared<actor_queue>(key, std::move(book))),
    joined(topics, queue) {
  // nop
}

actor_book::actor_book(std::shared_ptr<topic_hub> hub) : hub_(std::move(hub)) {
  // nop
}

void actor_book::attach(tasks x) {
  auto next = std::make_shared<const tasks>(std::move(x));
  std::lock_guard guard{mutex_};
  present_.swap(next);
}

expected<subscribed_ptr>
actor_book::get_or_add(const actor_key& key, const caf::strong_actor_ptr& who) {
  std::lock_guard guard{mutex_};
  if (closing_)
    return fail(errc::shutting_down, "the runtime drains");
  if (const auto i = all_.find(key); i != all_.end())
    return i->second;
  if (all_.size() >= most_actors)
    return fail(errc::overloaded,
                std::to_string(most_actors)
                  + " actors have subscribed to topics, which is the limit");
  auto x = std::make_shared<subscribed_actor>(hub_->directory(), who, key,
                                              weak_from_this());
  all_.emplace(key, x);
  return x;
}

subscribed_ptr actor_book::find(const actor_key& key) const {
  std::lock_guard guard{mutex_};
  const auto i = all_.find(key);
  return i == all_.end() ? nullptr : i->second;
}

std::vector<subscribed_ptr> actor_book::list() const {
  std::vector<subscribed_ptr> result;
  std::lock_guard guard{mutex_};
  for (const auto& [key, x] : all_)
    result.push_back(x);
  return result;
}

subscribed_ptr actor_book::extract(const actor_key& key) {
  std::lock_guard guard{mutex_};
  auto found = all_.extract(key);
  if (all_.empty())
    empty_.notify_all();
  return found ? std::move(found.mapped()) : nullptr;
}

std::size_t actor_book::size() const {
  std::lock_guard guard{mutex_};
  return all_.size();
}

bool actor_book::closing() const {
  std::lock_guard guard{mutex_};
  return closing_;
}

std::shared_ptr<const actor_book::tasks> actor_book::present() const {
  std::lock_guard guard{mutex_};
  return present_;
}

bool actor_book::wake(const actor_key& key) noexcept {
  try {
    const auto found = present();
    if (found == nullptr)
      return false;
    found->pump(key);
    return true;
  } catch (const std::bad_alloc&) {
    return false;
  }
}

void actor_book::close() {
  std::shared_ptr<const tasks> found;
  {
    std::lock_guard guard{mutex_};
    closing_ = true;
    found = present_;
  }
  if (found != nullptr)
    found->finish();
}

std::size_t
actor_book::await_empty(std::chrono::steady_clock::time_point deadline) {
  std::unique_lock guard{mutex_};
  empty_.wait_until(guard, deadline, [this] { return all_.empty(); });
  return all_.size();
}

void actor_book::clear() {
  // Declared before the guard, so destroyed after the mutex is unlocked.
  std::map<actor_key, subscribed_ptr> ended;
  std::shared_ptr<const tasks> last;
  std::lock_guard guard{mutex_};
  ended.swap(all_);
  last.swap(present_);
}

} // namespace troupe
