#pragma once

// A cache that takes part in `troupe-bench shard`.
//
// All contestants do the same work: a read finds the key and looks at the first
// and the last byte of the value where it lies, under whatever protects it,
// without a copy; a write stores the value's bytes. The loops are templates, so
// that no contestant pays for a virtual call per operation.

#include <array>
#include <concepts>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include <caf/fwd.hpp>

#include <apps/bench/common/workload.hpp>

namespace troupe {

class region;

} // namespace troupe

namespace troupe::bench {

enum class workload : std::uint8_t {
  read,       ///< Single reads.
  batch_read, ///< Reads in batches of `batch_size`.
  write,      ///< Writes to keys that are present.
  mix,        ///< 95 reads to 5 writes.
  hot,        ///< Reads of one key on one thread while all others write it.
  hot_write,  ///< What those others do.
  full,       ///< Writes to a table with a limit, which evicts for new keys.
};

[[nodiscard]] std::string to_string(workload x);

inline constexpr std::size_t batch_size = 16;

/// What a contestant did, to be compared with what it was told to do.
struct tally {
  std::uint64_t reads = 0;
  std::uint64_t writes = 0;
  std::uint64_t found = 0; ///< Reads that found their key.
  std::uint64_t sum = 0;   ///< Of `touch` over what they found.

  friend bool operator==(const tally&, const tally&) = default;
};

class contestant {
public:
  /// `bounded`: it has room for a part of the keys only.
  contestant(std::string name, std::string what, bool bounded = false)
    : name_(std::move(name)), what_(std::move(what)), bounded_(bounded) {
    // nop
  }

  virtual ~contestant() = default;

  /// A word for options and JSON.
  [[nodiscard]] const std::string& name() const noexcept {
    return name_;
  }

  /// What people read.
  [[nodiscard]] const std::string& what() const noexcept {
    return what_;
  }

  /// Whether it takes part in `workload::full`, and in nothing else.
  [[nodiscard]] bool bounded() const noexcept {
    return bounded_;
  }

  /// Whether it takes part in this workload, one for those like it, on so many
  /// threads.
  [[nodiscard]] virtual bool takes(workload load,
                                   std::size_t threads) const = 0;

  /// Puts all of `data` in, in the order of the keys.
  virtual void fill(const data_set& data) = 0;

  /// How many of `asked` requests per thread one pass handles.
  [[nodiscard]] virtual std::size_t requests(std::size_t asked) const {
    return asked;
  }

