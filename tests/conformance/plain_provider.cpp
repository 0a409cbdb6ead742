#include "conformance/plain_provider.hpp"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <new>
#include <optional>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>

#include "conformance/plain_store.hpp"

using namespace troupe;

namespace conformance {

namespace {

/// What is left to do of a task once the store's mutex is free: its completion.
using ending = std::function<void()>;

/// Does its work in the store, or hears why it must not.
using task_body = std::function<ending(const expected<plain_store*>&)>;

/// The store, its mutex, and the tasks that wait for the thread. Apart from the provider,
/// because a completion, which runs on that thread, may be the last user of the
/// provider. Thread-safe.
class turns {
public:
  turns(std::string region, const troupe::clock& time,
        const region_options& options)
    : region_(std::move(region)),
      patience_(*options.op_timeout),
      store_(time, options) {
    // nop
  }

  /// Runs `f(plain_store&)` at once.
  template <class F>
  auto look(F f) -> std::invoke_result_t<F&, plain_store&> {
    std::lock_guard guard{mutex_};
    if (stopped_)
      return tl::unexpected{ended()};
    return caught(f);
  }

  /// Runs `f(plain_store&)` after the tasks that were queued before, and after an update
  /// that holds the lease of the key `read`, if that is given.
  template <class F>
  auto run(std::optional<bytes_view> read, F f)
    -> std::invoke_result_t<F&, plain_store&> {
    const auto until = std::chrono::steady_clock::now() + patience_;
    std::unique_lock guard{mutex_};
    const auto before = last_number_;
    const auto has_turn = [&] {
      return stopped_ || (!waits_for_update(read) && !any_due(before));
    };
    if (!callers_.wait_until(guard, until, has_turn))
      return fail(errc::timeout, "the key is being updated for too long");
    if (stopped_)
      return tl::unexpected{ended()};
    auto result = caught(f);
    wake();
    return result;
  }

  /// Queues a task; with `read` it waits for an update of that key.
  void post(std::optional<bytes> read, task_body body) {
    std::lock_guard guard{mutex_};
    tasks_.push_back({++last_number_, std::move(read), std::move(body)});
    wake();
  }

  [[nodiscard]] bool full() const {
    std::lock_guard guard{mutex_};
    return tasks_.size() >= defaults::mailbox_limit;
  }

  /// The thread: runs tasks until `end`, and then those that are left.
  void work() {
    std::unique_lock guard{mutex_};
    for (;;) {
      auto next = tasks_.end();
      thread_.wait(guard, [&] {
        next = std::find_if(tasks_.begin(), tasks_.end(),
                            [this](const task& x) { return due(x); });
        return next != tasks_.end() || ended_;
      });
      if (next == tasks_.end())
        return;
      auto body = std::move(next->body);
      tasks_.erase(next);
      auto rest = stopped_ ? body(tl::unexpected{ended()}) : body(&store_);
      wake();
      guard.unlock();
      rest();
      // What they hold may be the last handle of the region.
      rest = nullptr;
      body = nullptr;
      guard.lock();
    }
  }

  void tick() {
    std::lock_guard guard{mutex_};
    store_.sweep();
    wake();
  }

  void stop() {
    std::lock_guard guard{mutex_};
    stopped_ = true;
    store_.end_updates();
    wake();
  }

  void end() {
    stop();
    std::lock_guard guard{mutex_};
    ended_ = true;
    wake();
  }

private:
  struct task {
    std::uint64_t number;
    std::optional<bytes> read;
    task_body body;
  };

  /// Something has changed that a caller or a task may wait for.
  void wake() {
    callers_.notify_all();
    if (!tasks_.empty() || ended_)
      thread_.notify_one();
  }

  [[nodiscard]] error ended() const {
    return {errc::shutting_down, "region " + region_ + " has been stopped"};
  }

  /// What `f` comes to, running out of memory included.
  template <class F>
  auto caught(F& f) -> std::invoke_result_t<F&, plain_store&> {
    try {
      return f(store_);
    } catch (const std::bad_alloc&) {
      return fail(errc::out_of_memory);
    }
  }

