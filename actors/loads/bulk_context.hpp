#pragma once

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <unordered_map>
#include <vector>

#include <troupe/actors/loads/load_context.hpp>
#include <troupe/messages/types/bytes.hpp>
#include <troupe/messages/types/clock.hpp>
#include <troupe/messages/types/error.hpp>
#include <troupe/messages/types/options.hpp>

namespace troupe {

/// What a loader of several keys can read and choose for its run. Keys are named by
/// their index in `keys`, or by themselves. A call with an index or a key that is not
/// among them throws std::out_of_range; a loader that lets the exception pass has failed.
/// Used by the loader's thread only; lives as long as the run.
class bulk_context {
public:
  /// `each` has the context of each key.
  explicit bulk_context(std::vector<load_context> each)
    : each_(std::move(each)) {
    keys_.reserve(each_.size());
    for (const auto& x : each_)
      keys_.push_back(x.key());
  }

  bulk_context(const bulk_context&) = delete;
  bulk_context& operator=(const bulk_context&) = delete;

  /// The keys to load: each once, in the order of the call.
  [[nodiscard]] const std::vector<std::string>& keys() const noexcept {
    return keys_;
  }

  [[nodiscard]] std::size_t size() const noexcept {
    return keys_.size();
  }

  /// All that can be read and chosen for one key (load_context.hpp): attempt, stale
  /// value, TTL, tags, ...
  template <std::integral Index>
  [[nodiscard]] load_context& at(Index index) {
    return each_.at(static_cast<std::size_t>(index));
  }

  /// The same. Constant time on average.
  [[nodiscard]] load_context& at(bytes_view key) {
    if (index_of_.empty())
      for (std::size_t i = 0; i < keys_.size(); ++i)
        index_of_.emplace(keys_[i], i);
    return each_[index_of_.at(key)];
  }

  /// The time at which the runtime gives up on this run.
  [[nodiscard]] time_point deadline() const noexcept {
    auto result = never;
    for (const auto& x : each_)
      result = std::min(result, x.deadline());
    return result;
  }

  /// Is signalled when no key's result is wanted any more; `at(i).stop()` is signalled
  /// when the result of that key is not. Throws std::bad_alloc.
  [[nodiscard]] std::stop_token stop();

  /// Sets the TTL of one value, or of all.
  template <class Key>
  void ttl(const Key& key, ttl_duration x) {
    at(key).ttl(x);
  }

  void ttl(ttl_duration x) noexcept {
    for (auto& one : each_)
      one.ttl(x);
  }

  /// Sets the idle time of one value, or of all.
  template <class Key>
  void idle(const Key& key, ttl_duration x) {
    at(key).idle(x);
  }

  void idle(ttl_duration x) noexcept {
    for (auto& one : each_)
      one.idle(x);
  }

  /// Tags one value, or all; see `load_context::tag`. Throws std::bad_alloc.
  template <class Key>
  void tag(const Key& key, bytes_view name) {
    at(key).tag(name);
  }

  void tag(bytes_view name) {
    for (auto& one : each_)
      one.tag(name);
  }

  /// Whether the value of one key is stored, or the values of all keys.
  template <class Key>
  void store(const Key& key, bool x) {
    at(key).store(x);
  }

  void store(bool x) noexcept {
    for (auto& one : each_)
      one.store(x);
  }

  /// See `load_context::stale_value`.
  template <class Key>
  [[nodiscard]] std::optional<bytes_view> stale_value(const Key& key) {
    return at(key).stale_value();
  }

  /// See `load_context::unchanged`.
  template <class Key>
  void unchanged(const Key& key) {
    at(key).unchanged();
  }

private:
  /// Signals when the last key was stopped.
  struct all_stopped;

  std::vector<load_context> each_;
  std::vector<std::string> keys_;
  std::unordered_map<bytes_view, std::size_t> index_of_;
  std::shared_ptr<all_stopped> stop_;
};

/// The result for each key: its encoded value, nothing when there is no value, or an
/// error.
using bulk_values = std::vector<expected<std::optional<bytes>>>;

/// Produces the encoded values of the keys of its context, in their order. An exception,
/// or another number of values, becomes `load_failed` for all of them.
using bulk_loader = std::function<expected<bulk_values>(bulk_context&)>;

} // namespace troupe
