#include <troupe/actors/topics/topic.hpp>

#include <cassert>
#include <exception>
#include <new>
#include <utility>

namespace troupe {

namespace {

// A lane uses its executor only when the caller does not wait. All callers of a topic
// wait.
class no_executor final : public lane_executor {
public:
  void schedule(lane&) noexcept override {
    assert(false);
    std::terminate();
  }
};

no_executor nobody;

} // namespace

topic::topic(topic_kind kind, bytes_view name)
  : name_(std::make_shared<const topic_name>(topic_name{kind, bytes{name}})),
    mailbox_(nobody) {
  // nop
}

template <class F>
void topic::in_turn(F f) noexcept {
  mailbox_.run(f);
}

topic::join_result topic::add(const std::shared_ptr<subscriber>& who) {
  auto result = join_result::ended;
  std::exception_ptr failure;
  in_turn([&]() noexcept {
    if (ended_)
      return;
    try {
      result = insert(who) ? join_result::joined : join_result::present;
    } catch (const std::bad_alloc&) {
      failure = std::current_exception();
      ended_ = subscribers_.empty();
    }
  });
  if (failure)
    std::rethrow_exception(failure);
  return result;
}

bool topic::remove(const subscriber& who) noexcept {
  bool ended = false;
  // The removed subscriber may be destroyed here, outside of the turn.
  std::shared_ptr<subscriber> removed;
  in_turn([&]() noexcept {
    if (const auto found = places_.find(&who); found != places_.end()) {
      removed = subscribers_[found->second];
      erase(who);
    }
    ended_ = subscribers_.empty();
    ended = ended_;
  });
  return ended;
}

std::size_t
topic::publish(const std::shared_ptr<const publication>& what) noexcept {
  std::size_t heard = 0;
  in_turn([&]() noexcept {
    for (const auto& x : subscribers_)
      heard += x->deliver({what, name_}) ? 1 : 0;
    published_.fetch_add(1, std::memory_order_relaxed);
  });
  return heard;
}

bool topic::insert(const std::shared_ptr<subscriber>& who) {
  if (subscribers_.size() == subscribers_.capacity())
    subscribers_.reserve(subscribers_.size() * 2 + 1);
  const auto added = places_.emplace(who.get(), subscribers_.size()).second;
  if (added)
    subscribers_.push_back(who);
  size_.store(subscribers_.size(), std::memory_order_release);
  return added;
}

// Moves the last subscriber to the free place.
void topic::erase(const subscriber& who) noexcept {
  const auto found = places_.find(&who);
  const auto place = found->second;
  places_.erase(found);
  if (place + 1 < subscribers_.size()) {
    subscribers_[place] = std::move(subscribers_.back());
    places_.find(subscribers_[place].get())->second = place;
  }
  subscribers_.pop_back();
  size_.store(subscribers_.size(), std::memory_order_release);
}

} // namespace troupe