  bool waits_for_update(std::optional<bytes_view> read) {
    if (!read || !store_.updating(*read))
      return false;
    store_.end_overdue_updates();
    return store_.updating(*read);
  }

  bool due(const task& x) {
    return stopped_ || !waits_for_update(x.read);
  }

  /// Whether a task that could run was queued before.
  bool any_due(std::uint64_t before) {
    return std::any_of(tasks_.begin(), tasks_.end(), [&](const task& x) {
      return x.number <= before && due(x);
    });
  }

  const std::string region_;
  const std::chrono::milliseconds patience_;
  mutable std::mutex mutex_;
  std::condition_variable callers_; ///< Blocked in `run`.
  std::condition_variable thread_;
  plain_store store_;
  std::deque<task> tasks_;
  std::uint64_t last_number_ = 0;
  bool stopped_ = false;
  bool ended_ = false;
};

/// The provider in a `transform` of which the calling thread is.
thread_local const provider* transformed_here = nullptr;

/// The key of a change that waits for updates.
std::optional<bytes_view> key_to_wait_for(const key_change& what) {
  const auto key
    = std::visit([](const auto& x) { return key_that_is_read(x); }, what);
  return key ? std::optional{key->key} : std::nullopt;
}

class plain_provider final : public provider {
public:
  explicit plain_provider(const provider_environment& with)
    : turns_(std::make_shared<turns>(with.region, with.time, with.options)),
      thread_([shared = turns_] { shared->work(); }) {
    // nop
  }

  ~plain_provider() override {
    turns_->end();
    // In a completion this is the thread, which ends after that.
    if (thread_.get_id() == std::this_thread::get_id())
      thread_.detach();
    else
      thread_.join();
  }

  [[nodiscard]] std::string_view kind() const noexcept override {
    return "plain";
  }

  // -- reading -----------------------------------------------------------------

  expected<bool> read(const hashed_key& key,
                      function_ref<void(const entry_view&)> f,
                      lookup as) const override {
    // Copied, so that `f` is not called under the mutex.
    auto found = copy_of(key, as);
    if (!found)
      return tl::unexpected{std::move(found.error())};
    if (*found)
      f((*found)->view());
    return found->has_value();
  }

  expected<bool>
  read_usable(const hashed_key& key,
              function_ref<void(const entry_view&, const staleness&)> f,
              lookup as) const override {
    auto found = turns_->look(
      [&](plain_store& in) -> expected<std::optional<plain_entry>> {
        const auto* const x = in.read_usable(key.key, as);
        return x == nullptr ? std::nullopt : std::optional{*x};
      });
    if (!found)
      return tl::unexpected{std::move(found.error())};
    if (*found)
      f((*found)->view(), (*found)->moments());
    return found->has_value();
  }

  expected<void> read_many(std::span<const hashed_key> keys,
                           function_ref<void(std::size_t, const entry_view*)> f,
                           lookup as) const override {
    for (std::size_t i = 0; i < keys.size(); ++i) {
      const auto found = read(
        keys[i], [&](const entry_view& x) { f(i, &x); }, as);
      if (!found)
        return tl::unexpected{found.error()};
      if (!*found)
        f(i, nullptr);
    }
    return {};
  }

  void read_then(carried_key key, lookup as,
                 completion<std::optional<entry_copy>> done) const override {
    post<std::optional<entry_copy>>(
      std::nullopt,
      [key = std::move(key), as](plain_store& in) {
        std::optional<entry_copy> result;
        if (const auto* const x = in.read(key.key(), as))
          result.emplace(entry_copy{x->value, x->version, x->deadline()});
        return result;
      },
      std::move(done));
  }

  // -- changing ----------------------------------------------------------------

  expected<change_result> apply(const key_change& what) override {
    return turns_->run(key_to_wait_for(what),
                       [&](plain_store& in) { return in.apply(what); });
  }

