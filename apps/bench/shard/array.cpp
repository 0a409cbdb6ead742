#include <apps/bench/shard/contestant.hpp>

#include <cstring>
#include <vector>

namespace troupe::bench {

namespace {

/// One cache miss per request and nothing else. It is told the place of the
/// key, so it does not go through `run_requests`.
class array final : public contestant {
public:
  array() : contestant("array", "array indexed by key number (floor)") {
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

std::unique_ptr<contestant> make_array() {
  return std::make_unique<array>();
}

} // namespace troupe::bench
