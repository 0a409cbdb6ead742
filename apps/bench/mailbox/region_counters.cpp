#include <apps/bench/mailbox/counter.hpp>

#include <memory>
#include <string>

#include <caf/actor_system.hpp>
#include <caf/scoped_actor.hpp>

#include <troupe/actors/lane_actor.hpp>
#include <troupe/actors/region.hpp>
#include <troupe/actors/runtime.hpp>
#include <troupe/actors/shard_actor.hpp>

#include <apps/bench/bare_region.hpp>

namespace troupe::bench {

namespace {

const bytes counter_key = "counter";

std::uint64_t stored_value(region& where) {
  auto value = where.get(counter_key);
  return value && *value ? std::stoull(**value) : 0;
}

/// An increment the short way, with everything a write does.
class direct_increments final : public counter {
public:
  explicit direct_increments(runtime& home)
    : counter("region", "Troupe: region::increment"),
      region_(home.open_region("mailbox-direct").value()) {
    // nop
  }

  void add(std::uint64_t count) override {
    for (std::uint64_t i = 0; i < count; ++i)
      if (!region_->increment(counter_key)) [[unlikely]]
        return; // Shows in the total.
  }

  std::uint64_t value() override {
    return stored_value(*region_);
  }

private:
  std::shared_ptr<region> region_;
};

/// The same, asked for by messages.
template <class Actor>
void ask(caf::actor_system& system, const Actor& target, std::uint64_t count) {
  caf::scoped_actor self{system};
  for (std::uint64_t i = 0; i < count; ++i)
    self->request(target, caf::infinite, increment_request{counter_key, 1})
      .receive(
        [](std::int64_t) {
          // nop
        },
        [](const caf::error&) {
          // Shows in the total.
        });
}

/// The public way: a region's front, which passes the message on to a shard.
class region_requests final : public counter {
public:
  explicit region_requests(runtime& home)
    : counter("scoped-to-region", "Troupe: scoped_actor asks a region's actor"),
      home_(home),
      region_(home.open_region("mailbox-front").value()) {
    // nop
  }

  void add(std::uint64_t count) override {
    ask(home_.system(), home_.actor("mailbox-front").value(), count);
  }

  std::uint64_t value() override {
    return stored_value(*region_);
  }

private:
  runtime& home_;
  std::shared_ptr<region> region_;
};

/// The short way: the shard's own actor.
class shard_requests final : public counter {
public:
  explicit shard_requests(caf::actor_system& system)
    : counter("scoped-to-shard", "Troupe: scoped_actor asks a shard's actor"),
      system_(system),
      executor_(std::make_shared<lane_scheduler>(system)),
      region_(open_bare_region(one_shard(), executor_)),
      shard_(spawn_shard(system, region_, 0)) {
    // nop
  }

  ~shard_requests() override {
    {
      caf::scoped_actor self{system_};
      self->send_exit(shard_, caf::exit_reason::user_shutdown);
      self->wait_for(shard_);
    }
    shard_ = nullptr;
    region_->stop();
    executor_->close();
  }

  void add(std::uint64_t count) override {
    ask(system_, shard_, count);
  }

  std::uint64_t value() override {
    return stored_value(*region_);
  }

private:
  static region_options one_shard() {
    region_options result;
    result.shards = 1;
    return result;
  }

  caf::actor_system& system_;
  std::shared_ptr<lane_scheduler> executor_;
  std::shared_ptr<region> region_;
  shard_actor shard_;
};

} // namespace

void add_region_counters(counter_list& list, runtime& home) {
  list.push_back(std::make_unique<direct_increments>(home));
  list.push_back(std::make_unique<shard_requests>(home.system()));
  list.push_back(std::make_unique<region_requests>(home));
}

} // namespace troupe::bench
