#include <troupe/actors/topics/topics_actor.hpp>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <new>
#include <string>
#include <utility>
#include <vector>

#include <caf/actor_cast.hpp>

#include <troupe/actors/shell/service_actor.hpp>
#include <troupe/actors/shell/spawn.hpp>
#include <troupe/actors/topics/subscribed_actor.hpp>
#include <troupe/actors/topics/topic_rows.hpp>
#include <troupe/messages/caf/error.hpp>

namespace troupe {

namespace {

/// Bytes of messages that are sent to a subscriber before it has to answer.
constexpr std::size_t batch_bytes = 64UL * 1024;

/// The approximate memory that the subscriptions of one actor may take, in bytes.
constexpr std::size_t most_held_bytes = 16UL * 1024 * 1024;

/// Topics that are shown as rows; more rows would not be readable for a person.
constexpr std::size_t most_rows = 100;

topic_kind kind_of(bool pattern) {
  return pattern ? topic_kind::pattern : topic_kind::channel;
}

topic_message to_message(const delivery& x) {
  return {x.channel(), x.payload(), x.by->text,
          x.by->kind == topic_kind::pattern};
}

// -- the actor ---------------------------------------------------------------------

class topics_shell final : public service_actor<topics_actor> {
public:
  topics_shell(caf::actor_config& cfg, std::shared_ptr<topic_hub> hub,
               std::shared_ptr<actor_book> book,
               std::shared_ptr<std::atomic<std::uint64_t>> handled)
    : service_actor(cfg),
      hub_(std::move(hub)),
      book_(std::move(book)),
      handled_(std::move(handled)) {
    on_deaths([this](const actor_death& x) { forget({x.node, x.id}); });
  }

  const char* name() const override {
    return "troupe.topics";
  }

  behavior_type make_behavior() override {
    take_over();
    return {
      [this](const publish_request& x) { return on_publish(x); },
      [this](const subscribe_request& x) { return on_subscribe(x); },
      [this](const unsubscribe_request& x) { return on_unsubscribe(x); },
      [this](const count_subscribers_request& x) { return on_count(x); },
    };
  }

private:
  // -- requests ----------------------------------------------------------------

  caf::result<std::uint64_t> on_publish(const publish_request& x) {
    count();
    auto heard = hub_->publish(x.channel, x.payload);
    if (!heard)
      return to_caf(heard.error());
    return std::uint64_t{*heard};
  }

  caf::result<bool> on_subscribe(const subscribe_request& x) {
    count();
    const auto who = current_sender();
    if (!who)
      return to_caf({errc::invalid_argument,
                     "the sender of a subscribe_request is the subscriber, and "
                     "this one has no sender"});
    const auto kind = kind_of(x.pattern);
    if (const auto ok = topic_hub::check_name(kind, x.topic); !ok)
      return to_caf(ok.error());
    const auto key = key_of(who);
    const auto is_new = book_->find(key) == nullptr;
    const auto found = book_->get_or_add(key, who);
    if (!found)
      return to_caf(found.error());
    auto& mine = **found;
    if (is_new)
      monitor(who);
    if (mine.joined.held_bytes() + x.topic.size() > most_held_bytes)
      return to_caf(
        {errc::overloaded, "the subscriptions of this actor take "
                             + std::to_string(mine.joined.held_bytes())
                             + " bytes, and may not take more than "
                             + std::to_string(most_held_bytes)});
    try {
      return mine.joined.add(kind, x.topic);
    } catch (const std::bad_alloc&) {
      if (mine.joined.empty())
        forget(key);
      return to_caf({errc::out_of_memory});
    }
  }

  caf::result<bool> on_unsubscribe(const unsubscribe_request& x) {
    count();
    const auto who = current_sender();
    const auto found = who ? book_->find(key_of(who)) : nullptr;
    if (found == nullptr)
      return false;
    const auto removed = found->joined.remove(kind_of(x.pattern), x.topic);
    if (found->joined.empty())
      forget(found->key);
    return removed;
  }

  caf::result<std::uint64_t> on_count(const count_subscribers_request& x) {
    count();
    return std::uint64_t{
      hub_->directory().subscribers(kind_of(x.pattern), x.topic)};
  }

  void count() noexcept {
    handled_->fetch_add(1, std::memory_order_relaxed);
  }

  [[nodiscard]] actor_key key_of(const caf::strong_actor_ptr& x) const {
    return {x->node() == node() ? std::string{} : to_string(x->node()),
            x->id()};
  }

  // -- subscribers -------------------------------------------------------------

  /// Serves the subscribers of the previous actor. Those that died meanwhile are
  /// forgotten when `monitor` reports their deaths.
  void take_over() {
    const auto post = turns();
    book_->attach({[this, post](const actor_key& key) {
                     post([this, key] {
                       if (const auto x = book_->find(key))
                         pump(*x);
                     });
                   },
                   [this, post] { post([this] { finish(); }); }});
    for (const auto& x : book_->list()) {
      monitor(x->who);
      x->busy = false;
      pump(*x);
    }
    if (book_->closing())
      finish();
  }

