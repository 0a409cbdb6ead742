// A store beside a plain map that does the same, on the same clock.

#include <troupe/backends/memory/store/store.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <variant>

#include <troupe/backends/memory/entries/hash.hpp>

#include "catch.hpp"
#include "model_entry.hpp"

using namespace troupe;
using memory::store;
using std::chrono::milliseconds;

namespace {

// What a shard does, and what a map would do; every answer is compared.
class duel {
public:
  explicit duel(unsigned seed, std::size_t max_bytes, eviction_policy policy)
    : random_(seed), limit_(max_bytes) {
    memory::store_options options;
    options.time = &time_;
    options.shared.bytes
      = std::make_shared<memory::budget>(memory::budget::limit_of(max_bytes));
    options.shared.eviction = policy;
    forgotten_ = options.shared.forgotten;
    uut_ = std::make_unique<store>(options);
  }

  void step() {
    forget_the_expired();
    auto key = "key:" + std::to_string(random_() % keys);
    agree(key);
    switch (random_() % 16) {
      case 0:
        return erase(key);
      case 1:
        return touch(key);
      case 2:
        return increment(key);
      case 3:
        return compare_and_set(key);
      case 4:
        return load(key);
      case 5:
        return transform(key);
      case 6:
        return pass_time();
      case 7:
        return forget_tag();
      default:
        return set(key);
    }
  }

  // Mostly; now and then of another size class altogether.
  void use_values_up_to(unsigned size) noexcept {
    usual_size_ = size;
  }

  void clear() {
    forgotten_->clear();
    if (!uut_->settle())
      FAIL("no memory");
    model_.clear();
  }

  void check_all() {
    forget_the_expired();
    for (unsigned i = 0; i < keys; ++i)
      agree("key:" + std::to_string(i));
    CHECK(uut_->entries().validate() == "");
    uut_->sweep();
    CHECK(uut_->entries().validate() == "");
  }

  [[nodiscard]] const store& uut() const noexcept {
    return *uut_;
  }

private:
  static constexpr unsigned keys = 400;

  hashed_key hashed(const std::string& key) const {
    return {key, hash_key(key)};
  }

  // Under a limit the store may have evicted what the map still has. It must
  // never have what the map has not, nor another value or deadline.
  void agree(const std::string& key) {
    auto i = model_.find(key);
    auto as = random_() % 2 == 0 ? lookup::use : lookup::peek;
    if (i != model_.end() && as == lookup::use)
      i->second.read(time_.now());
    auto compare = [&](const entry_view& x) {
      if (i == model_.end())
        FAIL("found what should be gone: " << key);
      auto& y = i->second;
      if (x.value != y.value || x.deadline != y.expiry || x.ttl_end != y.ttl_end
          || x.idle != y.idle.value_or(no_expiry))
        FAIL("another value or deadline: " << key);
      if (!y.keeps_the_promise())
        FAIL("expires too early or too late: " << key);
    };
    auto found = uut_->read(hashed(key), compare, as);
    if (found || i == model_.end())
      return;
    if (limit_ == 0)
      FAIL("lost " << key);
    model_.erase(i);
  }

  void forget_the_expired() {
    std::erase_if(model_, [&](auto& x) {
      return x.second.expiry != never && time_.now() >= x.second.expiry;
    });
  }