  /// Handles the first `count` requests. Called by several threads at once.
  virtual tally run(workload load, const request_sequence& sequence,
                    std::size_t count)
    = 0;

private:
  std::string name_;
  std::string what_;
  bool bounded_;
};

/// `read` adds `touch(value)` to `sum` and tells whether it found the key.
template <class T>
concept store_like
  = requires(T store, std::string_view text, std::uint64_t sum) {
  { store.read(text, sum) } -> std::same_as<bool>;
  store.write(text, text);
};

/// Can answer a batch with overlapping memory accesses; returns how many keys
/// it found.
template <class T>
concept batch_store_like = store_like<T> && requires(
  T store, const std::array<std::string_view, batch_size>& keys,
  std::uint64_t sum) {
  { store.read_batch(keys, sum) } -> std::same_as<std::uint64_t>;
};

template <store_like Store>
void read_one(Store& store, std::string_view key, tally& result) {
  ++result.reads;
  if (store.read(key, result.sum))
    ++result.found;
}

template <store_like Store>
void write_one(Store& store, std::string_view key, std::string_view value,
               tally& result) {
  ++result.writes;
  store.write(key, value);
}

template <batch_store_like Store>
tally read_batches(Store& store, const request_sequence& sequence,
                   std::size_t count) {
  tally result;
  std::array<std::string_view, batch_size> keys;
  for (std::size_t i = 0; i + batch_size <= count; i += batch_size) {
    for (std::size_t j = 0; j < batch_size; ++j)
      keys[j] = sequence.key(i + j);
    result.reads += batch_size;
    result.found += store.read_batch(keys, result.sum);
  }
  return result;
}

/// Reads one key whose value changes between two; `sum` counts reads that saw
/// neither of them.
template <store_like Store>
tally read_hot(Store& store, const request_sequence& sequence,
               std::size_t count) {
  tally result;
  auto [one, other] = sequence.hot_values();
  const auto right = std::array{touch(one), touch(other)};
  for (std::size_t i = 0; i < count; ++i) {
    tally seen;
    read_one(store, sequence.key(0), seen);
    ++result.reads;
    result.found += seen.found;
    result.sum += seen.sum == right[0] || seen.sum == right[1] ? 0 : 1;
  }
  return result;
}

/// Changes that value to and fro; an even `count` leaves it as it was.
template <store_like Store>
tally write_hot(Store& store, const request_sequence& sequence,
                std::size_t count) {
  tally result;
  auto [one, other] = sequence.hot_values();
  for (std::size_t i = 0; i < count; ++i)
    write_one(store, sequence.key(0), i % 2 == 0 ? other : one, result);
  return result;
}

/// Lets `store` handle requests, in a loop that is compiled for it.
template <store_like Store>
tally run_requests(Store& store, workload load,
                   const request_sequence& sequence, std::size_t count) {
  tally result;
  switch (load) {
    case workload::read:
      for (std::size_t i = 0; i < count; ++i)
        read_one(store, sequence.key(i), result);
      return result;
    case workload::write:
      for (std::size_t i = 0; i < count; ++i)
        write_one(store, sequence.key(i), sequence.value(i), result);
      return result;
    case workload::mix:
      for (std::size_t i = 0; i < count; ++i) {
        if (sequence.writes(i))
          write_one(store, sequence.key(i), sequence.value(i), result);
        else
          read_one(store, sequence.key(i), result);
      }
      return result;
    case workload::batch_read:
      if constexpr (batch_store_like<Store>)
        return read_batches(store, sequence, count);
      return result;
    case workload::hot:
      return read_hot(store, sequence, count);
    case workload::hot_write:
      return write_hot(store, sequence, count);
    case workload::full:
      for (std::size_t i = 0; i < count; ++i)
        write_one(store, sequence.key(i), sequence.value(i), result);
      return result;
  }
  return result;
}

/// A contestant that is a store itself: filled by writes, and run by the loops
/// above. `Store` derives from it.
template <class Store>
class store_contestant : public contestant {
public:
  using contestant::contestant;

  void fill(const data_set& data) override {
    for (std::size_t i = 0; i < data.entries(); ++i)
      self().write(data.key(i), data.value(i));
  }

  tally run(workload load, const request_sequence& sequence,
            std::size_t count) override {
    return run_requests(self(), load, sequence, count);
  }

private:
  Store& self() noexcept {
    return static_cast<Store&>(*this);
  }
};

// -- who takes part ------------------------------------------------------------
// Those whose library was not found at build time are null.

std::unique_ptr<contestant> make_locked_map();
std::unique_ptr<contestant> make_locked_absl_map();
std::unique_ptr<contestant> make_tbb_map();
std::unique_ptr<contestant> make_absl_map();

/// Only hashes the keys: how far the processors scale.
std::unique_ptr<contestant> make_hash();

/// A plain array that knows each key's place: how far the memory scales.
std::unique_ptr<contestant> make_array();

/// A pooled actor around an unordered_map; `limit` requests per pass.
std::unique_ptr<contestant> make_naive_actor(caf::actor_system& system,
                                             std::size_t limit);

/// The LRU that many write for themselves: a mutex, a list and a map for each of
/// 64 parts, which hold `entries` in all.
std::unique_ptr<contestant> make_locked_lru(std::size_t entries);

/// Our region.
std::unique_ptr<contestant> make_region(std::shared_ptr<region> where);

/// Our region again, with `get_many` for batches: every value is copied.
std::unique_ptr<contestant> make_region_copies(std::shared_ptr<region> where);

/// Our region with a limit that it does not reach: what eviction costs as long as
/// nothing has to go.
std::unique_ptr<contestant> make_region_limited(std::shared_ptr<region> where);

/// Our region with a limit that keeps most of the keys out.
std::unique_ptr<contestant> make_region_full(std::shared_ptr<region> where);

} // namespace troupe::bench
