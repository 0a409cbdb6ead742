#include <apps/bench/shard/contestant.hpp>

#include <algorithm>
#include <functional>
#include <string>
#include <unordered_map>

#include <caf/actor_system.hpp>
#include <caf/scoped_actor.hpp>
#include <caf/send.hpp>
#include <caf/typed_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <apps/bench/shard/locked_map.hpp>

namespace troupe::bench {

namespace {

using map_type = std::unordered_map<std::string, std::string, any_string_hash,
                                    std::equal_to<>>;

using cache_actor = caf::typed_actor<
  caf::replies_to<caf::get_atom, std::string>::with<std::string>,
  caf::replies_to<caf::put_atom, std::string, std::string>::with<bool>>;

struct cache_state {
  map_type map;
};

cache_actor::behavior_type
cache_behavior(cache_actor::stateful_pointer<cache_state> self,
               std::shared_ptr<map_type> content) {
  self->state.map = std::move(*content);
  return {
    [self](caf::get_atom, const std::string& key) {
      auto i = self->state.map.find(key);
      return i == self->state.map.end() ? std::string{} : i->second;
    },
    [self](caf::put_atom, const std::string& key, std::string& value) {
      self->state.map.insert_or_assign(key, std::move(value));
      return true;
    },
  };
}

/// A connection to the actor, one per thread and pass.
class requester {
public:
  requester(caf::actor_system& system, const cache_actor& cache)
    : self_(system), cache_(cache) {
    // nop
  }

  bool read(std::string_view key, std::uint64_t& sum) {
    auto found = false;
    self_->request(cache_, caf::infinite, caf::get_atom_v, std::string{key})
      .receive(
        [&](const std::string& value) {
          found = !value.empty();
          if (found)
            sum += touch(value);
        },
        [](const caf::error&) {
          // Counted as a key that was not found.
        });
    return found;
  }

  void write(std::string_view key, std::string_view value) {
    self_
      ->request(cache_, caf::infinite, caf::put_atom_v, std::string{key},
                std::string{value})
      .receive(
        [](bool) {
          // nop
        },
        [](const caf::error&) {
          // A later read will miss it.
        });
  }

private:
  caf::scoped_actor self_;
  const cache_actor& cache_;
};

/// The design one writes first: the map is an actor's state, and every
/// operation is a message to it and a message back.
class naive_actor final : public contestant {
public:
  naive_actor(caf::actor_system& system, std::size_t limit)
    : contestant("naive", "actor with unordered_map, a request per operation"),
      system_(system),
      limit_(limit) {
    // nop
  }

  ~naive_actor() override {
    caf::anon_send_exit(cache_, caf::exit_reason::user_shutdown);
  }

  bool takes(workload load, std::size_t) const override {
    return load != workload::batch_read;
  }

  std::size_t requests(std::size_t asked) const override {
    return std::min(asked, limit_);
  }

  void fill(const data_set& data) override {
    auto content = std::make_shared<map_type>();
    for (std::size_t i = 0; i < data.entries(); ++i)
      content->emplace(data.key(i), data.value(i));
    cache_ = system_.spawn(cache_behavior, std::move(content));
  }

  tally run(workload load, const request_sequence& sequence,
            std::size_t count) override {
    requester connection{system_, cache_};
    return run_requests(connection, load, sequence, count);
  }

private:
  caf::actor_system& system_;
  std::size_t limit_;
  cache_actor cache_;
};

} // namespace

std::unique_ptr<contestant> make_naive_actor(caf::actor_system& system,
                                             std::size_t limit) {
  return std::make_unique<naive_actor>(system, limit);
}

} // namespace troupe::bench
