#include <troupe/backends/core/epoch.hpp>

#include <algorithm>
#include <atomic>
#include <latch>
#include <memory>
#include <thread>
#include <vector>

#include "catch.hpp"
#include "progress.hpp"

using namespace troupe;

namespace {

std::atomic<int> freed{0};

void count_and_delete(void*, void* object) noexcept {
  delete static_cast<int*>(object);
  ++freed;
}

/// Holds a guard on another thread until told to let go.
class foreign_reader {
public:
  foreign_reader()
    : thread_([this] {
        epoch_guard guard;
        inside_.count_down();
        leave_.wait();
      }) {
    inside_.wait();
  }

  ~foreign_reader() {
    leave();
  }

  void leave() {
    if (!thread_.joinable())
      return;
    leave_.count_down();
    thread_.join();
  }

private:
  std::latch inside_{1};
  std::latch leave_{1};
  std::thread thread_;
};

} // namespace

TEST_CASE("without readers a collect frees everything", "[epoch]") {
  freed = 0;
  retired_list uut{count_and_delete, nullptr};
  for (int i = 0; i < 10; ++i)
    uut.retire(new int{i}, sizeof(int));
  CHECK(uut.bytes() == 10 * sizeof(int));
  uut.collect();
  CHECK(freed == 10);
  CHECK(uut.bytes() == 0);
}

TEST_CASE("a reader keeps what was retired while it reads", "[epoch]") {
  freed = 0;
  foreign_reader reader;
  retired_list uut{count_and_delete, nullptr};
  for (std::size_t i = 0; i < 3 * retired_list::batch_objects; ++i)
    uut.retire(new int{1}, sizeof(int));
  uut.collect();
  CHECK(freed == 0);
  reader.leave();
  uut.collect();
  CHECK(freed == 3 * retired_list::batch_objects);
}

TEST_CASE("a reader that came later does not keep what was retired before",
          "[epoch]") {
  freed = 0;
  auto early = std::make_unique<foreign_reader>();
  retired_list uut{count_and_delete, nullptr};
  uut.retire(new int{1}, sizeof(int));
  uut.collect(); // Seals the batch: later readers are not in its way.
  foreign_reader late;
  uut.collect();
  CHECK(freed == 0);
  early->leave();
  uut.collect();
  CHECK(freed == 1);
}

TEST_CASE("guards nest", "[epoch]") {
  freed = 0;
  retired_list uut{count_and_delete, nullptr};
  {
    epoch_guard outer;
    { epoch_guard inner; }
    uut.retire(new int{1}, sizeof(int));
    uut.collect();
    CHECK(freed == 0);
  }
  uut.collect();
  CHECK(freed == 1);
}

TEST_CASE("large objects are not left for a full batch", "[epoch]") {
  freed = 0;
  retired_list uut{count_and_delete, nullptr};
  uut.retire(new int{1}, retired_list::scan_after);
  CHECK(freed == 1);
}

TEST_CASE("what many lists put aside is freed without asking", "[epoch]") {
  // Each list alone puts too little aside for a scan.
  freed = 0;
  constexpr std::size_t lists = 64;
  constexpr auto batches = retired_list::scan_after / retired_list::object_cost
                           / retired_list::batch_objects / lists * 2;
  static_assert(batches > 0);
  std::vector<std::unique_ptr<retired_list>> all;
  for (std::size_t i = 0; i < lists; ++i)
    all.push_back(std::make_unique<retired_list>(count_and_delete, nullptr));
  auto per_list = static_cast<int>(batches * retired_list::batch_objects);
  for (int i = 0; i < per_list; ++i)
    for (auto& x : all)
      x->retire(new int{1}, sizeof(int));
  CHECK(freed >= static_cast<int>(lists) * per_list / 4);
}

TEST_CASE("a list forgets what goes another way", "[epoch]") {
  freed = 0;
  std::vector<int> objects(2 * retired_list::batch_objects);
  retired_list uut{count_and_delete, nullptr};
  for (auto& x : objects)
    uut.retire(&x, sizeof(int));
  uut.forget();
  CHECK(uut.bytes() == 0);
  uut.drain();
  CHECK(freed == 0);
}

TEST_CASE("objects are freed in the order in which they were retired",
          "[epoch]") {
  std::vector<int> order;
  auto note = [](void* context, void* object) noexcept {
    auto* x = static_cast<int*>(object);
    static_cast<std::vector<int>*>(context)->push_back(*x);
    delete x;
  };
  retired_list uut{note, &order};
  for (int i = 0; i < 600; ++i)
    uut.retire(new int{i}, sizeof(int));
  uut.drain();
  REQUIRE(order.size() == 600);
  CHECK(std::is_sorted(order.begin(), order.end()));
}

TEST_CASE("readers never see freed memory", "[epoch]") {
  // The reader checks a pattern that the free function destroys; sanitizers
  // would also see the access itself.
  struct pair {
    long x;
    long y;
  };
  constexpr int writes = 60'000;
  std::atomic<pair*> shared{new pair{0, 0}};
  std::atomic<long> torn{0};
  busy_crew readers{3, [&](unsigned) {
                      return [&] {
                        epoch_guard guard;
                        auto* p = shared.load(std::memory_order_acquire);
                        if (p->x != p->y)
                          ++torn;
                      };
                    }};
  {
    auto wipe = [](void*, void* object) noexcept {
      auto* p = static_cast<pair*>(object);
      p->x = -1;
      delete p;
    };
    retired_list uut{wipe, nullptr};
    for (long i = 1; i <= writes; ++i) {
      auto* old = shared.exchange(new pair{i, i}, std::memory_order_acq_rel);
      uut.retire(old, sizeof(pair));
      if (i % (writes / 20) == 0)
        readers.await_rounds();
    }
    readers.stop();
  }
  CHECK(torn == 0);
  delete shared.load();
}
