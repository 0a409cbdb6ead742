#include <troupe/actors/loads/load_graph.hpp>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <string>
#include <system_error>
#include <thread>
#include <unordered_set>
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

/// The edge from the run of `x`, or nullptr. With the graph's mutex.
const load_edge* edge_from(load_in_flight& x) {
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
  : one_{std::move(which), std::move(run)},
    all_{&one_, 1},
    outer_(std::exchange(innermost_load, this)) {
  // nop
}

running_load::running_load(std::span<const running_item> all) noexcept
  : all_(all), outer_(std::exchange(innermost_load, this)) {
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

/// Looks for the way from a load to the loads of a thread. With the graph's mutex.
class load_edge::walk {
public:
  explicit walk(const running_load& from) {
    for (const auto& x : from.all_)
      if (const auto load = x.which.lock())
        own_.push_back(load.get());
    std::ranges::sort(own_);
  }

  /// Whether the thread runs any load that still exists.
  [[nodiscard]] bool any() const noexcept {
    return !own_.empty();
  }

  /// Errors: `load_cycle`.
  expected<void> look_from(const load_pointer& to) {
    std::vector<step> passed;
    if (seen_.insert(to.get()).second)
      passed.push_back({to, 0});
    for (std::size_t i = 0; i < passed.size(); ++i) {
      const auto at = passed[i].at;
      if (std::ranges::binary_search(own_, at.get())) {
        // Loads on the way were seen and yet lead to a circle.
        for (const auto& x : passed)
          seen_.erase(x.at.get());
        return fail(errc::load_cycle, circle_text(way_to(passed, i)));
      }
      if (const auto* edge = edge_from(*at))
        for (const auto& next : edge->to_)
          if (seen_.insert(next.get()).second)
            passed.push_back({next, i});
    }
    return {};
  }

private:
  struct step {
    load_pointer at;
    std::size_t from; ///< The step before; the first one is its own.
  };

  /// The loads of a circle, that of the thread first.
  static std::vector<load_pointer> way_to(const std::vector<step>& passed,
                                          std::size_t i) {
    std::vector<load_pointer> result;
    for (auto at = i; at != 0;) {
      at = passed[at].from;
      result.push_back(passed[at].at);
    }
    result.push_back(passed[i].at);
    std::ranges::reverse(result);
    return result;
  }

  std::vector<const load_in_flight*> own_;
  /// The loads that were passed; none leads to a circle.
  std::unordered_set<const load_in_flight*> seen_;
};

expected<void> load_edge::add(const load_pointer& to) {
  return std::move(add_all({&to, 1}).front());
}

std::vector<expected<void>>
load_edge::add_all(std::span<const load_pointer> to) {
  std::vector<expected<void>> result(to.size());
  const auto* const running = running_load::present();
  if (running == nullptr)
    return result;
  to_.reserve(to_.size() + to.size());
  std::lock_guard guard{graph_mutex()};
  walk circles{*running};
  if (!circles.any())
    return result;
  for (std::size_t i = 0; i < to.size(); ++i) {
    result[i] = circles.look_from(to[i]);
    if (result[i])
      to_.push_back(to[i]);
  }
  if (from_ == nullptr && !to_.empty()) {
    from_ = running;
    for (const auto& x : from_->all_)
      x.run->waits_for = this;
  }
  return result;
}

load_edge::~load_edge() {
  if (from_ == nullptr)
    return;
  // The loads are freed after the lock.
  std::lock_guard guard{graph_mutex()};
  for (const auto& x : from_->all_)
    x.run->waits_for = nullptr;
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
