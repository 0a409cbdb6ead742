#include <apps/bench/reclamation/scheme.hpp>

#ifdef TROUPE_BENCH_HAS_URCU_QSBR

// See urcu_memb.cpp.
#  define _LGPL_SOURCE
#  include <urcu/urcu-qsbr.h>

#  include <apps/bench/reclamation/urcu_batch.hpp>

namespace troupe::bench {

namespace {

/// A read costs nothing, but every thread has to announce, every `Period`
/// reads, that it holds nothing. A library cannot do that for its callers: with
/// a period of 1 it is done at the end of every read, the only place where a
/// library has its say.
template <std::uint64_t Period>
class qsbr : public pointer_slots {
public:
  static constexpr bool writable = true;

  using pointer_slots::pointer_slots;

  [[nodiscard]] std::uint64_t alive() const noexcept {
    return objects.alive();
  }

  class reader {
  public:
    explicit reader(qsbr& owner) : owner_(owner) {
      urcu_qsbr_register_thread();
    }

    ~reader() {
      urcu_qsbr_unregister_thread();
    }

    reader(const reader&) = delete;
    reader& operator=(const reader&) = delete;

    template <class F>
    void read(std::size_t slot, F f) {
      urcu_qsbr_read_lock();
      f(*owner_.slots[slot].load(std::memory_order_acquire));
      urcu_qsbr_read_unlock();
      if (++reads_ % Period == 0)
        urcu_qsbr_quiescent_state();
    }

  private:
    qsbr& owner_;
    std::uint64_t reads_ = 0;
  };

  class writer {
  public:
    explicit writer(qsbr& owner) : owner_(owner), batch_(owner.objects) {
      // nop
    }

    ~writer() {
      drain();
    }

    writer(const writer&) = delete;
    writer& operator=(const writer&) = delete;

    void write(std::size_t slot, std::uint64_t stamp) {
      auto* next = owner_.objects.make(stamp);
      batch_.retire(
        owner_.slots[slot].exchange(next, std::memory_order_acq_rel),
        urcu_qsbr_synchronize_rcu);
    }

    void drain() {
      batch_.flush(urcu_qsbr_synchronize_rcu);
    }

  private:
    qsbr& owner_;
    urcu_batch batch_;
  };
};

} // namespace

void add_urcu_qsbr(std::vector<scheme_entry>& list) {
  list.push_back({"urcu-qsbr", "liburcu qsbr, quiescent after every read",
                  make_protector<qsbr<1>>});
  list.push_back({"urcu-qsbr-256", "liburcu qsbr, quiescent every 256 reads",
                  make_protector<qsbr<256>>});
}

} // namespace troupe::bench

#else // TROUPE_BENCH_HAS_URCU_QSBR

namespace troupe::bench {

void add_urcu_qsbr(std::vector<scheme_entry>&) {
  // not built in
}

} // namespace troupe::bench

#endif // TROUPE_BENCH_HAS_URCU_QSBR
