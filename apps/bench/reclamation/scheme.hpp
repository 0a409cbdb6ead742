#pragma once

// A way to let readers follow a pointer that a writer may replace at any time.
//
// Every scheme guards the same thing: a row of slots, each with a pointer to an
// object. A reader enters, follows the pointer of one slot, looks at the object
// and leaves. The writer puts a new object into a slot and frees the old one
// when no reader can see it any more. Objects are poisoned before they
// are freed, so a scheme that frees too early is found out.

#include <algorithm>
#include <atomic>
#include <concepts>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <string>
#include <utility>
#include <vector>

#include <apps/bench/common/crew.hpp>

namespace troupe::bench {

/// What the slots point to: a header, and payload up to the object's size.
struct object {
  static constexpr std::uint64_t mark = 0x9e3779b97f4a7c15;

  explicit object(std::uint64_t x) noexcept : stamp(x), check(x ^ mark) {
    // nop
  }

  [[nodiscard]] bool intact() const noexcept {
    return (stamp ^ check) == mark;
  }

  void poison() noexcept {
    check = stamp;
  }

  std::uint64_t stamp;
  std::uint64_t check;
};

/// Makes and frees objects of one size, and knows how many there are.
class object_source {
public:
  explicit object_source(std::size_t size) : size_(size) {
    // nop
  }

  [[nodiscard]] std::size_t size() const noexcept {
    return size_;
  }

  [[nodiscard]] object* make(std::uint64_t stamp) {
    auto* memory = std::malloc(size_);
    if (memory == nullptr)
      throw std::bad_alloc{};
    std::memset(memory, static_cast<int>(stamp & 0xff), size_);
    made_.store(made_.load(std::memory_order_relaxed) + 1,
                std::memory_order_relaxed);
    return new (memory) object{stamp};
  }

  void free(object* x) noexcept {
    x->poison();
    std::free(x);
    freed_.fetch_add(1, std::memory_order_relaxed);
  }

  /// Objects that were made and not freed yet. Only the writer makes objects.
  [[nodiscard]] std::uint64_t alive() const noexcept {
    return made_.load(std::memory_order_relaxed)
           - freed_.load(std::memory_order_relaxed);
  }

private:
  std::size_t size_;
  std::atomic<std::uint64_t> made_{0};
  std::atomic<std::uint64_t> freed_{0};
};

/// The slots of all schemes but those with pointers of their own kind.
class pointer_slots {
public:
  pointer_slots(std::size_t count, std::size_t object_size)
    : objects(object_size), slots(count) {
    for (std::size_t i = 0; i < count; ++i)
      slots[i].store(objects.make(i), std::memory_order_relaxed);
  }

  ~pointer_slots() {
    for (auto& x : slots)
      objects.free(x.load(std::memory_order_relaxed));
  }

  pointer_slots(const pointer_slots&) = delete;
  pointer_slots& operator=(const pointer_slots&) = delete;

  object_source objects;
  std::vector<std::atomic<object*>> slots;
};

/// What a pass of one thread did.
struct access_count {
  std::uint64_t accesses = 0;
  std::uint64_t broken = 0;     ///< Reads of an object that had been freed.
  std::uint64_t sum = 0;        ///< Keeps the compiler from skipping reads.
  std::uint64_t most_alive = 0; ///< Objects at once, those in slots included.
};

/// A scheme as the harness sees it: whole passes, so that the loops are
/// compiled for each scheme.
class protector {
public:
  virtual ~protector() = default;

  /// Reads `count` times, or fewer when `deadline` comes first, but never not at
  /// all: a thread may get its processor late.
  virtual access_count read(const std::vector<std::uint32_t>& order,
                            std::uint64_t count, stopwatch::time_point deadline)
    = 0;

  /// Writes until `stop`, or `count` times when `stop` is null, then waits
  /// until everything that can be freed is freed.
  virtual access_count write(const std::vector<std::uint32_t>& order,
                             std::uint64_t count, const std::atomic<bool>* stop)
    = 0;

  /// False when reads are safe only while there are no writes.
  [[nodiscard]] virtual bool writable() const = 0;
};

/// `T::reader` and `T::writer` are made by and for one thread and pass; a reader
/// calls `f(const object&)` under protection.
template <class T>
concept scheme_like = requires(T scheme, std::size_t slot, std::uint64_t stamp,
                               void (*f)(const object&)) {
  T(std::size_t{}, std::size_t{});
  { scheme.alive() } -> std::convertible_to<std::uint64_t>;
  { T::writable } -> std::convertible_to<bool>;
  typename T::reader;
  typename T::writer;
  std::declval<typename T::reader&>().read(slot, f);
  std::declval<typename T::writer&>().write(slot, stamp);
  std::declval<typename T::writer&>().drain();
};

template <scheme_like Scheme>
class protector_of final : public protector {
public:
  protector_of(std::size_t slots, std::size_t object_size)
    : scheme_(slots, object_size) {
    // nop
  }

  access_count read(const std::vector<std::uint32_t>& order,
                    std::uint64_t count,
                    stopwatch::time_point deadline) override {
    // How many reads go by between two looks at the clock.
    constexpr std::uint64_t stretch = 1024;
    access_count result;
    typename Scheme::reader reader{scheme_};
    auto mask = order.size() - 1;
    do {
      auto end = std::min(result.accesses + stretch, count);
      for (auto i = result.accesses; i < end; ++i)
        reader.read(order[i & mask], [&](const object& x) {
          result.sum += x.stamp;
          result.broken += x.intact() ? 0 : 1;
        });
      result.accesses = end;
    } while (result.accesses < count && stopwatch::now() < deadline);
    return result;
  }

  access_count write(const std::vector<std::uint32_t>& order,
                     std::uint64_t count,
                     const std::atomic<bool>* stop) override {
    access_count result;
    typename Scheme::writer writer{scheme_};
    auto mask = order.size() - 1;
    for (std::uint64_t i = 0;
         stop == nullptr ? i < count : !stop->load(std::memory_order_relaxed);
         ++i) {
      writer.write(order[i & mask], i);
      if (i % 64 == 0)
        result.most_alive = std::max(result.most_alive, scheme_.alive());
      result.accesses = i + 1;
    }
    if (stop == nullptr)
      writer.drain();
    return result;
  }

  [[nodiscard]] bool writable() const override {
    return Scheme::writable;
  }

private:
  Scheme scheme_;
};

using protector_maker
  = std::unique_ptr<protector> (*)(std::size_t slots, std::size_t object_size);

template <scheme_like Scheme>
std::unique_ptr<protector> make_protector(std::size_t slots,
                                          std::size_t object_size) {
  return std::make_unique<protector_of<Scheme>>(slots, object_size);
}

/// A scheme by name. Every call of `make` has its own slots.
struct scheme_entry {
  std::string name;
  std::string what;
  protector_maker make;
};

// What each source file has to offer; nothing when its library is missing.
void add_unprotected(std::vector<scheme_entry>& list);
void add_epoch(std::vector<scheme_entry>& list);
void add_urcu_memb(std::vector<scheme_entry>& list);
void add_urcu_qsbr(std::vector<scheme_entry>& list);
void add_shared_mutex(std::vector<scheme_entry>& list);
void add_shared_pointer(std::vector<scheme_entry>& list);

} // namespace troupe::bench
