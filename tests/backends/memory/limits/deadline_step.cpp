#include <troupe/backends/memory/limits/deadline_step.hpp>

#include <atomic>
#include <functional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "backends/memory/store/small_store.hpp"
#include "catch.hpp"

using namespace troupe;
using namespace std::chrono_literals;
using memory::store;

namespace {

const hashed_key k = key_of("k");
const hashed_key other = key_of("other");

/// Time that passes right after the writer looked at it.
class passing_clock final : public clock {
public:
  [[nodiscard]] time_point now() const noexcept override {
    auto result = inner_.now();
    if (armed_ && std::this_thread::get_id() == writer_) {
      armed_ = false;
      inner_.advance(10ms);
      after_();
    }
    return result;
  }

  /// The next look of this thread is the one; `after` is called behind it.
  void arm(std::function<void()> after) {
    writer_ = std::this_thread::get_id();
    after_ = std::move(after);
    armed_ = true;
  }

  [[nodiscard]] bool armed() const noexcept {
    return armed_;
  }

private:
  mutable manual_clock inner_;
  mutable bool armed_ = false;
  std::thread::id writer_;
  std::function<void()> after_;
};

/// A read of `k` by another thread.
class meanwhile {
public:
  explicit meanwhile(store& where) : where_(where) {
    // nop
  }

  /// Returns when it is over, or has had enough time for one that waits for nothing.
  void start() {
    thread_ = std::thread{[this] {
      where_.read(k, [this](const entry_view& x) { found_ = x.value; });
      done_ = true;
    }};
    for (int i = 0; i < 1'000 && !done_; ++i)
      std::this_thread::yield();
  }

  std::string found() {
    thread_.join();
    return found_;
  }

private:
  store& where_;
  std::string found_ = "<none>";
  std::atomic<bool> done_{false};
  std::thread thread_;
};

struct change {
  const char* name;
  std::function<void(store&, version_number)> make;
  std::string left; ///< Under `k`.
};

std::vector<change> changes() {
  write_options if_present;
  if_present.condition = write_condition::if_present;
  return {
    {"set if present",
     [=](store& x, version_number) {
       CHECK(x.set(k, "2", if_present) == true);
     },
     "2"},
    {"compare and set",
     [](store& x, version_number v) {
       auto stored = x.compare_and_set(k, v, "2", {});
       CHECK((stored && *stored));
     },
     "2"},
    {"compare and erase",
     [](store& x, version_number v) {
       CHECK(x.compare_and_erase(k, v) == true);
     },
     "<none>"},
    {"erase", [](store& x, version_number) { CHECK(x.erase(k) == true); },
     "<none>"},
    {"touch",
     [](store& x, version_number) { CHECK(x.touch(k, no_expiry) == true); },
     "1"},
    {"transform",
     [](store& x, version_number) {
       auto ok = x.transform(k, [](const entry_view* y) -> expected<edit> {
         CHECK(y != nullptr);
         return edit::store("2", {});
       });
       CHECK(ok);
     },
     "2"},
    {"copy to it unless it is there",
     [](store& x, version_number) {
       CHECK(x.transfer(other, x, k, {true, true}) == transfer_result::exists);
     },
     "<none>"},
    {"copy of it",
     [](store& x, version_number) {
       CHECK(x.transfer(k, x, other, {false, true}) == transfer_result::done);
     },
     "<none>"},
  };
}

} // namespace

TEST_CASE(
  "no reader finds a key expired in the middle of a change that found it",
  "[store][threads]") {
  for (auto& what : changes()) {
    INFO(what.name);
    small_store<passing_clock> f;
    auto& time = f.time;
    auto& uut = f.uut;
    write_options how;
    how.ttl = 5ms;
    REQUIRE(uut.set(k, "1", how));
    REQUIRE(uut.set(other, "0", {}));
    auto version = no_version;
    uut.read(k, [&](const entry_view& x) { version = x.version; });
    meanwhile reader{uut};
    time.arm([&] { reader.start(); });
    what.make(uut, version);
    REQUIRE_FALSE(time.armed());
    // What changes nothing under `k` leaves it expired.
    CHECK(reader.found() == what.left);
    CHECK(uut.entries().validate() == "");
  }
}

TEST_CASE(
  "no reader finds a key idle for too long in the middle of a change that "
  "found it",
  "[store][threads]") {
  small_store<> f;
  auto& time = f.time;
  auto& uut = f.uut;
  write_options how;
  how.idle = 5ms;
  REQUIRE(uut.set(k, "1", how));
  meanwhile reader{uut};
  auto ok = uut.transform(k, [&](const entry_view* x) -> expected<edit> {
    CHECK(x != nullptr);
    time.advance(10ms);
    reader.start();
    return edit::store("2", {});
  });
  CHECK(ok);
  CHECK(reader.found() == "2");
}

TEST_CASE("a reader inside of a change does not wait for that", "[store]") {
  small_store<> f;
  auto& time = f.time;
  auto& uut = f.uut;
  write_options how;
  how.ttl = 5ms;
  REQUIRE(uut.set(k, "1", how));
  auto found = true;
  auto ok = uut.transform(k, [&](const entry_view* x) -> expected<edit> {
    CHECK(x != nullptr);
    time.advance(10ms);
    found = uut.read(k, [](const entry_view&) {});
    return edit::store("2", {});
  });
  CHECK(ok);
  CHECK_FALSE(found);
}

TEST_CASE(
  "steps of other keys, and those that are not needed, keep nobody waiting",
  "[store]") {
  memory::deadline_witness uut;
  memory::deadline_step one{uut, k.hash, true};
  memory::deadline_step two{uut, other.hash, false, 1};
  std::thread reader{[&] {
    uut.await_none(other.hash);
    uut.await_none(key_of("third").hash);
  }};
  reader.join();
}
