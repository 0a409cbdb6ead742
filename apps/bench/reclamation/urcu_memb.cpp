#include <apps/bench/reclamation/scheme.hpp>

#ifdef TROUPE_BENCH_HAS_URCU

// Puts the readers' side inline, as a program that cares would: it is what the
// library is measured at its best with.
#  define _LGPL_SOURCE
#  include <urcu/urcu-memb.h>

#  include <apps/bench/reclamation/urcu_batch.hpp>

namespace troupe::bench {

namespace {

class memb_base : public pointer_slots {
public:
  static constexpr bool writable = true;

  using pointer_slots::pointer_slots;

  [[nodiscard]] std::uint64_t alive() const noexcept {
    return objects.alive();
  }

  class reader {
  public:
    explicit reader(memb_base& owner) : owner_(owner) {
      urcu_memb_register_thread();
    }

    ~reader() {
      urcu_memb_unregister_thread();
    }

    reader(const reader&) = delete;
    reader& operator=(const reader&) = delete;

    template <class F>
    void read(std::size_t slot, F f) {
      urcu_memb_read_lock();
      f(*owner_.slots[slot].load(std::memory_order_acquire));
      urcu_memb_read_unlock();
    }

  private:
    memb_base& owner_;
  };
};

/// The writer waits for a grace period per batch.
class memb_wait : public memb_base {
public:
  using memb_base::memb_base;

  class writer {
  public:
    explicit writer(memb_wait& owner) : owner_(owner), batch_(owner.objects) {
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
        urcu_memb_synchronize_rcu);
    }

    void drain() {
      batch_.flush(urcu_memb_synchronize_rcu);
    }

  private:
    memb_wait& owner_;
    urcu_batch batch_;
  };
};

/// A thread of liburcu's frees, when it finds the time.
class memb_call : public memb_base {
public:
  using memb_base::memb_base;

  class writer {
  public:
    explicit writer(memb_call& owner) : owner_(owner) {
      urcu_memb_register_thread();
    }

    ~writer() {
      drain();
      urcu_memb_unregister_thread();
    }

    writer(const writer&) = delete;
    writer& operator=(const writer&) = delete;

    void write(std::size_t slot, std::uint64_t stamp) {
      auto* next = owner_.objects.make(stamp);
      auto* old = owner_.slots[slot].exchange(next, std::memory_order_acq_rel);
      auto* request = new free_request{{}, &owner_.objects, old};
      urcu_memb_call_rcu(&request->head, &run);
    }

    void drain() {
      urcu_memb_barrier();
    }

  private:
    struct free_request {
      rcu_head head; ///< First: `run` gets its address.
      object_source* objects;
      object* what;
    };

    static void run(rcu_head* head) {
      auto* request = reinterpret_cast<free_request*>(head);
      request->objects->free(request->what);
      delete request;
    }

    memb_call& owner_;
  };
};

} // namespace

void add_urcu_memb(std::vector<scheme_entry>& list) {
  list.push_back({"urcu-memb", "liburcu memb, synchronize per batch",
                  make_protector<memb_wait>});
  list.push_back(
    {"urcu-memb-call", "liburcu memb, call_rcu", make_protector<memb_call>});
}

} // namespace troupe::bench

#else // TROUPE_BENCH_HAS_URCU

namespace troupe::bench {

void add_urcu_memb(std::vector<scheme_entry>&) {
  // not built in
}

} // namespace troupe::bench

#endif // TROUPE_BENCH_HAS_URCU
