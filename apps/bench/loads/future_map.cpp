#include <apps/bench/loads/contestant.hpp>

#include <future>
#include <memory>
#include <utility>

#include <apps/bench/loads/striped_map.hpp>
#include <apps/bench/loads/thread_pool.hpp>

namespace troupe::bench {

namespace {

/// Single flight with futures: the first caller of a key leaves a std::shared_future in
/// the map and keeps its promise; the others wait for the future. It stays in the map
/// with its value. No expiry, no invalidation, no limit, no deadline.
class future_map final : public load_store<future_map> {
public:
  future_map()
    : load_store("futures",
                 "64 x mutex + unordered_map of std::shared_future") {
    // nop
  }

  bool takes(load_work) const override {
    return true;
  }

  std::optional<std::string> get(std::string_view key) {
    const auto x = values_.with(key, [&](auto& map) {
      const auto i = map.find(key);
      return i == map.end() ? future{} : i->second;
    });
    if (!x.valid() || !ready(x))
      return std::nullopt;
    return x.get();
  }

  bool put(std::string_view key, std::string value) {
    promise made;
    made.set_value(std::move(value));
    values_.with(key, [&](auto& map) {
      map.insert_or_assign(std::string{key}, made.get_future().share());
    });
    return true;
  }

  void remove(std::string_view key) {
    values_.with(key, [&](auto& map) {
      if (const auto i = map.find(key); i != map.end())
        map.erase(i);
    });
  }

  template <class Loader>
  load_result get_or_set(std::string_view key, Loader&& loader, load_on place) {
    auto found = look(key);
    if (!found.made) {
      const auto origin
        = ready(found.value) ? load_origin::hit : load_origin::joined;
      return {found.value.get(), origin};
    }
    if (place == load_on::pool)
      pool_.post(
        [&loader, made = std::move(found.made)] { made->set_value(loader()); });
    else
      found.made->set_value(loader());
    return {found.value.get(), load_origin::loaded};
  }

  std::uint64_t
  load_all(const load_keys& keys, std::size_t count,
           const std::function<std::string(std::size_t)>& loader) override {
    std::vector<future> all;
    all.reserve(count);
    for (std::size_t i = 0; i < count; ++i) {
      auto found = look(keys.key(i));
      all.push_back(std::move(found.value));
      if (found.made)
        pool_.post([&loader, i, made = std::move(found.made)] {
          made->set_value(loader(i));
        });
    }
    std::uint64_t right = 0;
    for (std::size_t i = 0; i < count; ++i)
      right += all[i].get() == keys.value(i) ? 1 : 0;
    return right;
  }

private:
  using future = std::shared_future<std::string>;
  using promise = std::promise<std::string>;

  struct sight {
    future value;
    std::shared_ptr<promise> made; ///< When the key was missing.
  };

  static bool ready(const future& x) {
    return x.wait_for(std::chrono::seconds{0}) == std::future_status::ready;
  }

  /// Finds the future of a key, or makes it.
  sight look(std::string_view key) {
    return values_.with(key, [&](auto& map) -> sight {
      if (const auto i = map.find(key); i != map.end())
        return {i->second, nullptr};
      auto made = std::make_shared<promise>();
      return {
        map.emplace(std::string{key}, made->get_future().share()).first->second,
        made};
    });
  }

  striped_map<future> values_;
  thread_pool pool_;
};

} // namespace

std::unique_ptr<load_contestant> make_future_map() {
  return std::make_unique<future_map>();
}

} // namespace troupe::bench
