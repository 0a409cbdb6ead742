#include <apps/bench/loads/contestant.hpp>

#include <atomic>
#include <memory>
#include <mutex>
#include <utility>

#include <apps/bench/loads/striped_map.hpp>
#include <apps/bench/loads/thread_pool.hpp>

namespace troupe::bench {

namespace {

/// Single flight in the simplest way: a once flag for each key, which stays in the map
/// with its value. No expiry, no invalidation, no limit, no deadline.
class once_map final : public load_store<once_map> {
public:
  once_map()
    : load_store("once", "64 x mutex + unordered_map of std::once_flag") {
    // nop
  }

  bool takes(load_work work) const override {
    // A caller of std::call_once always waits.
    return work != load_work::burst;
  }

  std::optional<std::string> get(std::string_view key) {
    const auto x = values_.with(key, [&](auto& map) -> std::shared_ptr<entry> {
      const auto i = map.find(key);
      return i == map.end() ? nullptr : i->second;
    });
    if (x == nullptr || !x->filled.load(std::memory_order_acquire))
      return std::nullopt;
    return x->value;
  }

  bool put(std::string_view key, std::string value) {
    auto x = std::make_shared<entry>();
    std::call_once(x->once, [&] { x->fill(std::move(value)); });
    values_.with(key, [&](auto& map) {
      map.insert_or_assign(std::string{key}, std::move(x));
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
    const auto x = values_.with(key, [&](auto& map) {
      if (const auto i = map.find(key); i != map.end())
        return i->second;
      return map.emplace(std::string{key}, std::make_shared<entry>())
        .first->second;
    });
    if (x->filled.load(std::memory_order_acquire)) [[likely]]
      return {x->value, load_origin::hit};
    auto origin = load_origin::joined;
    std::call_once(x->once, [&] {
      origin = load_origin::loaded;
      x->fill(place == load_on::pool ? pool_.ask(loader) : loader());
    });
    return {x->value, origin};
  }

  std::uint64_t
  load_all(const load_keys&, std::size_t,
           const std::function<std::string(std::size_t)>&) override {
    return 0;
  }

private:
  struct entry {
    void fill(std::string x) {
      value = std::move(x);
      filled.store(true, std::memory_order_release);
    }

    std::once_flag once;
    std::atomic<bool> filled{false};
    std::string value;
  };

  striped_map<std::shared_ptr<entry>> values_;
  thread_pool pool_;
};

} // namespace

std::unique_ptr<load_contestant> make_once_map() {
  return std::make_unique<once_map>();
}

} // namespace troupe::bench
