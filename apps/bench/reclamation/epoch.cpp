#include <apps/bench/reclamation/scheme.hpp>

#include <troupe/backends/core/epoch.hpp>

namespace troupe::bench {

namespace {

/// Ours. With `Fence`, readers pay for a full fence instead of leaving it to
/// the writer's membarrier(2): what the system call is worth.
template <bool Fence>
class epoch : public pointer_slots {
public:
  static constexpr bool writable = true;

  using pointer_slots::pointer_slots;

  [[nodiscard]] std::uint64_t alive() const noexcept {
    return objects.alive();
  }

  class reader {
  public:
    explicit reader(epoch& owner) : owner_(owner) {
      // nop
    }

    template <class F>
    void read(std::size_t slot, F f) {
      epoch_guard guard;
      if constexpr (Fence)
        std::atomic_thread_fence(std::memory_order_seq_cst);
      f(*owner_.slots[slot].load(std::memory_order_acquire));
    }

  private:
    epoch& owner_;
  };

  class writer {
  public:
    explicit writer(epoch& owner)
      : owner_(owner), retired_(&free_object, &owner.objects) {
      // nop
    }

    void write(std::size_t slot, std::uint64_t stamp) {
      auto* next = owner_.objects.make(stamp);
      auto* old = owner_.slots[slot].exchange(next, std::memory_order_acq_rel);
      retired_.retire(old, owner_.objects.size());
    }

    void drain() {
      retired_.drain();
    }

  private:
    static void free_object(void* source, void* x) noexcept {
      static_cast<object_source*>(source)->free(static_cast<object*>(x));
    }

    epoch& owner_;
    retired_list retired_;
  };
};

} // namespace

void add_epoch(std::vector<scheme_entry>& list) {
  list.push_back({"epoch", "Troupe's epochs", make_protector<epoch<false>>});
  list.push_back({"epoch-fence", "Troupe's epochs, a fence in the reader",
                  make_protector<epoch<true>>});
}

} // namespace troupe::bench
