#include <apps/bench/mailbox/counter.hpp>

#include <mutex>

namespace troupe::bench {

namespace {

/// Keeps the compiler from adding up at once.
void clobber(std::uint64_t& x) {
  asm volatile("" : "+m"(x) : : "memory");
}

class bare_counter final : public counter {
public:
  bare_counter() : counter("bare", "nothing around it (floor)") {
    // nop
  }

  bool takes(std::size_t threads) const override {
    return threads == 1;
  }

  void add(std::uint64_t count) override {
    for (std::uint64_t i = 0; i < count; ++i) {
      ++value_;
      clobber(value_);
    }
  }

  std::uint64_t value() override {
    return value_;
  }

private:
  std::uint64_t value_ = 0;
};

class mutex_counter final : public counter {
public:
  mutex_counter() : counter("mutex", "std::mutex") {
    // nop
  }

  void add(std::uint64_t count) override {
    for (std::uint64_t i = 0; i < count; ++i) {
      std::lock_guard guard{mutex_};
      ++value_;
      clobber(value_);
    }
  }

  std::uint64_t value() override {
    return value_;
  }

private:
  std::mutex mutex_;
  std::uint64_t value_ = 0;
};

} // namespace

void add_locks(counter_list& list) {
  list.push_back(std::make_unique<bare_counter>());
  list.push_back(std::make_unique<mutex_counter>());
}

} // namespace troupe::bench
