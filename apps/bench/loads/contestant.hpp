#pragma once

// A cache that takes part in `troupe-bench loads`: it has `get_or_set`, which runs a
// loader for a missing key, stores the value, and lets other callers of the key wait.
//
// All contestants return a copy of the value and store what they loaded, so that the
// next read finds it. The loops of short operations are templates, so that no contestant
// pays for a virtual call per operation.

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <troupe/actors/loads/load_terms.hpp>

#include <apps/bench/common/crew.hpp>
#include <apps/bench/common/workload.hpp>

namespace troupe {

class runtime;

} // namespace troupe

namespace troupe::bench {

enum class load_work : std::uint8_t {
  get,  ///< Reads of present keys.
  hit,  ///< The same through `get_or_set`.
  set,  ///< Writes of missing keys. Makes the value, as the loader does.
  miss, ///< `get_or_set` of missing keys, with a trivial loader on the thread.
  pool, ///< The same, with the loader on a thread of a pool.
  joined, ///< Callers wait for the loader of another caller.
  burst,  ///< Misses of many keys that are asked for at once, without waiting.
  chain,  ///< The loader of a key asks for the next key.
};

[[nodiscard]] std::string to_string(load_work x);

/// Whether its operations are so short that only a pass of many is timed.
[[nodiscard]] constexpr bool is_short(load_work x) noexcept {
  return x <= load_work::miss;
}

/// Keys and what belongs under them, in the order of their use.
class load_keys {
public:
  load_keys(const data_set& data, std::vector<std::size_t> indexes)
    : data_(data), size_(data.key_size()), indexes_(std::move(indexes)) {
    keys_.reserve(indexes_.size() * size_);
    for (auto x : indexes_)
      keys_ += data.key(x);
  }

  [[nodiscard]] std::string_view key(std::size_t i) const noexcept {
    return {keys_.data() + i * size_, size_};
  }

  [[nodiscard]] std::string_view value(std::size_t i) const noexcept {
    return data_.value(indexes_[i]);
  }

private:
  const data_set& data_;
  std::size_t size_;
  std::vector<std::size_t> indexes_;
  std::string keys_;
};

/// Times of single operations, in nanoseconds.
using load_times = std::vector<double>;

/// What a contestant did in a pass.
struct load_tally {
  std::uint64_t operations = 0;
  std::uint64_t right = 0; ///< Those that returned or stored the right value.
  std::uint64_t loads = 0; ///< Runs of loaders.

  friend bool operator==(const load_tally&, const load_tally&) = default;
};

/// What a caller of `get_or_set` gets.
struct load_result {
  std::string value; ///< Empty after an error.
  load_origin origin = load_origin::hit;
};

using plain_loader = std::function<std::string()>;

class load_contestant {
public:
  load_contestant(std::string name, std::string title)
    : name_(std::move(name)), title_(std::move(title)) {
    // nop
  }

  virtual ~load_contestant() = default;

  /// A word for options and JSON.
  [[nodiscard]] const std::string& name() const noexcept {
    return name_;
  }

  [[nodiscard]] const std::string& title() const noexcept {
    return title_;
  }

  [[nodiscard]] virtual bool takes(load_work work) const = 0;

  /// A short operation for each of the first `count` keys. Adds times of some of the
  /// operations to `times`. Several threads call it at once.
  virtual load_tally run(load_work work, const load_keys& keys,
                         std::size_t count, load_times& times)
    = 0;

  virtual load_result load(std::string_view key, const plain_loader& loader,
                           load_on place)
    = 0;

  /// Asks for the first `count` keys without waiting, with loaders on a pool, and then
  /// waits for all. `loader` is called with the number of the key, on any thread.
  /// Returns the number of right values.
  virtual std::uint64_t
  load_all(const load_keys& keys, std::size_t count,
           const std::function<std::string(std::size_t)>& loader)
    = 0;

  virtual void set(const load_keys& keys, std::size_t count) = 0;
  virtual void erase(const load_keys& keys, std::size_t count) = 0;

private:
  std::string name_;
  std::string title_;
};

/// The loops over a `Store`, which derives from it and has `get(key)`,
/// `put(key, value)`, `remove(key)` and `get_or_set(key, loader, place)`.
template <class Store>
class load_store : public load_contestant {
public:
  using load_contestant::load_contestant;

  load_tally run(load_work work, const load_keys& keys, std::size_t count,
                 load_times& times) override {
    load_tally done;
    const auto check = [&](std::size_t i, const std::string& value) {
      done.right += !value.empty() && touch(value) == touch(keys.value(i));
    };
    const auto load = [&](std::size_t i) {
      check(i, self()
                 .get_or_set(
                   keys.key(i),
                   [&] {
                     ++done.loads;
                     return std::string{keys.value(i)};
                   },
                   load_on::caller)
                 .value);
    };
    switch (work) {
      case load_work::get:
        each(count, times, [&](std::size_t i) {
          if (const auto value = self().get(keys.key(i))) [[likely]]
            check(i, *value);
        });
        break;
      case load_work::set:
        each(count, times, [&](std::size_t i) {
          done.right
            += self().put(keys.key(i), std::string{keys.value(i)}) ? 1 : 0;
        });
        break;
      default:
        each(count, times, load);
    }
    done.operations = count;
    return done;
  }

  load_result load(std::string_view key, const plain_loader& loader,
                   load_on place) override {
    return self().get_or_set(key, loader, place);
  }

  void set(const load_keys& keys, std::size_t count) override {
    for (std::size_t i = 0; i < count; ++i)
      self().put(keys.key(i), std::string{keys.value(i)});
  }

  void erase(const load_keys& keys, std::size_t count) override {
    for (std::size_t i = 0; i < count; ++i)
      self().remove(keys.key(i));
  }

private:
  /// One of so many operations is timed alone: a look at the clock takes a good part of
  /// a hit's time.
  static constexpr std::size_t timed_share = 16;

  [[nodiscard]] Store& self() noexcept {
    return static_cast<Store&>(*this);
  }

  template <class F>
  static void each(std::size_t count, load_times& times, F f) {
    for (std::size_t i = 0; i < count; ++i) {
      if (i % timed_share != 0) [[likely]] {
        f(i);
        continue;
      }
      const auto from = stopwatch::now();
      f(i);
      times.push_back(
        std::chrono::duration<double, std::nano>{stopwatch::now() - from}
          .count());
    }
  }
};

// The contestants, a source file each.
[[nodiscard]] std::unique_ptr<load_contestant> make_load_cache(runtime& home);
[[nodiscard]] std::unique_ptr<load_contestant> make_load_region(runtime& home);
[[nodiscard]] std::unique_ptr<load_contestant> make_once_map();
[[nodiscard]] std::unique_ptr<load_contestant> make_future_map();
[[nodiscard]] std::unique_ptr<load_contestant> make_bare_loader();

} // namespace troupe::bench
