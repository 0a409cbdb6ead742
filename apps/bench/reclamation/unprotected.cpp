#include <apps/bench/reclamation/scheme.hpp>

namespace troupe::bench {

namespace {

/// No protection: the lower bound of all costs. Safe only while there are no writes.
class unprotected : public pointer_slots {
public:
  static constexpr bool writable = false;

  using pointer_slots::pointer_slots;

  [[nodiscard]] std::uint64_t alive() const noexcept {
    return objects.alive();
  }

  class reader {
  public:
    explicit reader(unprotected& owner) : owner_(owner) {
      // nop
    }

    template <class F>
    void read(std::size_t slot, F f) {
      f(*owner_.slots[slot].load(std::memory_order_acquire));
    }

  private:
    unprotected& owner_;
  };

  class writer {
  public:
    explicit writer(unprotected& owner) : owner_(owner) {
      // nop
    }

    /// Frees at once: the cost of a write that waits for no reader.
    void write(std::size_t slot, std::uint64_t stamp) {
      auto* next = owner_.objects.make(stamp);
      owner_.objects.free(
        owner_.slots[slot].exchange(next, std::memory_order_acq_rel));
    }

    void drain() {
      // nop
    }

  private:
    unprotected& owner_;
  };
};

} // namespace

void add_unprotected(std::vector<scheme_entry>& list) {
  list.push_back(
    {"none", "no protection (floor)", make_protector<unprotected>});
}

} // namespace troupe::bench
