#pragma once

// How `cache<V>` loads several keys with one loader (bulk_calls.hpp).

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <future>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <troupe/actors/cache/bulk_work.hpp>

namespace troupe {

/// Copies of keys.
struct bulk_keys {
  explicit bulk_keys(std::span<const bytes_view> keys)
    : copies(keys.begin(), keys.end()), views(copies.begin(), copies.end()) {
    // nop
  }

  const std::vector<std::string> copies;
  const std::vector<bytes_view> views;
};

/// The same without waiting. Owns its keys.
template <class V>
class pending_bulk_work final
  : private bulk_keys,
    private bulk_work<V>,
    public std::enable_shared_from_this<pending_bulk_work<V>> {
public:
  using results = expected<std::vector<maybe<V>>>;

  pending_bulk_work(std::shared_ptr<region> in,
                    std::span<const bytes_view> keys, bulk_loader loader,
                    const write_options& how)
    : bulk_keys(keys),
      bulk_work<V>(std::move(in), this->views, std::move(loader), how) {
    // nop
  }

  std::future<results> start() {
    auto result = made_.get_future();
    if (auto ok = look_first(); !ok)
      fail_all(std::move(ok.error()));
    else
      erase_and_load();
    return result;
  }

private:
  using bulk_work<V>::unreadable_;
  using bulk_work<V>::keys_;
  using bulk_work<V>::where_;
  using bulk_work<V>::todo_;
  using bulk_work<V>::results_;
  using bulk_work<V>::loader_;
  using bulk_work<V>::how_;
  using bulk_work<V>::note_erased;
  using bulk_work<V>::keys_to_load;
  using bulk_work<V>::take;
  using bulk_work<V>::look_first;

  /// Removes the unreadable entries and then loads.
  void erase_and_load() {
    if (unreadable_.empty())
      return load();
    erased_.assign(unreadable_.size(), true);
    erasing_.store(unreadable_.size());
    const auto size = unreadable_.size();
    for (std::size_t n = 0; n < size; ++n) {
      const auto [i, version] = unreadable_[n];
      auto done = [self = this->shared_from_this(), n](expected<bool> x) {
        self->erased_[n] = std::move(x);
        if (self->erasing_.fetch_sub(1) == 1)
          self->load_erased();
      };
      // In a later round it is no V, whichever entry it is by now.
      if (first_round_)
        where_->compare_and_erase_then(carried_key{hashed_key{keys_[i]}},
                                       version, std::move(done));
      else
        where_->erase_then(carried_key{hashed_key{keys_[i]}}, std::move(done));
    }
  }

  void load_erased() {
    for (std::size_t n = 0; n < erased_.size(); ++n)
      note_erased(unreadable_[n].position, erased_[n]);
    load();
  }

  void load() {
    if (todo_.empty())
      return finish();
    const auto keys = keys_to_load();
    const auto look = where_->has_moments() && first_round_;
    first_round_ = false;
    where_->get_or_load_many_then(
      keys, look, loader_, how_,
      [self
       = this->shared_from_this()](expected<std::vector<load_answer>> answers) {
        if (!answers)
          return self->fail_all(std::move(answers.error()));
        self->take(std::move(*answers), self->left_ > 0);
        if (self->unreadable_.empty())
          return self->finish();
        --self->left_;
        self->erase_and_load();
      });
  }

  void finish() {
    // Destroy what the loader captured before its results are known.
    loader_ = nullptr;
    made_.set_value(bulk_work<V>::values_of(std::move(results_)));
  }

  void fail_all(error why) {
    loader_ = nullptr;
    made_.set_value(tl::unexpected{std::move(why)});
  }

  std::promise<results> made_;
  std::uint32_t left_ = defaults::update_races;
  bool first_round_ = true;
  std::vector<expected<bool>> erased_; ///< By position in `unreadable_`.
  std::atomic<std::size_t> erasing_{0};
};

template <class Cache, class V>
template <key_range Keys, class Loader>
expected<std::vector<loaded<V>>>
bulk_calls<Cache, V>::get_or_load_many(Keys&& keys, Loader loader,
                                       const write_options& how,
                                       const load_terms& terms) {
  detail::check_bulk_loader<Loader, V>();
  if constexpr (detail::bulk_loader_of<Loader, V>) {
    if (!where())
      return detail::empty_cache();
    const key_list list{std::forward<Keys>(keys)};
    return bulk_work<V>{where(), list.views(),
                        bulk_work<V>::encoding(std::move(loader)), how}
      .run(terms);
  }
}

template <class Cache, class V>
template <key_range Keys, class Loader>
expected<std::vector<maybe<V>>>
bulk_calls<Cache, V>::get_or_set_many(Keys&& keys, Loader loader,
                                      const write_options& how,
                                      const load_terms& terms) {
  return bulk_work<V>::values_of(
    get_or_load_many(std::forward<Keys>(keys), std::move(loader), how, terms));
}

template <class Cache, class V>
template <key_range Keys, class Loader>
std::future<expected<std::vector<maybe<V>>>>
bulk_calls<Cache, V>::get_or_set_many_async(Keys&& keys, Loader loader,
                                            const write_options& how) {
  detail::check_bulk_loader<Loader, V>();
  if constexpr (detail::bulk_loader_of<Loader, V>) {
    if (!where()) {
      std::promise<expected<std::vector<maybe<V>>>> made;
      made.set_value(detail::empty_cache());
      return made.get_future();
    }
    const key_list list{std::forward<Keys>(keys)};
    return std::make_shared<pending_bulk_work<V>>(
             where(), list.views(), bulk_work<V>::encoding(std::move(loader)),
             how)
      ->start();
  }
}

} // namespace troupe
