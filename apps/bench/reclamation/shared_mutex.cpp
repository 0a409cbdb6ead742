#include <apps/bench/reclamation/scheme.hpp>

#include <mutex>
#include <shared_mutex>

namespace troupe::bench {

namespace {

/// One lock around all slots; the writer frees at once.
class locked : public pointer_slots {
public:
  static constexpr bool writable = true;

  using pointer_slots::pointer_slots;

  [[nodiscard]] std::uint64_t alive() const noexcept {
    return objects.alive();
  }

  class reader {
  public:
    explicit reader(locked& owner) : owner_(owner) {
      // nop
    }

    template <class F>
    void read(std::size_t slot, F f) {
      std::shared_lock guard{owner_.mutex_};
      f(*owner_.slots[slot].load(std::memory_order_relaxed));
    }

  private:
    locked& owner_;
  };

  class writer {
  public:
    explicit writer(locked& owner) : owner_(owner) {
      // nop
    }

    void write(std::size_t slot, std::uint64_t stamp) {
      auto* next = owner_.objects.make(stamp);
      object* old = nullptr;
      {
        std::unique_lock guard{owner_.mutex_};
        old = owner_.slots[slot].load(std::memory_order_relaxed);
        owner_.slots[slot].store(next, std::memory_order_relaxed);
      }
      owner_.objects.free(old);
    }

    void drain() {
      // nop
    }

  private:
    locked& owner_;
  };

private:
  std::shared_mutex mutex_;
};

} // namespace

void add_shared_mutex(std::vector<scheme_entry>& list) {
  list.push_back({"shared-mutex", "std::shared_mutex around all slots",
                  make_protector<locked>});
}

} // namespace troupe::bench
