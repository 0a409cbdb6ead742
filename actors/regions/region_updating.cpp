// The part of a region that replaces values by the result of a function.

#include <troupe/actors/regions/region.hpp>

#include <atomic>
#include <exception>
#include <memory>
#include <utility>

#include <troupe/actors/loads/load_coordinator.hpp>
#include <troupe/actors/loads/load_graph.hpp>

namespace troupe {

namespace {

/// A number that no other update of this process holds.
std::uint64_t next_token() noexcept {
  static std::atomic<std::uint64_t> last{0};
  return last.fetch_add(1, std::memory_order_relaxed) + 1;
}

/// Calls `f`, the user's code, and turns its exceptions into errors.
expected<std::optional<bytes>> call(const bytes_updater& f,
                                    std::optional<bytes_view> present) {
  try {
    return f(present);
  } catch (const std::exception& failure) {
    return fail(errc::update_failed, failure.what());
  } catch (...) {
    // Not swallowed: it becomes the caller's error.
    return fail(errc::update_failed,
                "the function threw something that is no std::exception");
  }
}

} // namespace

expected<std::optional<bytes>> region::update(const hashed_key& key,
                                              const bytes_updater& f,
                                              const write_options& how) {
  if (auto ok
      = check_key(key).and_then([&] { return check_unconditional(how); });
      !ok)
    return tl::unexpected{std::move(ok.error())};
  if (auto ok = running_update::check(*this, key.key); !ok)
    return tl::unexpected{std::move(ok.error())};
  const running_update here{*this, key.key};
  for (std::uint32_t race = 0; race < defaults::update_races; ++race) {
    std::optional<bytes> present;
    auto version = no_version;
    const auto found = visit(key, [&](const entry_view& x) {
      present.emplace(x.value);
      version = x.version;
    });
    if (!found)
      return tl::unexpected{found.error()};
    auto next
      = call(f, present ? std::optional<bytes_view>{*present} : std::nullopt);
    if (!next)
      return next;
    if (!*next) {
      auto erased = apply(compare_and_erase_change{key, version});
      if (!erased)
        return tl::unexpected{std::move(erased.error())};
      if (*erased)
        return next;
      continue;
    }
    if (auto ok = check_loaded(**next, how); !ok)
      return tl::unexpected{std::move(ok.error())};
    auto stored = apply(
      compare_and_set_change{key, version, **next, &how, inheritance::rest});
    if (!stored)
      return tl::unexpected{std::move(stored.error())};
    if (*stored)
      return next;
  }
  return update_under_lease(key, f, how);
}

/// Always succeeds: one update at a time per key, and only blind writes in between,
/// which count as later.
expected<std::optional<bytes>>
region::update_under_lease(const hashed_key& key, const bytes_updater& f,
                           const write_options& how) {
  // A lease is lost only when it is held for longer than `op_timeout`.
  std::uint32_t lost = 0;
  std::uint32_t changed = 0;
  while (lost < defaults::update_races && changed < defaults::update_restarts) {
    const auto token = next_token();
    auto began = provider_->begin_update(key, token);
    if (!began)
      return tl::unexpected{std::move(began.error())};
    auto& present = began->value;
    auto next
      = call(f, present ? std::optional<bytes_view>{*present} : std::nullopt);
    auto ok = !next    ? expected<void>{tl::unexpect, next.error()}
              : !*next ? expected<void>{}
                       : check_loaded(**next, how);
    if (!ok) {
      // A shard that cannot take the lease back no longer has one.
      static_cast<void>(provider_->abandon_update(key, token));
      return tl::unexpected{std::move(ok.error())};
    }
    const auto value = *next ? std::optional<bytes_view>{**next} : std::nullopt;
    auto committed = provider_->commit_update(key, token, value, how);
    if (!committed)
      return tl::unexpected{std::move(committed.error())};
    switch (*committed) {
      case update_outcome::stored:
      case update_outcome::overtaken:
        return next;
      case update_outcome::changed:
        ++changed;
        break;
      case update_outcome::lost:
        ++lost;
        break;
    }
  }
  if (changed == defaults::update_restarts)
    return fail(errc::timeout,
                "the key was gone " + std::to_string(changed)
                  + " times in a row when the update function returned; does "
                    "the function erase or invalidate it?");
  return fail(errc::timeout,
              "the update function took longer than "
                + std::to_string(op_timeout().count())
                + " ms while others wanted the key; make it faster or raise "
                  "op_timeout");
}

void region::update_then(carried_key key, bytes_updater f, write_options how,
                         completion<std::optional<bytes>> done) {
  // Also answers when the job is dropped because the runtime drains.
  struct pending {
    completion<std::optional<bytes>> done;

    void answer(expected<std::optional<bytes>> result) {
      if (auto f = std::exchange(done, nullptr))
        f(std::move(result));
    }

    ~pending() {
      answer(fail(errc::shutting_down, "the runtime drains"));
    }
  };
  auto state = std::make_shared<pending>();
  state->done = std::move(done);
  auto posted = loads_->workers().post(
    [self = shared_from_this(), state, key = std::move(key), f = std::move(f),
     how] { state->answer(self->update(key, f, how)); });
  if (!posted)
    state->answer(tl::unexpected{std::move(posted.error())});
}

} // namespace troupe
