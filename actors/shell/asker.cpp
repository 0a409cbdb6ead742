#include <troupe/actors/shell/asker.hpp>

#include <mutex>

#include <caf/actor_cast.hpp>
#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/make_message.hpp>
#include <caf/message_view.hpp>
#include <caf/others.hpp>
#include <caf/sec.hpp>

#include <troupe/actors/shell/actor_life.hpp>
#include <troupe/actors/shell/detail/config/remoting.hpp>
#include <troupe/messages/caf/error.hpp>
#include <troupe/messages/caf/type_ids.hpp>

namespace troupe {

// -- the system --------------------------------------------------------------------

struct asker::home {
  class asking_config : public caf::actor_system_config {
  public:
    asking_config() {
      troupe::add_message_types(*this);
      detail::load_middleman(*this);
      set("scheduler.max-threads", 1);
    }
  };

  asking_config config;
  caf::actor_system system{config};
};

// -- the other process -------------------------------------------------------------

/// Whether the peer is alive.
class asker::lifeline {
public:
  /// Records the request in progress; false when the peer has already ended.
  bool begin(const caf::scoped_actor& asking, caf::message_id response) {
    std::lock_guard guard{mutex_};
    if (cut_)
      return false;
    waiting_.emplace(caf::actor_cast<caf::strong_actor_ptr>(asking), response);
    return true;
  }

  void end() {
    std::lock_guard guard{mutex_};
    waiting_.reset();
  }

  void cut() {
    std::lock_guard guard{mutex_};
    cut_ = true;
    if (waiting_)
      waiting_->first->enqueue(
        nullptr, waiting_->second,
        caf::make_message(caf::make_error(caf::sec::request_receiver_down)),
        nullptr);
  }

  [[nodiscard]] bool is_cut() const {
    std::lock_guard guard{mutex_};
    return cut_;
  }

private:
  mutable std::mutex mutex_;
  bool cut_ = false;
  std::optional<std::pair<caf::strong_actor_ptr, caf::message_id>> waiting_;
};

asker::asker() : home_(std::make_unique<home>()) {
  // nop
}

asker::~asker() = default;

caf::actor_system& asker::system() noexcept {
  return home_->system;
}

void asker::follow_actor(const caf::strong_actor_ptr& peer) {
  lifeline_ = std::make_shared<lifeline>();
  when_ended(peer, [line = lifeline_] { line->cut(); });
}

bool asker::is_connected() const {
  return lifeline_ != nullptr && !lifeline_->is_cut();
}

// -- a request ---------------------------------------------------------------------

answered<caf::message> asker::exchange(const caf::strong_actor_ptr& whom,
                                       std::chrono::milliseconds timeout,
                                       const caf::message& what) {
  caf::message result;
  return exchange(
           caf::actor_cast<caf::actor>(whom), timeout, what,
           caf::others >>
             [&](caf::message_view& x) {
               result = x.move_content_to_message();
               return caf::result<caf::message>{caf::message{}};
             })
    .map([&] { return std::move(result); });
}

caf::scoped_actor& asker::self() {
  if (!self_)
    self_.emplace(home_->system);
  return *self_;
}

bool asker::begin(caf::message_id response) {
  return lifeline_ != nullptr && lifeline_->begin(*self_, response);
}

void asker::end(const std::optional<no_answer>& failure) {
  lifeline_->end();
  // A late answer would stay in its mailbox.
  if (failure && failure->why == no_answer::reason::late)
    self_.reset();
}

no_answer asker::explain(const caf::error& x) const {
  if (lifeline_->is_cut())
    return {no_answer::reason::lost};
  if (x == caf::sec::request_timeout)
    return {no_answer::reason::late};
  return {no_answer::reason::refused, from_caf(x)};
}

} // namespace troupe
