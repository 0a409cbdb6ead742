#include <apps/bench/loads/contestant.hpp>

#include <future>
#include <utility>

#include <troupe/actors/cache.hpp>
#include <troupe/actors/runtime.hpp>

namespace troupe::bench {

namespace {

/// A `cache<std::string>`, as programs use it.
class troupe_load_cache final : public load_store<troupe_load_cache> {
public:
  explicit troupe_load_cache(runtime& home)
    : load_store("cache", "Troupe: cache"),
      cache_(home.open<std::string>("loads-cache").value()) {
    // nop
  }

  bool takes(load_work) const override {
    return true;
  }

  std::optional<std::string> get(std::string_view key) {
    auto x = cache_.get(key);
    return x ? std::optional{std::move(*x)} : std::nullopt;
  }

  bool put(std::string_view key, const std::string& value) {
    return static_cast<bool>(cache_.set(key, value));
  }

  void remove(std::string_view key) {
    static_cast<void>(cache_.erase(key));
  }

  template <class Loader>
  load_result get_or_set(std::string_view key, Loader&& loader, load_on place) {
    auto x = cache_.get_or_load(key, [&loader] { return loader(); }, {},
                                {.on = place});
    return {x.value ? std::move(*x.value) : std::string{}, x.origin};
  }

  std::uint64_t
  load_all(const load_keys& keys, std::size_t count,
           const std::function<std::string(std::size_t)>& loader) override {
    std::vector<std::future<maybe<std::string>>> all;
    all.reserve(count);
    for (std::size_t i = 0; i < count; ++i)
      all.push_back(cache_.get_or_set_async(
        std::string{keys.key(i)}, [&loader, i] { return loader(i); }));
    std::uint64_t right = 0;
    for (std::size_t i = 0; i < count; ++i) {
      const auto x = all[i].get();
      right += x && *x == keys.value(i) ? 1 : 0;
    }
    return right;
  }

private:
  cache<std::string> cache_;
};

} // namespace

std::unique_ptr<load_contestant> make_load_cache(runtime& home) {
  return std::make_unique<troupe_load_cache>(home);
}

} // namespace troupe::bench
