#include <troupe/actors/regions/shard_actor.hpp>

#include <new>
#include <string>
#include <utility>

#include <troupe/actors/regions/key_actor.hpp>
#include <troupe/actors/shell/spawn.hpp>
#include <troupe/messages/caf/error.hpp>

namespace troupe {

namespace {

class shard_shell final : public key_actor<shard_actor> {
public:
  shard_shell(caf::actor_config& cfg, std::shared_ptr<region> where,
              std::size_t index)
    : key_actor(cfg, part_at(*where, index).mailbox(), where, index),
      shard_(part_at(*where, index)) {
    // nop
  }

  const char* name() const override {
    return "troupe.shard";
  }

  behavior_type make_behavior() override {
    shard_.up();
    return {
      [this](get_request& x) { return on_get(x); },
      [this](contains_request& x) { return on_contains(x); },
      [this](ttl_request& x) { return on_ttl(x); },
      [this](set_request& x) { return on_set(x); },
      [this](compare_and_set_request& x) { return on_compare_and_set(x); },
      [this](erase_request& x) { return on_erase(x); },
      [this](touch_request& x) { return on_touch(x); },
      [this](increment_request& x) { return on_increment(x); },
      [this](const clear_request&) { return on_clear(); },
    };
  }

  /// From here on direct calls wait until the next actor is in place.
  void on_exit() override {
    if (shard_.mailbox().running_here())
      shard_.down();
    else
      submit(shard_.mailbox(), [keep = where().shared_from_this(),
                                which = &shard_] { which->down(); });
  }

private:
  [[nodiscard]] static provider_part& part_at(const region& where,
                                              std::size_t index) noexcept {
    return *where.provider().part(index);
  }

  caf::result<void> on_clear() {
    auto promise = make_response_promise();
    shard_.clear_then([this, keep = self(), promise](expected<void> result) {
      answer(promise, std::move(result));
    });
    return promise;
  }

  provider_part& shard_;
};

} // namespace

child_spec supervised_shard(caf::actor_system& system,
                            std::shared_ptr<region> where, std::size_t index,
                            std::shared_ptr<region_directory> directory,
                            watch_function watch, failed_shards given_up) {
  auto& which = *where->provider().part(index);
  child_spec result;
  result.name = which.name();
  result.parent = where->name();
  result.kind = "shard";
  result.start = [=, &system, &which](bool again) {
    if (!which.revive())
      throw std::bad_alloc{};
    if (again)
      which.restarted();
    shard_actor actor = spawn_hidden<shard_shell>(system, where, index);
    directory->set_shard(index, actor);
    watch(directory->shard(index));
    return actor->id();
  };
  result.watch = [=] { watch(directory->shard(index)); };
  result.end = [=](bool crash) { end_actor(directory->shard(index), crash); };
  result.give_up = [where, &which, given_up] { which.fail(given_up); };
  result.figures = [where, &which] {
    const auto held = which.held();
    return child_figures{which.mailbox().depth(), which.mailbox().handled(),
                         held.bytes, held.keys};
  };
  return result;
}

} // namespace troupe