  void apply_then(carried_change what,
                  completion<change_result> done) override {
    const auto view = [](const carried_change& x) {
      return std::visit([](const auto& y) { return key_change{y.view()}; }, x);
    };
    std::optional<bytes> read;
    if (const auto key = key_to_wait_for(view(what)))
      read.emplace(*key);
    post<change_result>(
      std::move(read),
      [what = std::move(what), view](plain_store& in) {
        return in.apply(view(what));
      },
      std::move(done));
  }

  expected<void> set_many(std::span<const hashed_key> keys,
                          std::span<const bytes_view> values,
                          const write_options& how) override {
    for (std::size_t i = 0; i < keys.size(); ++i)
      if (auto stored = apply(set_change{keys[i], values[i], &how}); !stored)
        return tl::unexpected{std::move(stored.error())};
    return {};
  }

  expected<void>
  transform(const hashed_key& key,
            function_ref<expected<edit>(const entry_view*)> f) override {
    for (;;) {
      std::optional<plain_entry> seen;
      auto began = turns_->run(key.key, [&](plain_store& in) -> expected<void> {
        if (const auto* const x = in.read(key.key))
          seen = *x;
        return {};
      });
      if (!began)
        return began;
      auto next = call(f, seen);
      if (!next)
        return tl::unexpected{std::move(next.error())};
      const auto version = seen ? seen->version : no_version;
      auto done = turns_->run(key.key, [&](plain_store& in) -> expected<bool> {
        return in.apply(key.key, version, *next);
      });
      if (!done)
        return tl::unexpected{std::move(done.error())};
      if (*done)
        return {};
    }
  }

  // -- leases of loads ---------------------------------------------------------

  void
  acquire_load(carried_key key, load_id id, load_purpose why,
               std::shared_ptr<const load_tags> tags,
               std::function<bool(expected<load_decision>)> decided) override {
    auto done = [weak = std::weak_ptr{turns_}, key, id,
                 decided = std::move(decided)](expected<load_decision> x) {
      const auto granted = x && std::holds_alternative<load_granted>(*x);
      if (decided(std::move(x)) || !granted)
        return;
      if (const auto shared = weak.lock())
        static_cast<void>(shared->look([&](plain_store& in) -> expected<bool> {
          return in.release_load(key.key(), id);
        }));
    };
    post<load_decision>(
      std::nullopt,
      [key = std::move(key), id, why, tags = std::move(tags)](plain_store& in) {
        return in.acquire_load(key.key(), id, why, tags);
      },
      std::move(done));
  }

  // How a load ends is heard of whatever waits: else its lease would stay.

  void commit_load(carried_key key, load_commit what,
                   completion<load_outcome> done) override {
    post_always<load_outcome>(
      std::nullopt,
      [key = std::move(key), what = std::move(what)](plain_store& in) {
        return in.commit_load(key.key(), what);
      },
      std::move(done));
  }

  void release_load(carried_key key, load_id id, std::optional<time_point> next,
                    completion<void> done) override {
    post_always<void>(
      std::nullopt,
      [key = std::move(key), id, next](plain_store& in) -> expected<void> {
        if (in.release_load(key.key(), id) && next)
          in.postpone_refresh(key.key(), *next);
        return {};
      },
      std::move(done));
  }

  [[nodiscard]] expected<bool> holds_load(const hashed_key& key,
                                          load_id id) override {
    return turns_->look([&](plain_store& in) -> expected<bool> {
      return in.holds_load(key.key, id);
    });
  }

  // -- leases of updates -------------------------------------------------------

  expected<update_snapshot> begin_update(const hashed_key& key,
                                         std::uint64_t token) override {
    return turns_->run(key.key,
                       [&](plain_store& in) -> expected<update_snapshot> {
                         return in.begin_update(key.key, token);
                       });
  }

  expected<update_outcome> commit_update(const hashed_key& key,
                                         std::uint64_t token,
                                         std::optional<bytes_view> value,
                                         const write_options& how) override {
    return turns_->run(std::nullopt,
                       [&](plain_store& in) -> expected<update_outcome> {
                         return in.commit_update(key.key, token, value, how);
                       });
  }

