#include <troupe/actors/regions/shard_actor.hpp>

#include <new>
#include <string>
#include <utility>

#include <caf/actor_system.hpp>

#include <troupe/actors/shell/lane_actor.hpp>
#include <troupe/backends/memory/shards/operations.hpp>
#include <troupe/messages/caf/error.hpp>

namespace troupe {

namespace {

using operations::keyed;

class shard_shell final : public lane_actor<shard_actor> {
public:
  shard_shell(caf::actor_config& cfg, std::shared_ptr<region> where,
              std::size_t index)
    : lane_actor(cfg, where->shard_at(index).mailbox()),
      region_(std::move(where)),
      index_(index),
      shard_(region_->shard_at(index)) {
    // nop
  }

  const char* name() const override {
    return "troupe.shard";
  }

  behavior_type make_behavior() override {
    shard_.up();
    return {
      [this](const get_request& x) { return on_get(x); },
      [this](const contains_request& x) { return on_contains(x); },
      [this](const ttl_request& x) { return on_ttl(x); },
      [this](set_request& x) { return on_set(x); },
      [this](compare_and_set_request& x) { return on_compare_and_set(x); },
      [this](erase_request& x) { return on_erase(x); },
      [this](touch_request& x) { return on_touch(x); },
      [this](increment_request& x) { return on_increment(x); },
      [this](const clear_request&) { return on_clear(); },
    };
  }

  /// Direct calls wait from here on, until the next actor is in place.
  void on_exit() override {
    if (shard_.mailbox().running_here())
      shard_.down();
    else
      submit(shard_.mailbox(), [keep = region_, which = &shard_] {
        which->down();
      });
  }

private:
  // -- reading -----------------------------------------------------------------

  caf::result<get_reply> on_get(const get_request& x) {
    get_reply result;
    auto read = visit(x.key, [&](const entry_view& entry) {
      result = {true, bytes{entry.value}, entry.version};
    });
    return reply(std::move(read), std::move(result));
  }

  caf::result<bool> on_contains(const contains_request& x) {
    bool found = false;
    auto read = visit(
      x.key, [&](const entry_view&) { found = true; }, lookup::peek);
    return reply(std::move(read), found);
  }

  caf::result<ttl_reply> on_ttl(const ttl_request& x) {
    if (auto ok = check_key(x.key); !ok)
      return to_caf(ok.error());
    auto left = region_->ttl(x.key);
    if (!left)
      return to_caf(left.error());
    return ttl_reply{left->has_value(), left->value_or(no_expiry)};
  }

  // -- writing -----------------------------------------------------------------

  caf::result<bool> on_set(set_request& x) {
    auto how = check_write(x.key, x.value, x.how);
    if (!how)
      return to_caf(how.error());
    return perform(operations::set<bytes>{keyed{std::move(x.key)},
                                          std::move(x.value), *how});
  }

  caf::result<compare_and_set_reply>
  on_compare_and_set(compare_and_set_request& x) {
    auto how = check_write(x.key, x.value, x.how);
    if (!how)
      return to_caf(how.error());
    return perform(
      operations::compare_and_set<bytes>{keyed{std::move(x.key)}, x.version,
                                         std::move(x.value), *how},
      [](std::optional<version_number> version) {
        return compare_and_set_reply{version.value_or(no_version)};
      });
  }

  caf::result<bool> on_erase(erase_request& x) {
    if (auto ok = check_key(x.key); !ok)
      return to_caf(ok.error());
    return perform(operations::erase<bytes>{keyed{std::move(x.key)}});
  }

  caf::result<bool> on_touch(touch_request& x) {
    write_options how;
    how.ttl = x.ttl;
    auto ok = check_key(x.key).and_then([&] { return check(how); });
    if (!ok)
      return to_caf(ok.error());
    return perform(operations::touch<bytes>{keyed{std::move(x.key)}, x.ttl});
  }

  caf::result<std::int64_t> on_increment(increment_request& x) {
    auto within = check_key(x.key).and_then(
      [&] { return region_->signed_counts(); });
    if (!within)
      return to_caf(within.error());
    return perform(
      operations::increment<bytes>{keyed{std::move(x.key)}, x.delta, *within});
  }

  caf::result<void> on_clear() {
    return perform(operations::clear{});
  }

  // -- parts -------------------------------------------------------------------

  /// The key is within the limits and in this slice.
  expected<void> check_key(bytes_view key) const {
    auto limit = region_->options().max_key_size;
    if (key.size() > limit)
      return fail(errc::key_too_large,
                  "the key has " + std::to_string(key.size())
                    + " bytes, the region allows " + std::to_string(limit));
    if (region_->shard_of(key) != index_)
      return fail(errc::invalid_argument,
                  "the key belongs to another shard; ask the region");
    return {};
  }

  expected<write_options> check_write(bytes_view key, bytes_view value,
                                      const write_terms& terms) const {
    return check_key(key)
      .and_then([&] { return options_of(terms); })
      .and_then([&](write_options how) -> expected<write_options> {
        if (auto ok = region_->check_loaded(value, how); !ok)
          return tl::unexpected{std::move(ok.error())};
        return how;
      });
  }

  template <class F>
  expected<void> visit(bytes_view key, F f, lookup as = lookup::use) const {
    if (auto ok = check_key(key); !ok)
      return ok;
    keyed<bytes_view> which{key};
    if (!shard_.store().read(which, f, as) && shard_.store().stopped())
      return fail(errc::shutting_down, "the runtime drains");
    return {};
  }

  template <class T>
  static caf::result<T> reply(expected<void> outcome, T result) {
    if (!outcome)
      return to_caf(outcome.error());
    return result;
  }

  struct as_it_is {
    void operator()() const {
      // An expected<void> stays one.
    }

    template <class T>
    T operator()(T x) const {
      return x;
    }
  };

  /// Runs an operation in this turn, or later if it has to wait, and answers
  /// with `convert(result)`.
  template <class Operation, class Convert = as_it_is>
  caf::response_promise perform(Operation op, Convert convert = {}) {
    using result_type
      = std::invoke_result_t<Operation&, memory::store&>;
    auto promise = make_response_promise();
    shard_.perform(std::move(op),
                   [promise, convert](result_type x) mutable {
                     deliver(promise, std::move(x).map(convert));
                   });
    return promise;
  }

  std::shared_ptr<region> region_;
  std::size_t index_;
  shard& shard_;
};

} // namespace

child_spec supervised_shard(caf::actor_system& system,
                            std::shared_ptr<region> where, std::size_t index,
                            std::shared_ptr<region_directory> directory,
                            watch_function watch, failed_shards given_up) {
  auto& which = where->shard_at(index);
  child_spec result;
  result.name = which.name();
  result.parent = where->name();
  result.kind = "shard";
  result.start = [=, &system, &which](bool again) {
    if (!which.revive())
      throw std::bad_alloc{};
    if (again)
      which.restarted();
    shard_actor actor = system.spawn<shard_shell, caf::hidden>(where, index);
    directory->shard(index).set(actor);
    watch(directory->shard(index).pointer());
    return actor->id();
  };
  result.watch = [=] { watch(directory->shard(index).pointer()); };
  result.end = [=](bool crash) {
    end_actor(directory->shard(index).pointer(), crash);
  };
  result.give_up = [where, &which, given_up] { which.fail(given_up); };
  result.figures = [where, &which] {
    auto& entries = which.store().entries();
    return child_figures{which.mailbox().depth(), which.mailbox().handled(),
                         entries.bytes(), entries.size()};
  };
  return result;
}

} // namespace troupe
