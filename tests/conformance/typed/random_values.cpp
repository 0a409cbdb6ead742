// Random values of several types, through all ways in and out, compared with a map.

#include <algorithm>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "conformance/typed/fixture.hpp"

using namespace troupe;
using namespace conformance::typed;

namespace {

using dice = std::mt19937;

std::size_t below(dice& random, std::size_t n) {
  return std::uniform_int_distribution<std::size_t>{0, n - 1}(random);
}

void make(dice& random, std::string& x) {
  // Each order of magnitude is as likely as any other.
  x.resize(below(random, std::size_t{1} << below(random, 17)));
  for (auto& letter : x)
    letter = static_cast<char>(below(random, 256));
}

void make(dice& random, std::int64_t& x) {
  using limits = std::numeric_limits<std::int64_t>;
  switch (below(random, 4)) {
    case 0:
      x = limits::min();
      break;
    case 1:
      x = limits::max();
      break;
    default:
      x = std::uniform_int_distribution<std::int64_t>{limits::min(),
                                                      limits::max()}(random)
          >> below(random, 64);
  }
}

void make(dice& random, profile& x) {
  make(random, x.name);
  x.visits = static_cast<int>(random());
}

template <class T>
void make(dice& random, std::optional<T>& x) {
  if (below(random, 3) == 0)
    x.reset();
  else
    make(random, x.emplace());
}

template <class T>
void make(dice& random, std::vector<T>& x) {
  x.resize(below(random, 5));
  for (auto& element : x)
    make(random, element);
}

template <class V>
V any(dice& random) {
  V result{};
  make(random, result);
  return result;
}

template <class V>
class player {
public:
  player(cache<V> where, std::uint32_t seed)
    : uut_(std::move(where)), random_(seed) {
    // nop
  }

  void step() {
    const auto key = std::to_string(below(random_, 10));
    const auto value = any<V>(random_);
    const auto later = below(random_, 2) == 0;
    const auto present = map_.contains(key);
    auto f = [&](std::optional<V>) { return value; };
    auto load = [value] { return value; };
    switch (below(random_, 6)) {
      case 0:
        CHECK((later ? uut_.set_async(key, value).get() : uut_.set(key, value))
              == true);
        map_[key] = value;
        break;
      case 1:
        CHECK((later ? uut_.set_if_absent_async(key, value).get()
                     : uut_.set_if_absent(key, value))
              == !present);
        map_.try_emplace(key, value);
        break;
      case 2:
        CHECK((later ? uut_.update_async(key, f).get() : uut_.update(key, f))
              == value);
        map_[key] = value;
        break;
      case 3:
        map_.try_emplace(key, value);
        CHECK((later ? uut_.get_or_set_async(key, load).get()
                     : uut_.get_or_set(key, load))
              == map_[key]);
        break;
      case 4:
        CHECK((later ? uut_.erase_async(key).get() : uut_.erase(key))
              == present);
        map_.erase(key);
        break;
      default:
        set_many();
    }
    look(key, later);
  }

private:
  void set_many() {
    std::vector<std::pair<std::string, V>> items;
    for (int i = 0; i < 3; ++i)
      items.emplace_back(std::to_string(below(random_, 10)), any<V>(random_));
    REQUIRE(uut_.set_many(items));
    for (auto& [key, value] : items)
      map_[key] = value;
    std::vector<std::string> keys;
    for (int i = 0; i < 10; ++i)
      keys.push_back(std::to_string(i));
    const auto found = uut_.get_many(keys);
    REQUIRE(found);
    for (std::size_t i = 0; i < keys.size(); ++i) {
      const auto x = map_.find(keys[i]);
      CHECK(((*found)[i].absent()
               ? x == map_.end()
               : x != map_.end() && *(*found)[i] == x->second));
    }
  }

  void look(const std::string& key, bool later) {
    const auto found = later ? uut_.get_async(key).get() : uut_.get(key);
    const auto x = map_.find(key);
    if (x == map_.end() ? !found.absent() : !(found == x->second))
      FAIL("the value of " << key << " differs");
  }

  cache<V> uut_;
  dice random_;
  std::map<std::string, V> map_;
};

template <class V>
void play(fixture& f, const char* name, std::uint32_t seed) {
  INFO(name << ", seed " << seed);
  player<V> uut{f.open<V>(name), seed};
  for (int i = f.kind.rounds(600); i > 0; --i)
    uut.step();
}

} // namespace

PROVIDER_CASE("random values come back as they were", "[cache][random calls]") {
  const auto seed = GENERATE(1u, 2u, 3u);
  fixture f{kind};
  play<std::string>(f, "texts", seed);
  play<std::int64_t>(f, "numbers", seed);
  play<profile>(f, "profiles", seed);
  play<std::vector<profile>>(f, "lists", seed);
  play<std::optional<std::string>>(f, "optional", seed);
}
