#include <apps/bench/reclamation/scheme.hpp>

namespace troupe::bench {

namespace {

/// Counted references: the last one to let go frees, reader or writer.
class counted {
public:
  static constexpr bool writable = true;

  counted(std::size_t count, std::size_t object_size)
    : objects_(object_size), slots_(count) {
    for (std::size_t i = 0; i < count; ++i)
      slots_[i].store(make(i));
  }

  [[nodiscard]] std::uint64_t alive() const noexcept {
    return objects_.alive();
  }

  class reader {
  public:
    explicit reader(counted& owner) : owner_(owner) {
      // nop
    }

    template <class F>
    void read(std::size_t slot, F f) {
      auto x = owner_.slots_[slot].load(std::memory_order_acquire);
      f(*x);
    }

  private:
    counted& owner_;
  };

  class writer {
  public:
    explicit writer(counted& owner) : owner_(owner) {
      // nop
    }

    void write(std::size_t slot, std::uint64_t stamp) {
      owner_.slots_[slot].store(owner_.make(stamp), std::memory_order_release);
    }

    void drain() {
      // nop
    }

  private:
    counted& owner_;
  };

private:
  std::shared_ptr<object> make(std::uint64_t stamp) {
    return {objects_.make(stamp), [this](object* x) { objects_.free(x); }};
  }

  object_source objects_;
  std::vector<std::atomic<std::shared_ptr<object>>> slots_;
};

} // namespace

void add_shared_pointer(std::vector<scheme_entry>& list) {
  list.push_back(
    {"shared-ptr", "std::atomic<std::shared_ptr>", make_protector<counted>});
}

} // namespace troupe::bench
