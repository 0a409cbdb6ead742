// Random calls with random bytes, compared with a map.

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "conformance/fixture.hpp"
#include "conformance/loading.hpp"
#include "conformance/stale.hpp"

using namespace troupe;
using namespace conformance;
using namespace std::chrono_literals;

namespace {

struct wanted_entry {
  bytes value;
  time_point ttl_end = never;
  ttl_duration stale_for{0};
  std::set<bytes> tags;
};

/// Calls of one thread on a region, and what a map has after the same.
class player {
public:
  player(fixture& f, std::uint32_t seed) : f_(f), random_(seed) {
    for (int i = 0; i < 24; ++i)
      keys_.push_back(any_bytes(any_size(i < 20 ? 60 : 5'000)));
    keys_.emplace_back("n");
    std::sort(keys_.begin(), keys_.end());
    keys_.erase(std::unique(keys_.begin(), keys_.end()), keys_.end());
  }

  void step() {
    const auto& key = keys_[below(keys_.size())];
    switch (below(16)) {
      case 0:
      case 1:
      case 2:
        return set(key);
      case 3:
        return erase(key);
      case 4:
        return touch(key);
      case 5:
        return increment(percent(60) ? bytes{"n"} : key);
      case 6:
        return compare_and_set(key);
      case 7:
        return compare_and_erase(key);
      case 8:
      case 9:
        return transform(key);
      case 10:
        return update(key);
      case 11:
        return load(key);
      case 12:
        return set_many();
      case 13:
        return percent(50) ? invalidate() : look_at_many();
      case 14:
        return percent(10) ? clear() : look(key);
      default:
        return let_time_pass();
    }
  }

  /// Looks at all keys, live or not.
  void compare_all() {
    for (auto& key : keys_)
      look(key);
    std::size_t live = 0;
    for (auto& key : keys_)
      live += present(key) == nullptr ? 0 : 1;
    CHECK(f_.uut->size() >= live);
  }

private:
  // -- choosing ------------------------------------------------------------------

  std::size_t below(std::size_t n) {
    return std::uniform_int_distribution<std::size_t>{0, n - 1}(random_);
  }

  bool percent(std::size_t x) {
    return below(100) < x;
  }

  /// Each order of magnitude is as likely as any other.
  std::size_t any_size(std::size_t most) {
    auto limit = std::size_t{1} << below(20);
    return below(std::min(limit, most) + 1);
  }

  bytes any_bytes(std::size_t size) {
    bytes result(size, '\0');
    for (auto& x : result)
      x = static_cast<char>(below(256));
    return result;
  }

  bytes any_value() {
    if (percent(20))
      return std::to_string(static_cast<int>(below(2'000)) - 1'000);
    if (percent(5))
      return bytes(100'000 + below(300'000), static_cast<char>(below(256)));
    return any_bytes(any_size(20'000));
  }

  std::optional<ttl_duration> any_ttl() {
    if (!f_.exact_tick() || percent(60))
      return std::nullopt;
    return ttl_duration{1 + below(50)};
  }

  /// Options without idle time, whose end may be put off a little.
  write_options any_options() {
    write_options result;
    result.ttl = any_ttl();
    if (percent(40))
      result.stale_for = ttl_duration{below(40)};
    for (auto& x : names_)
      if (percent(15))
        result.tags.add(x);
    return result;
  }

  // -- the map -------------------------------------------------------------------

  wanted_entry* present(const bytes& key) {
    const auto i = map_.find(key);
    return i != map_.end() && i->second.ttl_end > f_.now() ? &i->second
                                                           : nullptr;
  }

  enum class keeps { nothing, all, rest };

  void store(const bytes& key, bytes value, const write_options& how,
             keeps what = keeps::nothing) {
    const auto* const old = what == keeps::nothing ? nullptr : present(key);
    wanted_entry x;
    x.value = std::move(value);
    if (old != nullptr && (what == keeps::all || !how.ttl)) {
      x.ttl_end = old->ttl_end;
      if (x.ttl_end != never)
        x.stale_for = what == keeps::rest && how.stale_for ? *how.stale_for
                                                           : old->stale_for;
    } else if (how.ttl) {
      x.ttl_end = f_.now() + *how.ttl;
      x.stale_for = how.stale_for.value_or(ttl_duration::zero());
    }
    if (old != nullptr && how.tags.empty())
      x.tags = old->tags;
    for (auto& name : how.tags.names())
      x.tags.insert(name);
    map_[key] = std::move(x);
  }

  // -- calls ---------------------------------------------------------------------

  void look(const bytes& key) {
    const auto* const x = present(key);
    const auto found = f_.uut->get(key);
    REQUIRE(found);
    if (*found != (x == nullptr ? std::nullopt : std::optional{x->value}))
      FAIL("the value of a key differs");
    const auto left = f_.uut->ttl(key);
    REQUIRE(left);
    if (x == nullptr)
      CHECK(*left == std::nullopt);
    else if (x->ttl_end == never)
      CHECK(*left == no_expiry);
    else
      CHECK(*left == std::chrono::ceil<ttl_duration>(x->ttl_end - f_.now()));
    const auto i = map_.find(key);
    const auto lasts
      = i != map_.end()
        && (i->second.ttl_end == never
            || i->second.ttl_end + i->second.stale_for > f_.now());
    if (usable_value(f_, key) != (lasts ? i->second.value : "<none>"))
      FAIL("the usable value of a key differs");
  }

  void look_at_many() {
    std::vector<bytes_view> keys(keys_.begin(), keys_.end());
    std::shuffle(keys.begin(), keys.end(), random_);
    const auto found = f_.uut->get_many(keys);
    REQUIRE(found);
    for (std::size_t i = 0; i < keys.size(); ++i) {
      const auto* const x = present(bytes{keys[i]});
      if ((*found)[i]
          != (x == nullptr ? std::nullopt : std::optional{x->value}))
        FAIL("the value of a key in a batch differs");
    }
  }

  void set(const bytes& key) {
    auto how = any_options();
    how.keep_ttl = percent(20);
    const auto condition = below(4);
    if (condition == 0)
      how.condition = write_condition::if_absent;
    if (condition == 1)
      how.condition = write_condition::if_present;
    const auto there = present(key) != nullptr;
    const auto stores = condition > 1 || there == (condition == 1);
    const auto value = any_value();
    const auto stored = percent(30) ? set_async(*f_.uut, key, value, how).get()
                                    : f_.uut->set(key, value, how);
    CHECK(stored == stores);
    if (stores)
      store(key, value, how, how.keep_ttl ? keeps::all : keeps::nothing);
    look(key);
  }

  void set_many() {
    const auto how = any_options();
    std::vector<bytes> values;
    std::vector<key_value> items;
    for (int i = 0; i < 5; ++i)
      values.push_back(any_value());
    for (auto& x : values)
      items.push_back({keys_[below(keys_.size())], x});
    REQUIRE(f_.uut->set_many(items, how));
    for (auto& x : items)
      store(bytes{x.key}, bytes{x.value}, how);
    for (auto& x : items)
      look(bytes{x.key});
  }

  void erase(const bytes& key) {
    const auto there = present(key) != nullptr;
    CHECK((percent(30) ? erase_async(*f_.uut, key).get() : f_.uut->erase(key))
          == there);
    map_.erase(key);
    look(key);
  }

  void touch(const bytes& key) {
    auto* const x = present(key);
    const auto ttl = any_ttl().value_or(no_expiry);
    CHECK((percent(30) ? touch_async(*f_.uut, key, ttl).get()
                       : f_.uut->touch(key, ttl))
          == (x != nullptr));
    if (x != nullptr)
      x->ttl_end = ttl == no_expiry ? never : f_.now() + ttl;
    look(key);
  }

  void increment(const bytes& key) {
    const auto* const x = present(key);
    const auto delta = static_cast<std::int64_t>(below(2'000)) - 1'000;
    std::optional<std::int64_t> wanted = delta;
    if (x != nullptr) {
      std::int64_t n = 0;
      const auto* const end = x->value.data() + x->value.size();
      const auto [stopped, code] = std::from_chars(x->value.data(), end, n);
      const auto whole = code == std::errc{} && stopped == end
                         && std::to_string(n) == x->value;
      wanted = whole ? std::optional{n + delta} : std::nullopt;
    }
    const auto sum = percent(30) ? increment_async(*f_.uut, key, delta).get()
                                 : f_.uut->increment(key, delta);
    if (wanted) {
      CHECK(sum == *wanted);
      store(key, std::to_string(*wanted), {}, keeps::all);
    } else {
      CHECK(code_of(sum) == errc::not_an_integer);
    }
    look(key);
  }

  /// The version of what is there, or another one.
  version_number any_version(const bytes& key, bool& matches) {
    auto result = no_version;
    REQUIRE(
      f_.uut->visit(key, [&](const entry_view& x) { result = x.version; }));
    matches = percent(70);
    return matches ? result : result + 1 + below(3);
  }

  void compare_and_set(const bytes& key) {
    auto matches = false;
    const auto version = any_version(key, matches);
    const auto how = any_options();
    const auto value = any_value();
    const auto stored = f_.uut->compare_and_set(key, version, value, how);
    REQUIRE(stored);
    CHECK(stored->has_value() == matches);
    if (matches)
      store(key, value, how);
    look(key);
  }

  void compare_and_erase(const bytes& key) {
    auto matches = false;
    const auto version = any_version(key, matches);
    CHECK(f_.uut->compare_and_erase(key, version) == matches);
    if (matches)
      map_.erase(key);
    look(key);
  }

  void transform(const bytes& key) {
    const auto* const old = present(key);
    const auto before = old == nullptr ? bytes{} : old->value;
    const auto kind = below(6);
    const auto value = any_value();
    const auto offset = below(before.size() + 100);
    const auto how = any_options();
    auto wrong = false;
    REQUIRE(f_.uut->transform(key, [&](const entry_view* x) -> expected<edit> {
      wrong = wrong || (x != nullptr) != (old != nullptr)
              || (x != nullptr && x->value != before);
      switch (kind) {
        case 0:
          return edit::keep();
        case 1:
          return edit::store(value, how);
        case 2:
          return edit::replace(value);
        case 3:
          return edit::append(value);
        case 4:
          return edit::overwrite(offset, value);
        default:
          return edit::erase();
      }
    }));
    CHECK_FALSE(wrong);
    auto written = before;
    switch (kind) {
      case 0:
        break;
      case 1:
        store(key, value, how);
        break;
      case 2:
        store(key, value, {}, keeps::all);
        break;
      case 3:
        store(key, before + value, {}, keeps::all);
        break;
      case 4:
        written.resize(std::max(before.size(), offset + value.size()));
        written.replace(offset, value.size(), value);
        store(key, written, {}, keeps::all);
        break;
      default:
        map_.erase(key);
    }
    look(key);
  }

  void update(const bytes& key) {
    const auto how = any_options();
    const auto erases = percent(20);
    const auto fails = percent(20);
    const auto* const old = present(key);
    const auto next = old == nullptr ? bytes{"new"} : old->value + "+";
    auto f = [=](std::optional<bytes_view> x) -> loaded {
      if (fails)
        return fail(errc::update_failed, "as it was told");
      if (erases)
        return std::nullopt;
      return x ? bytes{*x} + "+" : bytes{"new"};
    };
    const auto made = percent(30) ? update_async(*f_.uut, key, f, how).get()
                                  : f_.uut->update(key, f, how);
    if (fails) {
      CHECK(code_of(made) == errc::update_failed);
    } else if (erases) {
      CHECK(made == std::nullopt);
      map_.erase(key);
    } else {
      CHECK(made == next);
      store(key, next, how, keeps::rest);
    }
    look(key);
  }

  void load(const bytes& key) {
    const auto how = any_options();
    const auto* const x = present(key);
    const auto none = percent(20);
    const auto value = any_value();
    auto loader = [=](load_context&) -> loaded {
      return none ? std::nullopt : std::optional{value};
    };
    const auto found = percent(30)
                         ? get_or_set_async(*f_.uut, key, loader, how).get()
                         : f_.uut->get_or_set(key, loader, how);
    REQUIRE(found);
    const auto brought = none ? std::nullopt : std::optional{value};
    CHECK((*found == (x == nullptr ? brought : std::optional{x->value})));
    if (x == nullptr && !none)
      store(key, value, how);
    else if (x == nullptr)
      map_.erase(key);
    look(key);
  }

  void invalidate() {
    const auto& name = names_[below(names_.size())];
    REQUIRE(f_.uut->invalidate_tag(name));
    std::erase_if(map_,
                  [&](const auto& x) { return x.second.tags.contains(name); });
    compare_all();
  }

  void clear() {
    REQUIRE(f_.uut->clear());
    map_.clear();
    CHECK(f_.uut->size() == 0);
  }

  void let_time_pass() {
    if (f_.exact_tick())
      f_.advance(std::chrono::microseconds{below(8'000)});
    if (percent(20))
      f_.uut->tick();
  }

  fixture& f_;
  std::mt19937 random_;
  std::vector<bytes> keys_;
  std::vector<bytes> names_{"red", "blue", "", bytes(1'000, 't')};
  std::map<bytes, wanted_entry> map_;
};

} // namespace

PROVIDER_CASE("random calls with random bytes do what they do to a map",
              "[random calls]") {
  const auto seed = GENERATE(range(1u, 7u));
  INFO("seed " << seed);
  fixture f{kind};
  player uut{f, seed};
  for (int i = kind.rounds(3'000); i > 0; --i)
    uut.step();
  uut.compare_all();
}
