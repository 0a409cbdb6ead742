#include <troupe/actors/testing/guarded_provider.hpp>

#include <array>
#include <type_traits>
#include <utility>
#include <variant>

#include <troupe/backends/memory/memory_provider.hpp>

namespace troupe::testing {

namespace {

using op = provider_operation;

template <class Change>
constexpr op operation_of = op::set;
template <>
constexpr op operation_of<compare_and_set_change> = op::compare_and_set;
template <>
constexpr op operation_of<erase_change> = op::erase;
template <>
constexpr op operation_of<compare_and_erase_change> = op::compare_and_erase;
template <>
constexpr op operation_of<touch_change> = op::touch;
template <>
constexpr op operation_of<increment_change> = op::increment;

provider_call call_of(const key_change& x) {
  return std::visit(
    []<class Change>(const Change& y) {
      return provider_call{operation_of<Change>, y.key.key};
    },
    x);
}

/// Thread-safe, as the guard and the provider below are.
class guarded_provider final : public provider {
public:
  guarded_provider(std::shared_ptr<provider_guard> guard,
                   std::shared_ptr<provider> below)
    : guard_(std::move(guard)), below_(std::move(below)) {
    // nop
  }

  [[nodiscard]] std::string_view kind() const noexcept override {
    return below_->kind();
  }

  // -- reading -----------------------------------------------------------------

  expected<bool> read(const hashed_key& key,
                      function_ref<void(const entry_view&)> f,
                      lookup as) const override {
    return around({op::read, key.key},
                  [&] { return below_->read(key, f, as); });
  }

  expected<bool>
  read_usable(const hashed_key& key,
              function_ref<void(const entry_view&, const staleness&)> f,
              lookup as) const override {
    return around({op::read_usable, key.key},
                  [&] { return below_->read_usable(key, f, as); });
  }

  expected<void> read_many(std::span<const hashed_key> keys,
                           function_ref<void(std::size_t, const entry_view*)> f,
                           lookup as) const override {
    return around({op::read_many},
                  [&] { return below_->read_many(keys, f, as); });
  }

  void read_then(carried_key key, lookup as,
                 completion<std::optional<entry_copy>> done) const override {
    const auto name = key.key();
    begin({op::read, name}, done,
          [&] { below_->read_then(std::move(key), as, std::move(done)); });
  }

  void prefetch(std::span<const upcoming_key> keys) const noexcept override {
    below_->prefetch(keys);
  }

  // -- changing ----------------------------------------------------------------

  expected<change_result> apply(const key_change& what) override {
    return around(call_of(what), [&] { return below_->apply(what); });
  }

  void apply_then(carried_change what,
                  completion<change_result> done) override {
    const auto [operation, name] = std::visit(
      [](const auto& x) {
        const auto change = x.view();
        return std::pair{operation_of<std::decay_t<decltype(change)>>,
                         bytes{change.key.key}};
      },
      what);
    begin({operation, name}, done,
          [&] { below_->apply_then(std::move(what), std::move(done)); });
  }

  expected<void> set_many(std::span<const hashed_key> keys,
                          std::span<const bytes_view> values,
                          const write_options& how) override {
    return around({op::set_many},
                  [&] { return below_->set_many(keys, values, how); });
  }

  expected<void>
  transform(const hashed_key& key,
            function_ref<expected<edit>(const entry_view*)> f) override {
    return around({op::transform, key.key},
                  [&] { return below_->transform(key, f); });
  }

  // -- leases of loads ---------------------------------------------------------

  void
  acquire_load(carried_key key, load_id id, load_purpose why,
               std::shared_ptr<const load_tags> tags,
               std::function<bool(expected<load_decision>)> decided) override {
    const auto name = key.key();
    begin({op::acquire_load, name}, decided, [&] {
      below_->acquire_load(std::move(key), id, why, std::move(tags),
                           std::move(decided));
    });
  }

  expected<void>
  acquire_load_now(const hashed_key& key, load_id id, load_purpose why,
                   std::shared_ptr<const load_tags> tags,
                   function_ref<bool(load_decision)> decided) override {
    return around({op::acquire_load, key.key}, [&] {
      return below_->acquire_load_now(key, id, why, std::move(tags), decided);
    });
  }

  void commit_load(carried_key key, load_commit what,
                   completion<load_outcome> done) override {
    const provider_call call{op::commit_load, key.key()};
    if (auto ok = guard_->before(call); !ok) {
      // The contract: the lease ends, also on an error.
      below_->release_load(
        std::move(key), what.id, std::nullopt,
        [done = std::move(done), why = std::move(ok.error())](
          const expected<void>&) { done(tl::unexpected{why}); });
      return;
    }
    const auto name = key.key();
    below_->commit_load(std::move(key), std::move(what), std::move(done));
    guard_->after({op::commit_load, name});
  }

  expected<load_outcome> commit_load_now(const hashed_key& key,
                                         const loaded_value& what) override {
    const provider_call call{op::commit_load, key.key};
    if (auto ok = guard_->before(call); !ok) {
      below_->release_load(carried_key{key}, what.id, std::nullopt,
                           [](const expected<void>&) {});
      return tl::unexpected{std::move(ok.error())};
    }
    auto result = below_->commit_load_now(key, what);
    guard_->after(call);
    return result;
  }

  void release_load(carried_key key, load_id id, std::optional<time_point> next,
                    completion<void> done) override {
    const auto name = key.key();
    const provider_call call{op::release_load, name};
    if (auto ok = guard_->before(call); !ok)
      done = [done = std::move(done), why = std::move(ok.error())](
               const expected<void>&) { done(tl::unexpected{why}); };
    below_->release_load(std::move(key), id, next, std::move(done));
    guard_->after(call);
  }