  std::string some_value() {
    auto size = random_() % (random_() % 20 == 0 ? 5'000 : usual_size_);
    return std::string(size, static_cast<char>('a' + random_() % 26));
  }

  write_options some_options(model_entry& as) {
    write_options how;
    if (random_() % 3 == 0) {
      // From less than a tick to hours.
      how.ttl = milliseconds{1 + random_() % (1U << (random_() % 24))};
      as.ttl_end = time_.now() + *how.ttl;
    }
    // Ordinary calls find no difference.
    if (random_() % 3 == 0)
      how.stale_for = milliseconds{random_() % (1U << (random_() % 20))};
    if (random_() % 3 == 0) {
      how.idle = milliseconds{1 + random_() % (1U << (random_() % 20))};
      as.idle = how.idle;
    }
    for (const auto* name : {"red", "green", "blue"})
      if (random_() % 8 == 0) {
        how.tags.add(name);
        as.tags.emplace_back(name);
      }
    return how;
  }

  void put(const std::string& key, model_entry next) {
    next.written(time_.now());
    model_[key] = std::move(next);
  }

  // Whether the store says that it stored.
  template <class T>
  bool stored(const expected<T>& outcome) {
    if (outcome)
      return true;
    if (limit_ == 0 || outcome.error() != errc::limit_reached)
      FAIL(to_string(outcome.error()));
    return false;
  }

  void set(const std::string& key) {
    auto present = model_.find(key);
    model_entry next;
    auto how = some_options(next);
    next.value = some_value();
    if (present != model_.end() && random_() % 4 == 0) {
      how.keep_ttl = true;
      next.ttl_end = present->second.ttl_end;
      next.idle = present->second.idle;
      if (next.tags.empty())
        next.tags = present->second.tags;
    }
    auto condition = random_() % 4;
    if (condition == 0)
      how.condition = write_condition::if_absent;
    if (condition == 1)
      how.condition = write_condition::if_present;
    auto holds = condition == 0   ? present == model_.end()
                 : condition == 1 ? present != model_.end()
                                  : true;
    auto outcome = uut_->set(hashed(key), next.value, how);
    if (!stored(outcome))
      return;
    if (*outcome != holds)
      FAIL("a condition holds for one of them only");
    if (holds)
      put(key, next);
  }

  void erase(const std::string& key) {
    auto outcome = uut_->erase(hashed(key));
    if (!outcome || *outcome != (model_.erase(key) == 1))
      FAIL("erase differs");
  }

  void touch(const std::string& key) {
    auto i = model_.find(key);
    auto ttl
      = random_() % 3 == 0 ? no_expiry : milliseconds{1 + random_() % 100'000};
    auto outcome = uut_->touch(hashed(key), ttl);
    if (!stored(outcome))
      return;
    if (*outcome != (i != model_.end()))
      FAIL("touch differs");
    if (i != model_.end())
      i->second.touched(time_.now(),
                        ttl == no_expiry ? never : time_.now() + ttl);
  }

  void increment(const std::string& key) {
    auto i = model_.find(key);
    auto outcome = uut_->increment(hashed(key), 3);
    if (i != model_.end()
        && i->second.value.find_first_not_of("0123456789")
             != std::string::npos) {
      if (outcome || outcome.error() != errc::not_an_integer)
        FAIL("incremented a text");
      return;
    }
    if (i != model_.end() && i->second.value.empty())
      return; // Refused, too; it is no integer.
    if (!stored(outcome))
      return;
    auto before = i == model_.end() ? 0 : std::stoll(i->second.value);
    if (*outcome != before + 3)
      FAIL("another sum");
    auto& next = model_[key];
    next.value = std::to_string(before + 3);
    next.written(time_.now());
  }

  void compare_and_set(const std::string& key) {
    auto version = no_version;
    uut_->read(
      hashed(key), [&](const entry_view& x) { version = x.version; },
      lookup::peek);
    auto right = random_() % 2 == 0;
    model_entry next;
    auto how = some_options(next);
    next.value = some_value();
    auto outcome = uut_->compare_and_set(
      hashed(key), right ? version : version + 1'000'000, next.value, how);
    if (!stored(outcome))
      return;
    if (outcome->has_value() != right)
      FAIL("a version fits one of them only");
    if (right)
      put(key, next);
  }

  void transform(const std::string& key) {
    auto i = model_.find(key);
    auto value = some_value();
    auto keep = random_() % 4 == 0;
    auto outcome = uut_->transform(
      hashed(key), [&](const entry_view* present) -> expected<edit> {
        if ((present != nullptr) != (i != model_.end()))
          FAIL("transform sees something else");
        return keep ? edit::keep() : edit::replace(value);
      });
    // The function has seen the entry, whatever became of it.
    if (i != model_.end())
      i->second.read(time_.now());
    if (!stored(outcome) || keep)
      return;
    auto& next = model_[key];
    next.value = value;
    next.written(time_.now());
  }

  // A load that something may come in between of.
  void load(const std::string& key) {
    auto id = ++last_load_;
    auto decision = uut_->acquire_load(hashed(key), id);
    if (!decision)
      FAIL(to_string(decision.error()));
    auto present = model_.find(key);
    if (auto* hit = std::get_if<load_hit>(&*decision)) {
      if (present == model_.end() || hit->value != present->second.value)
        FAIL("a load hit something else");
      present->second.read(time_.now());
      return;
    }
    if (present != model_.end())
      FAIL("a load missed what is there");
    if (!std::holds_alternative<load_granted>(*decision))
      return; // A load that failed has postponed the next one.
    model_entry loaded;
    auto how = some_options(loaded);
    loaded.value = some_value();
    auto fenced = false;
    switch (random_() % 5) {
      case 0:
        erase(key);
        fenced = true;
        break;
      case 1:
        clear();
        fenced = true;
        break;
      case 2:
        if (!loaded.tags.empty()) {
          forget(loaded.tags.front());
          fenced = true;
        }
        break;
      default:
        break;
    }
    const auto born = std::get<load_granted>(*decision).born;
    if (random_() % 8 == 0) {
      uut_->release_load(hashed(key), id, time_.now() + milliseconds{1})
        .value();
      return;
    }
    auto committed
      = uut_->commit_load(hashed(key), id, born, loaded.value, how);
    if (!stored(committed))
      return;
    if (committed->stored == fenced)
      FAIL("a load was " << (fenced ? "stored after" : "refused without")
                         << " an invalidation");
    if (!fenced)
      put(key, loaded);
  }

  void pass_time() {
    time_.advance(milliseconds{random_() % (1U << (random_() % 16))});
    if (random_() % 2 == 0)
      uut_->sweep();
  }

  void forget_tag() {
    constexpr std::array names{"red", "green", "blue"};
    if (random_() % 8 == 0)
      forget(names[random_() % names.size()]);
  }

  void forget(const std::string& name) {
    REQUIRE(forgotten_->tags().invalidate(name));
    std::erase_if(model_, [&](auto& x) {
      auto& all = x.second.tags;
      return std::find(all.begin(), all.end(), name) != all.end();
    });
  }

  std::minstd_rand random_;
  std::size_t limit_;
  manual_clock time_;
  std::shared_ptr<memory::invalidations> forgotten_;
  std::unique_ptr<store> uut_;
  std::map<std::string, model_entry> model_;
  load_id last_load_ = 0;
  unsigned usual_size_ = 120;
};

void fight(duel& x, std::size_t limit) {
  for (int round = 0; round < 20; ++round) {
    // Sizes that drift leave chunks behind that are nearly empty.
    if (limit == 0)
      x.use_values_up_to(120U << (round % 6));
    for (int i = 0; i < 5'000; ++i) {
      x.step();
      if (limit != 0 && x.uut().entries().charged() > limit)
        FAIL("over the limit");
    }
    x.check_all();
    if (round % 7 == 6)
      x.clear();
  }
}

} // namespace

TEST_CASE("a store does what a plain map does", "[store][model]") {
  for (unsigned seed : {1U, 2U, 3U}) {
    duel x{seed, 0, eviction_policy::s3_fifo};
    fight(x, 0);
    CHECK(x.uut().entries().evictions() == 0);
    CHECK(x.uut().entries().relocations() > 10);
  }
}

TEST_CASE("a store under a limit has nothing that a plain map has not",
          "[store][model]") {
  constexpr std::size_t limit = 15'000;
  for (auto policy : {eviction_policy::s3_fifo, eviction_policy::clock}) {
    duel x{4, limit, policy};
    fight(x, limit);
    CHECK(x.uut().entries().evictions() > 1'000);
  }
}

TEST_CASE("a store that evicts nothing refuses, and loses nothing",
          "[store][model]") {
  constexpr std::size_t limit = 15'000;
  duel x{5, limit, eviction_policy::none};
  fight(x, limit);
  CHECK(x.uut().entries().evictions() == 0);
}