  expected<void> abandon_update(const hashed_key& key,
                                std::uint64_t token) override {
    return turns_->run(std::nullopt, [&](plain_store& in) -> expected<void> {
      in.abandon_update(key.key, token);
      return {};
    });
  }

  // -- invalidation ------------------------------------------------------------

  expected<void> clear() override {
    return turns_->run(std::nullopt, [](plain_store& in) -> expected<void> {
      in.clear();
      return {};
    });
  }

  expected<void> invalidate_tag(bytes_view name) override {
    if (transformed_here == this)
      return fail(
        errc::invalid_argument,
        "invalidate_tag was called by the function of a transform; call it "
        "afterwards");
    return turns_->run(std::nullopt, [name](plain_store& in) -> expected<void> {
      in.invalidate_tag(name);
      return {};
    });
  }

  // -- figures and life --------------------------------------------------------

  [[nodiscard]] std::size_t size() const noexcept override {
    return turns_
      ->look([](plain_store& in) -> expected<std::size_t> { return in.size(); })
      .value_or(0);
  }

  [[nodiscard]] provider_figures figures() const noexcept override {
    provider_figures result;
    result.keys = size();
    return result;
  }

  [[nodiscard]] jitter_counts jitter() const noexcept override {
    return turns_
      ->look(
        [](plain_store& in) -> expected<jitter_counts> { return in.jitter(); })
      .value_or(jitter_counts{});
  }

  [[nodiscard]] expected<void> check_running() const override {
    return turns_->look([](plain_store&) -> expected<void> { return {}; });
  }

  bool tick() noexcept override {
    turns_->tick();
    return true;
  }

  void stop() noexcept override {
    turns_->stop();
  }

private:
  [[nodiscard]] expected<std::optional<plain_entry>>
  copy_of(const hashed_key& key, lookup as) const {
    return turns_->look(
      [&](plain_store& in) -> expected<std::optional<plain_entry>> {
        const auto* const x = in.read(key.key, as);
        return x == nullptr ? std::nullopt : std::optional{*x};
      });
  }

  /// Calls the function of a transform.
  expected<edit> call(function_ref<expected<edit>(const entry_view*)> f,
                      const std::optional<plain_entry>& seen) const {
    struct scope {
      ~scope() {
        transformed_here = nullptr;
      }
    } at_the_end;
    transformed_here = this;
    try {
      if (!seen)
        return f(nullptr);
      const auto view = seen->view();
      return f(&view);
    } catch (const std::bad_alloc&) {
      return fail(errc::out_of_memory);
    }
  }

  /// Queues `f(plain_store&)`, with whose result `done` is called.
  template <class T, class F>
  void post_always(std::optional<bytes> read, F f,
                   std::function<void(expected<T>)> done) const {
    turns_->post(std::move(read),
                 [f = std::move(f), done = std::move(done)](
                   const expected<plain_store*>& in) -> ending {
                   auto result = in.and_then([&](plain_store* x) {
                     try {
                       return expected<T>{f(*x)};
                     } catch (const std::bad_alloc&) {
                       return expected<T>{fail(errc::out_of_memory)};
                     }
                   });
                   return [done, result = std::move(result)] { done(result); };
                 });
  }

  /// The same, if there is room in the queue.
  template <class T, class F>
  void post(std::optional<bytes> read, F f,
            std::function<void(expected<T>)> done) const {
    if (turns_->full())
      done(fail(errc::overloaded, "too many operations wait"));
    else
      post_always<T>(std::move(read), std::move(f), std::move(done));
  }

  std::shared_ptr<turns> turns_;
  std::thread thread_;
};

} // namespace

expected<std::shared_ptr<provider>>
plain_factory::make(const provider_environment& with) const {
  const auto& options = with.options;
  if (options.max_bytes != 0 || options.max_entries != 0
      || !options.namespaces.empty())
    return fail(errc::unsupported,
                "the provider of region " + with.region
                  + " (plain) has no limits and no namespaces");
  return std::make_shared<plain_provider>(with);
}

} // namespace conformance