  [[nodiscard]] expected<bool> holds_load(const hashed_key& key,
                                          load_id id) override {
    return around({op::holds_load, key.key},
                  [&] { return below_->holds_load(key, id); });
  }

  // -- leases of updates -------------------------------------------------------

  expected<update_snapshot> begin_update(const hashed_key& key,
                                         std::uint64_t token) override {
    return around({op::begin_update, key.key},
                  [&] { return below_->begin_update(key, token); });
  }

  expected<update_outcome> commit_update(const hashed_key& key,
                                         std::uint64_t token,
                                         std::optional<bytes_view> value,
                                         const write_options& how) override {
    const provider_call call{op::commit_update, key.key};
    if (auto ok = guard_->before(call); !ok) {
      static_cast<void>(below_->abandon_update(key, token));
      return tl::unexpected{std::move(ok.error())};
    }
    auto result = below_->commit_update(key, token, value, how);
    guard_->after(call);
    return result;
  }

  expected<void> abandon_update(const hashed_key& key,
                                std::uint64_t token) override {
    const provider_call call{op::abandon_update, key.key};
    auto ok = guard_->before(call);
    auto result = below_->abandon_update(key, token);
    guard_->after(call);
    return ok ? result : ok;
  }

  // -- invalidation ------------------------------------------------------------

  expected<void> clear() override {
    return around({op::clear}, [&] { return below_->clear(); });
  }

  expected<void> invalidate_tag(bytes_view name) override {
    return around({op::invalidate_tag, name},
                  [&] { return below_->invalidate_tag(name); });
  }

  // -- what is not shown to the guard --------------------------------------------

  [[nodiscard]] std::size_t size() const noexcept override {
    return below_->size();
  }

  [[nodiscard]] provider_figures figures() const noexcept override {
    return below_->figures();
  }

  [[nodiscard]] jitter_counts jitter() const noexcept override {
    return below_->jitter();
  }

  [[nodiscard]] expected<void> check_running() const override {
    return below_->check_running();
  }

  bool tick() noexcept override {
    return below_->tick();
  }

  void stop() noexcept override {
    below_->stop();
  }

  [[nodiscard]] std::size_t part_count() const noexcept override {
    return below_->part_count();
  }

  [[nodiscard]] std::size_t parts_made() const noexcept override {
    return below_->parts_made();
  }

  [[nodiscard]] provider_part* part(std::size_t index) const noexcept override {
    return below_->part(index);
  }

  expected<void> make_part(std::size_t index) override {
    return below_->make_part(index);
  }

  [[nodiscard]] std::size_t
  part_of(const hashed_key& key) const noexcept override {
    return below_->part_of(key);
  }

  [[nodiscard]] scan_ability* scans() noexcept override {
    return below_->scans();
  }

  [[nodiscard]] limit_ability* limits() noexcept override {
    return below_->limits();
  }

  [[nodiscard]] namespace_ability* groups() noexcept override {
    return below_->groups();
  }

  [[nodiscard]] listener_ability* listeners() noexcept override {
    return below_->listeners();
  }

  [[nodiscard]] joint_turn_ability* joint_turns() noexcept override {
    return below_->joint_turns();
  }

  [[nodiscard]] charge_ability* charges() noexcept override {
    return below_->charges();
  }

  [[nodiscard]] explain_ability* explains() noexcept override {
    return below_->explains();
  }

private:
  /// The result of `f`, or the error of the guard.
  template <class F>
  std::invoke_result_t<F&> around(const provider_call& what, F f) const {
    if (auto ok = guard_->before(what); !ok)
      return tl::unexpected{std::move(ok.error())};
    auto result = f();
    guard_->after(what);
    return result;
  }

  /// The same for a call with a completion, which gets the error.
  template <class Done, class F>
  void begin(const provider_call& what, Done& done, F f) const {
    if (auto ok = guard_->before(what); !ok) {
      static_cast<void>(done(tl::unexpected{std::move(ok.error())}));
      return;
    }
    f();
    guard_->after(what);
  }

  const std::shared_ptr<provider_guard> guard_;
  const std::shared_ptr<provider> below_;
};

} // namespace

std::string_view name_of(provider_operation x) noexcept {
  static constexpr std::array<std::string_view, 20> names{"read",
                                                          "read_usable",
                                                          "read_many",
                                                          "set",
                                                          "compare_and_set",
                                                          "erase",
                                                          "compare_and_erase",
                                                          "touch",
                                                          "increment",
                                                          "set_many",
                                                          "transform",
                                                          "acquire_load",
                                                          "commit_load",
                                                          "release_load",
                                                          "holds_load",
                                                          "begin_update",
                                                          "commit_update",
                                                          "abandon_update",
                                                          "clear",
                                                          "invalidate_tag"};
  const auto i = static_cast<std::size_t>(x);
  return i < names.size() ? names[i] : "unknown";
}

guarded_factory::guarded_factory(std::shared_ptr<provider_guard> guard,
                                 std::shared_ptr<const provider_factory> below)
  : guard_(std::move(guard)), below_(std::move(below)) {
  // nop
}

expected<std::shared_ptr<provider>>
guarded_factory::make(const provider_environment& with) const {
  std::shared_ptr<provider> below;
  if (below_ == nullptr) {
    below = std::make_shared<memory_provider>(with);
  } else {
    auto made = below_->make(with);
    if (!made)
      return tl::unexpected{std::move(made.error())};
    below = std::move(*made);
  }
  return std::make_shared<guarded_provider>(guard_, std::move(below));
}

} // namespace troupe::testing
