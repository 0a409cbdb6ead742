#pragma once

// The common part of a region's actors: messages about one key.

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include <troupe/actors/regions/region_declared.hpp>
#include <troupe/actors/shell/lane_actor.hpp>
#include <troupe/backends/core/lane.hpp>
#include <troupe/messages/caf/error.hpp>
#include <troupe/messages/requests/keys.hpp>
#include <troupe/messages/requests/write_terms.hpp>

namespace troupe {

/// Answers messages about keys with the region's result; it calls the region without
/// waiting. `Handle` accepts at least the messages of `shard_actor`.
template <class Handle>
class key_actor : public lane_actor<Handle> {
public:
  /// `mailbox` as for `lane_actor`. With `part`, the actor answers only for keys of
  /// that part of the provider.
  key_actor(caf::actor_config& cfg, lane& mailbox,
            std::shared_ptr<region> where,
            std::optional<std::size_t> part = std::nullopt)
    : lane_actor<Handle>(cfg, mailbox),
      mailbox_(mailbox),
      region_(std::move(where)),
      part_(part) {
    // nop
  }

protected:
  [[nodiscard]] region& where() const noexcept {
    return *region_;
  }

  caf::result<get_reply> on_get(get_request& x) {
    return read<get_reply>(
      x.key, lookup::use, [](std::optional<entry_copy> found) {
        return found ? get_reply{true, std::move(found->value), found->version}
                     : get_reply{};
      });
  }

  caf::result<bool> on_contains(contains_request& x) {
    return read<bool>(x.key, lookup::peek,
                      [](const auto& found) { return found.has_value(); });
  }

  caf::result<ttl_reply> on_ttl(ttl_request& x) {
    return read<ttl_reply>(
      x.key, lookup::peek, [keep = region_](const auto& found) {
        const auto left
          = found ? keep->time_left(found->deadline) : std::nullopt;
        return ttl_reply{left.has_value(), left.value_or(no_expiry)};
      });
  }

  caf::result<bool> on_set(set_request& x) {
    auto how = options_of(x.how);
    if (!how)
      return to_caf(how.error());
    return on_key<bool, bool>(x.key, [&](carried_key key, auto finish) {
      region_->set_then(std::move(key), std::move(x.value), std::move(*how),
                        std::move(finish));
    });
  }

  caf::result<compare_and_set_reply>
  on_compare_and_set(compare_and_set_request& x) {
    auto how = options_of(x.how);
    if (!how)
      return to_caf(how.error());
    return on_key<compare_and_set_reply, std::optional<version_number>>(
      x.key,
      [&](carried_key key, auto finish) {
        region_->compare_and_set_then(std::move(key), x.version,
                                      std::move(x.value), std::move(*how),
                                      std::move(finish));
      },
      [](std::optional<version_number> version) {
        return compare_and_set_reply{version.value_or(no_version)};
      });
  }

  caf::result<bool> on_erase(erase_request& x) {
    return on_key<bool, bool>(x.key, [&](carried_key key, auto finish) {
      region_->erase_then(std::move(key), std::move(finish));
    });
  }

  caf::result<bool> on_touch(touch_request& x) {
    return on_key<bool, bool>(x.key, [&](carried_key key, auto finish) {
      region_->touch_then(std::move(key), x.ttl, std::move(finish));
    });
  }

  caf::result<std::int64_t> on_increment(increment_request& x) {
    auto within = region_->signed_counts();
    if (!within)
      return to_caf(within.error());
    return on_key<std::int64_t, std::int64_t>(
      x.key, [&](carried_key key, auto finish) {
        region_->increment_then(std::move(key), x.delta, *within,
                                std::move(finish));
      });
  }

  /// Calls `start(carried_key, done)`. When `done` receives its `Value`, answers with
  /// `convert` of it. Takes the bytes of `key`.
  template <class Reply, class Value, class Start,
            class Convert = std::identity>
  caf::result<Reply> on_key(bytes& key, Start start, Convert convert = {}) {
    carried_key carried{std::move(key)};
    if (part_ && region_->provider().part_of(carried) != *part_)
      return to_caf({errc::invalid_argument,
                     "the key belongs to another shard; ask the region"});
    auto promise = this->make_response_promise();
    start(std::move(carried),
          [this, keep = self(), promise, convert](expected<Value> result) {
            answer(promise, std::move(result).map(convert));
          });
    return promise;
  }

  /// Fulfils a promise from the thread that has the result.
  template <class T>
  void answer(caf::response_promise promise, expected<T> result) {
    if (mailbox_.running_here())
      deliver(promise, std::move(result));
    else
      this->in_turn(
        [promise = std::move(promise), result = std::move(result)]() mutable {
          deliver(promise, std::move(result));
        });
  }

  /// A reference that keeps the actor alive for functions that are called later.
  [[nodiscard]] caf::strong_actor_ptr self() const {
    return caf::strong_actor_ptr{this->ctrl()};
  }

private:
  template <class Reply, class Convert>
  caf::result<Reply> read(bytes& key, lookup as, Convert convert) {
    return on_key<Reply, std::optional<entry_copy>>(
      key,
      [&](carried_key carried, auto finish) {
        region_->get_then(std::move(carried), as, std::move(finish));
      },
      std::move(convert));
  }

  lane& mailbox_;
  std::shared_ptr<region> region_;
  std::optional<std::size_t> part_;
};

} // namespace troupe
