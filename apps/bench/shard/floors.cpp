#include <apps/bench/shard/contestant.hpp>

#include <cstring>
#include <vector>

#include <apps/bench/shard/locked_map.hpp>

namespace troupe::bench {

namespace {

/// Reads the request and does arithmetic: what the loop costs, and whether two
/// processors are two cores or share one. Finds nothing, but says it did.
class hash_only final : public contestant {
public:
  hash_only() : contestant("hash", "hash of the key only (the cores)") {
    // nop
  }

  bool takes(workload load, std::size_t) const override {
    return load == workload::read;
  }

  void fill(const data_set&) override {
    // nop
  }

  tally run(workload, const request_sequence& sequence,
            std::size_t count) override {
    tally result;
    std::size_t hashes = 0;
    for (std::size_t i = 0; i < count; ++i) {
      ++result.reads;
      ++result.found;
      hashes ^= any_string_hash{}(sequence.key(i));
      result.sum += touch(sequence.value(i));
    }
    asm volatile("" : : "r"(hashes));
    return result;
  }
};

/// One cache miss per request and nothing else. It is told the place of the
/// key, so it does not go through `run_requests`.
class array final : public contestant {
public:
  array() : contestant("array", "array indexed by key number (the memory)") {
    // nop
  }

  bool takes(workload load, std::size_t threads) const override {
    return load == workload::read || (load == workload::write && threads == 1);
  }

  void fill(const data_set& data) override {
    value_size_ = data.value(0).size();
    bytes_.resize(data.entries() * value_size_);
    for (std::size_t i = 0; i < data.entries(); ++i)
      store(i, data.value(i));
  }

  tally run(workload load, const request_sequence& sequence,
            std::size_t count) override {
    tally result;
    for (std::size_t i = 0; i < count; ++i) {
      // The next place depends on what lies in this one (by adding nothing, in
      // a way the compiler cannot know), as the steps of a lookup do.
      auto index = sequence.index(i) + (result.sum >> 63);
      if (load == workload::write) {
        ++result.writes;
        store(index, sequence.value(i));
      } else {
        ++result.reads;
        ++result.found;
        result.sum += touch({bytes_.data() + index * value_size_, value_size_});
      }
    }
    return result;
  }

private:
  void store(std::size_t index, std::string_view value) {
    std::memcpy(bytes_.data() + index * value_size_, value.data(), value_size_);
  }

  std::size_t value_size_ = 0;
  std::vector<char> bytes_;
};

} // namespace

std::unique_ptr<contestant> make_hash() {
  return std::make_unique<hash_only>();
}

std::unique_ptr<contestant> make_array() {
  return std::make_unique<array>();
}

} // namespace troupe::bench
