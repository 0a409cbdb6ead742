#pragma once

// One call of a cache for several keys with one loader: what `bulk_calls` needs for V.

#include <algorithm>
#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include <troupe/actors/cache/bulk_shapes.hpp>
#include <troupe/actors/cache/handle.hpp>
#include <troupe/actors/regions/region.hpp>

namespace troupe {

/// Reads, loads what is absent, and decodes. Entries whose bytes are not a V count as
/// absent: they are removed, and their keys are loaded.
template <class V>
class bulk_work {
public:
  /// The keys must outlive this object.
  bulk_work(std::shared_ptr<region> in, std::span<const bytes_view> keys,
            bulk_loader loader, const write_options& how)
    : where_(std::move(in)),
      keys_(keys),
      loader_(std::move(loader)),
      how_(how),
      results_(keys.size()) {
    // nop
  }

  /// Shared, because std::function copies its target and a loader may be move-only.
  template <class Loader>
  static bulk_loader encoding(Loader loader) {
    auto shared = std::make_shared<Loader>(std::move(loader));
    return [shared](bulk_context& context) -> expected<bulk_values> {
      auto all = detail::results_from<V>(
        detail::call_bulk_loader(*shared, context), context.keys());
      if (!all)
        return tl::unexpected{std::move(all.error())};
      bulk_values result;
      result.reserve(all->size());
      for (const auto& x : *all)
        result.push_back(encoded(x));
      return result;
    };
  }

  /// Waits for the loads.
  expected<std::vector<loaded<V>>> run(const load_terms& terms) {
    if (auto ok = look_first(); !ok)
      return tl::unexpected{std::move(ok.error())};
    // Between two turns, another program may store bytes that are not a V.
    for (auto left = defaults::update_races;; --left) {
      for (const auto& [i, version] : unreadable_)
        note_erased(i, where_->compare_and_erase(keys_[i], version));
      if (todo_.empty())
        return std::move(results_);
      const auto keys = keys_to_load();
      auto answers = where_->has_moments()
                       ? where_->get_or_load_many(keys, loader_, how_, terms)
                       : where_->load_missing_many(keys, loader_, how_, terms);
      if (!answers)
        return tl::unexpected{std::move(answers.error())};
      take(std::move(*answers), left > 0);
      if (unreadable_.empty())
        return std::move(results_);
      if (where_->has_moments())
        continue;
      const auto positions = std::exchange(unreadable_, {});
      std::vector<bytes_view> again;
      for (const auto& x : positions)
        again.push_back(keys_[x.position]);
      if (auto ok
          = read(again, [&](std::size_t n) { return positions[n].position; });
          !ok)
        return tl::unexpected{std::move(ok.error())};
    }
  }

  static expected<std::vector<maybe<V>>>
  values_of(expected<std::vector<loaded<V>>> x) {
    if (!x)
      return tl::unexpected{std::move(x.error())};
    std::vector<maybe<V>> result;
    result.reserve(x->size());
    for (auto& one : *x)
      result.push_back(std::move(one.value));
    return result;
  }

protected:
  /// An entry whose bytes are not a V.
  struct unreadable_entry {
    std::size_t position;
    version_number version; ///< `no_version`: it is stale.
  };

  static expected<std::optional<bytes>> encoded(const maybe<V>& x) {
    if (x.failed())
      return tl::unexpected{x.error()};
    if (!x)
      return std::optional<bytes>{};
    return encode(*x).map(
      [](bytes&& value) { return std::optional<bytes>{std::move(value)}; });
  }

  /// Reads all keys, unless the region does that because values may be stale.
  expected<void> look_first() {
    if (auto ok = where_->check_unconditional(how_); !ok)
      return ok;
    if (!where_->has_moments())
      return read(keys_, [](std::size_t n) { return n; });
    for (std::size_t i = 0; i < keys_.size(); ++i)
      todo_.push_back(i);
    return {};
  }

  template <class Position>
  expected<void> read(std::span<const bytes_view> keys, Position position_of) {
    expected<void> decoded;
    auto visited
      = where_->visit_many(keys, [&](std::size_t n, const entry_view* entry) {
          const auto i = position_of(n);
          if (entry == nullptr)
            return todo_.push_back(i);
          auto value = decode<V>(entry->value);
          if (value)
            results_[i] = {std::move(*value), load_origin::hit};
          else if (value.error() == errc::decode_failed)
            unreadable_.push_back({i, entry->version});
          else
            decoded = tl::unexpected{std::move(value.error())};
        });
    if (!visited)
      return visited;
    for ([[maybe_unused]] const auto& x : unreadable_)
      where_->note_undecodable();
    return decoded;
  }

  void note_erased(std::size_t position, const expected<bool>& erased) {
    if (erased)
      todo_.push_back(position);
    else
      results_[position].value = tl::unexpected{erased.error()};
  }

  /// The loader gets them in the order of the call.
  std::vector<bytes_view> keys_to_load() {
    unreadable_.clear();
    std::ranges::sort(todo_);
    std::vector<bytes_view> result;
    result.reserve(todo_.size());
    for (const auto i : todo_)
      result.push_back(keys_[i]);
    return result;
  }

  /// Decodes what the loads brought. With `again`, notes the entries to load once more.
  void take(std::vector<load_answer> answers, bool again) {
    for (std::size_t n = 0; n < answers.size(); ++n) {
      const auto i = todo_[n];
      auto& x = answers[n];
      auto& result = results_[i];
      result = {maybe<V>{}, x.origin, x.why_stale, x.fenced};
      if (!x.value)
        result.value = tl::unexpected{std::move(x.value.error())};
      else if (*x.value)
        result.value = detail::to_maybe<V>(decode<V>(**x.value));
      where_->note_unreadable(result.value.error());
      // What the own loader brought is the caller's own mistake.
      if (again && x.value && x.origin != load_origin::loaded
          && result.value.error() == errc::decode_failed)
        unreadable_.push_back({i, x.version});
    }
    todo_.clear();
  }

  const std::shared_ptr<region> where_;
  const std::span<const bytes_view> keys_;
  bulk_loader loader_;
  const write_options how_;
  std::vector<loaded<V>> results_;
  std::vector<std::size_t> todo_; ///< The positions of the keys to load.
  std::vector<unreadable_entry> unreadable_;
};

} // namespace troupe
