#include <apps/bench/mailbox/counter.hpp>

#include <memory>
#include <string>

#include <caf/actor_system.hpp>
#include <caf/scoped_actor.hpp>

#include <troupe/actors/regions/region_declared.hpp>
#include <troupe/actors/runtime.hpp>

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

/// A region's actor passes the message on to the actor of the shard.
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

} // namespace

void add_region_counters(counter_list& list, runtime& home) {
  list.push_back(std::make_unique<direct_increments>(home));
  list.push_back(std::make_unique<region_requests>(home));
}

} // namespace troupe::bench
