#include <troupe/actors/topics/topic_hub.hpp>

#include <new>
#include <utility>

#include <troupe/messages/types/text/glob.hpp>
#include <troupe/messages/types/text/printable.hpp>

namespace troupe {

namespace {

/// The most listeners that a report of a drain names. It counts the others.
constexpr std::size_t most_stuck_named = 100;

bool matches(bytes_view pattern, bytes_view channel) noexcept {
  return glob_match(pattern, channel, letter_case::exact);
}

std::string describe(topic_kind kind, bytes_view name) {
  return (kind == topic_kind::pattern ? "the listener of pattern "
                                      : "the listener of channel ")
         + printable(name);
}

tl::unexpected<error> drained() {
  return fail(errc::shutting_down, "the runtime drains or has ended");
}

} // namespace

topic_hub::topic_hub(std::shared_ptr<worker_pool> workers)
  : workers_(std::move(workers)), directory_(matches) {
  // nop
}

expected<void> topic_hub::check_name(topic_kind kind, bytes_view name) {
  const auto most
    = kind == topic_kind::pattern ? longest_pattern : longest_channel;
  if (name.size() <= most)
    return {};
  return fail(errc::invalid_argument,
              std::string{kind == topic_kind::pattern ? "a pattern"
                                                      : "the name of a channel"}
                + " has at most " + std::to_string(most) + " bytes, not "
                + std::to_string(name.size()));
}

expected<std::size_t> topic_hub::publish(bytes_view channel,
                                         bytes_view payload) {
  if (!open()) [[unlikely]]
    return drained();
  if (channel.size() > longest_channel) [[unlikely]]
    return tl::unexpected{check_name(topic_kind::channel, channel).error()};
  try {
    return directory_.publish(channel, payload);
  } catch (const std::bad_alloc&) {
    return fail(errc::out_of_memory);
  }
}

expected<std::size_t> topic_hub::publish_sharded(bytes_view channel,
                                                 bytes_view payload) {
  if (!open()) [[unlikely]]
    return drained();
  try {
    return directory_.publish_sharded(channel, payload);
  } catch (const std::bad_alloc&) {
    return fail(errc::out_of_memory);
  }
}

expected<subscription> topic_hub::listen(topic_kind kind, bytes_view name,
                                         message_function f,
                                         subscribe_options options) {
  if (auto ok = check_name(kind, name); !ok)
    return tl::unexpected{std::move(ok.error())};
  if (!f)
    return fail(errc::invalid_argument,
                "a subscription needs a function for its messages");
  try {
    auto x = std::make_shared<topic_listener>(describe(kind, name),
                                              shared_from_this(), workers_,
                                              std::move(f), std::move(options));
    // Unsubscribes if the steps below fail.
    subscription result{x};
    if (auto ok = admit(x); !ok)
      return tl::unexpected{std::move(ok.error())};
    x->joined(directory_.join(kind, name, x));
    return expected<subscription>{std::move(result)};
  } catch (const std::bad_alloc&) {
    return fail(errc::out_of_memory);
  }
}

expected<void> topic_hub::admit(const std::shared_ptr<topic_listener>& x) {
  std::lock_guard guard{mutex_};
  if (!open())
    return drained();
  listeners_.emplace(x.get(), x);
  return {};
}

void topic_hub::forget(const topic_listener& x) noexcept {
  std::lock_guard guard{mutex_};
  listeners_.erase(&x);
}

std::vector<std::shared_ptr<topic_listener>> topic_hub::all() const {
  std::vector<std::shared_ptr<topic_listener>> result;
  std::lock_guard guard{mutex_};
  for (auto& [key, weak] : listeners_)
    if (auto x = weak.lock())
      result.push_back(std::move(x));
  return result;
}

std::size_t topic_hub::listeners() const {
  std::lock_guard guard{mutex_};
  return listeners_.size();
}

void topic_hub::tick() noexcept {
  if (!missed_.exchange(false, std::memory_order_acq_rel))
    return;
  try {
    for (auto& x : all())
      x->retry();
  } catch (const std::bad_alloc&) {
    note_missed();
  }
}

void topic_hub::close() noexcept {
  std::lock_guard guard{mutex_};
  open_.store(false, std::memory_order_release);
}

std::vector<std::string>
topic_hub::drain(std::chrono::steady_clock::time_point deadline) {
  close();
  const auto left = all();
  for (auto& x : left)
    x->begin_end({errc::shutting_down, "the runtime drains"});
  std::vector<std::string> stuck;
  std::size_t more = 0;
  for (auto& x : left) {
    if (x->await_end(deadline))
      continue;
    if (stuck.size() < most_stuck_named)
      stuck.push_back(x->text());
    else
      ++more;
  }
  if (more > 0)
    stuck.push_back(std::to_string(more) + " more listeners of topics");
  return stuck;
}

} // namespace troupe
