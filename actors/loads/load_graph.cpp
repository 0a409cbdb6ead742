#include <troupe/actors/loads/load_graph.hpp>

#include <atomic>
#include <mutex>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include <pthread.h>

#include <troupe/messages/types/text/printable.hpp>

namespace troupe {

namespace {

thread_local constinit running_load* innermost_load = nullptr;
thread_local constinit running_update* innermost_update = nullptr;

std::mutex& graph_mutex() noexcept {
  static std::mutex result;
  return result;
}

/// The load that the run of `x` waits for. With the graph's mutex.
std::shared_ptr<load_in_flight> awaited_by(load_in_flight& x) {
  std::lock_guard guard{x.mutex};
  return x.run == nullptr ? nullptr : x.run->waits_for;
}

/// "profiles/1 waits for profiles/2, which waits for profiles/1"
std::string
circle_text(const std::vector<std::shared_ptr<load_in_flight>>& all) {
  const auto name = [](const load_in_flight& x) {
    return x.where->name() + "/" + printable(x.key.key());
  };
  constexpr std::size_t most_named = 16;
  auto result = "the load of " + name(*all.front());
  for (std::size_t i = 1; i < all.size() && i < most_named; ++i)
    result += (i == 1 ? " waits for " : ", which waits for ") + name(*all[i]);
  if (all.size() > most_named)
    result += ", and so on through " + std::to_string(all.size() - most_named)
              + " more loads";
  return result
         + (all.size() == 1 ? " waits for itself"
                            : ", which waits for the first");
}

/// The lowest address of the calling thread's stack.
const char* end_of_stack() noexcept {
  thread_local const char* const result = [] {
    pthread_attr_t attributes;
    if (::pthread_getattr_np(::pthread_self(), &attributes) != 0)
      return static_cast<const char*>(nullptr);
    void* lowest = nullptr;
    std::size_t size = 0;
    std::size_t guard = 0;
    ::pthread_attr_getstack(&attributes, &lowest, &size);
    ::pthread_attr_getguardsize(&attributes, &guard);
    ::pthread_attr_destroy(&attributes);
    return static_cast<const char*>(lowest) + guard;
  }();
  return result;
}

std::atomic<std::size_t> replacements{0};

} // namespace

running_load::running_load(std::weak_ptr<load_in_flight> which,
                           std::shared_ptr<load_run> run) noexcept
  : which_(std::move(which)),
    run_(std::move(run)),
    outer_(std::exchange(innermost_load, this)) {
  // nop
}

running_load::~running_load() {
  innermost_load = outer_;
}

running_load* running_load::present() noexcept {
  return innermost_load;
}

running_update::running_update(const load_target& where,
                               bytes_view key) noexcept
  : where_(where), key_(key), outer_(std::exchange(innermost_update, this)) {
  // nop
}

running_update::~running_update() {
  innermost_update = outer_;
}

expected<void> running_update::check(const load_target& where, bytes_view key) {
  for (const auto* x = innermost_update; x != nullptr; x = x->outer_)
    if (&x->where_ == &where && x->key_ == key)
      return fail(errc::load_cycle, "the update of " + where.name() + "/"
                                      + printable(key) + " waits for itself");
  return {};
}

expected<void> load_edge::add(const std::shared_ptr<load_in_flight>& to) {
  auto* const running = running_load::present();
  if (running == nullptr)
    return {};
  const auto self = running->which_.lock();
  if (self == nullptr)
    return {};
  std::lock_guard guard{graph_mutex()};
  std::vector<std::shared_ptr<load_in_flight>> passed{self};
  for (auto at = to; at != nullptr; at = awaited_by(*at)) {
    if (at == self)
      return fail(errc::load_cycle, circle_text(passed));
    passed.push_back(at);
  }
  from_ = running->run_;
  from_->waits_for = to;
  return {};
}

load_edge::~load_edge() {
  if (from_ == nullptr)
    return;
  // Freed after the lock.
  std::shared_ptr<load_in_flight> gone;
  std::lock_guard guard{graph_mutex()};
  gone = std::move(from_->waits_for);
  from_->waits_for = nullptr;
}

void run_with_stack(function_ref<void()> f) {
  const auto* const here = static_cast<const char*>(__builtin_frame_address(0));
  const auto* const end = end_of_stack();
  if (end == nullptr
      || here - end > static_cast<std::ptrdiff_t>(least_loader_stack))
    return f();
  if (replacements.fetch_add(1, std::memory_order_relaxed)
      >= most_replacement_threads) {
    replacements.fetch_sub(1, std::memory_order_relaxed);
    throw std::system_error{
      std::make_error_code(std::errc::resource_unavailable_try_again)};
  }
  struct counted {
    ~counted() {
      replacements.fetch_sub(1, std::memory_order_relaxed);
    }
  } one;
  auto* const load = innermost_load;
  auto* const update = innermost_update;
  std::thread{[&] {
    innermost_load = load;
    innermost_update = update;
    f();
  }}.join();
}

} // namespace troupe
