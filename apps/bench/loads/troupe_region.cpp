#include <apps/bench/loads/contestant.hpp>

#include <utility>

#include <troupe/actors/regions/region_declared.hpp>
#include <troupe/actors/runtime.hpp>

namespace troupe::bench {

namespace {

/// A region of bytes: without codec, and with a std::function as loader.
class troupe_load_region final : public load_store<troupe_load_region> {
public:
  explicit troupe_load_region(runtime& home)
    : load_store("region", "Troupe: region, bytes"),
      region_(home.open_region("loads-region").value()) {
    // nop
  }

  bool takes(load_work work) const override {
    return is_short(work);
  }

  std::optional<std::string> get(std::string_view key) {
    auto x = region_->get(key);
    return x ? std::move(*x) : std::nullopt;
  }

  bool put(std::string_view key, const std::string& value) {
    const auto x = region_->set(key, value);
    return x && *x;
  }

  void remove(std::string_view key) {
    static_cast<void>(region_->erase(key));
  }

  template <class Loader>
  load_result get_or_set(std::string_view key, Loader&& loader, load_on place) {
    auto x = region_->get_or_load(
      key, [&loader](load_context&) { return std::optional<bytes>{loader()}; },
      {}, {.on = place});
    return {x.value && *x.value ? std::move(**x.value) : std::string{},
            x.origin};
  }

  std::uint64_t
  load_all(const load_keys&, std::size_t,
           const std::function<std::string(std::size_t)>&) override {
    return 0;
  }

private:
  std::shared_ptr<region> region_;
};

} // namespace

std::unique_ptr<load_contestant> make_load_region(runtime& home) {
  return std::make_unique<troupe_load_region>(home);
}

} // namespace troupe::bench