  /// Sends a subscriber the next batch, unless the previous one is not answered yet.
  void pump(subscribed_actor& x) {
    // A subscriber that was cut ends at once, also while a batch is not answered.
    if (x.queue->state() == subscriber_state::cut)
      return end(x, {errc::overloaded,
                     "more messages waited for the actor than its queue "
                     "holds"});
    if (x.busy)
      return;
    std::vector<delivery> batch;
    try {
      x.queue->take(batch_bytes, batch);
    } catch (const std::bad_alloc&) {
      return end(x, error{errc::out_of_memory});
    }
    if (batch.empty())
      return;
    x.busy = true;
    const auto whom = handle_of(x);
    const auto last = batch.size() - 1;
    for (std::size_t i = 0; i < last; ++i)
      send(whom, to_message(batch[i]));
    request(whom, caf::infinite, to_message(batch[last]))
      .then(
        [this, key = x.key] {
          if (const auto answered = book_->find(key)) {
            answered->busy = false;
            pump(*answered);
          }
        },
        // The subscriber has ended, or does not accept such messages.
        [this, key = x.key](const caf::error&) { forget(key); });
  }

  /// Sends each subscriber all waiting messages, and then `topics_ended`.
  void finish() {
    for (const auto& x : book_->list()) {
      std::vector<delivery> batch;
      for (auto more = true; more;) {
        batch.clear();
        more = x->queue->take(batch_bytes, batch);
        for (const auto& message : batch)
          send(handle_of(*x), to_message(message));
      }
      end(*x, {errc::shutting_down, "the runtime drains"});
    }
  }

  /// Ends a subscriber, and sends it the reason.
  void end(const subscribed_actor& x, const error& why) {
    send(handle_of(x),
         topics_ended{std::string{to_string(why.code())}, why.text()});
    // A copy of the key, because `forget` may destroy `x`.
    forget(actor_key{x.key});
  }

  void forget(const actor_key& key) {
    if (const auto x = book_->extract(key))
      demonitor(x->who->address());
  }

  static topic_subscriber_actor handle_of(const subscribed_actor& x) {
    return caf::actor_cast<topic_subscriber_actor>(x.who);
  }

  const std::shared_ptr<topic_hub> hub_;
  const std::shared_ptr<actor_book> book_;
  const std::shared_ptr<std::atomic<std::uint64_t>> handled_;
};

// -- the service -------------------------------------------------------------------

class topic_service final : public typed_service<topics_actor> {
public:
  explicit topic_service(std::shared_ptr<topic_hub> hub)
    : hub_(std::move(hub)), book_(std::make_shared<actor_book>(hub_)) {
    // nop
  }

  std::string name() const override {
    return "topics";
  }

  std::string kind() const override {
    return "topics";
  }

  /// While the actor is down, subscriptions and publishing by call still work.
  bool always_restarted() const override {
    return true;
  }

  child_figures usage() const override {
    const auto& topics = hub_->directory();
    child_figures result;
    result.handled = handled_->load(std::memory_order_relaxed);
    result.keys = topics.size(topic_kind::channel)
                  + topics.size(topic_kind::pattern)
                  + topics.size(topic_kind::sharded);
    return result;
  }

  std::vector<service_figure> figures() const override {
    const auto& topics = hub_->directory();
    return {{"channels", topics.size(topic_kind::channel)},
            {"patterns", topics.size(topic_kind::pattern)},
            {"sharded_channels", topics.size(topic_kind::sharded)},
            {"listeners", hub_->listeners()},
            {"subscribed_actors", book_->size()}};
  }

  void add_rows(std::string_view prefix, actor_list& to) const override {
    add_topic_rows(hub_->directory(), name(), prefix, most_rows, to);
  }

  void tick() override {
    hub_->tick();
  }

  std::vector<std::string>
  drain(std::chrono::steady_clock::time_point deadline) override {
    hub_->close();
    book_->close();
    if (auto* system = system_.load(std::memory_order_acquire))
      let_run(*system);
    auto stuck = hub_->drain(deadline);
    if (const auto left = book_->await_empty(deadline); left > 0)
      stuck.push_back("topics: the end of the subscriptions of "
                      + std::to_string(left) + " actors");
    return stuck;
  }

  void forget_actor() override {
    typed_service::forget_actor();
    book_->clear();
  }

protected:
  topics_actor start_actor(caf::actor_system& system) override {
    system_.store(&system, std::memory_order_release);
    return spawn_hidden<topics_shell>(system, hub_, book_, handled_);
  }

private:
  const std::shared_ptr<topic_hub> hub_;
  const std::shared_ptr<actor_book> book_;
  const std::shared_ptr<std::atomic<std::uint64_t>> handled_
    = std::make_shared<std::atomic<std::uint64_t>>(0);
  std::atomic<caf::actor_system*> system_{nullptr};
};

} // namespace

std::shared_ptr<typed_service<topics_actor>>
make_topic_service(std::shared_ptr<topic_hub> hub) {
  return std::make_shared<topic_service>(std::move(hub));
}

} // namespace troupe
