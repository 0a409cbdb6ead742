#include <apps/bench/loads/contestant.hpp>

#include <apps/bench/loads/thread_pool.hpp>

namespace troupe::bench {

namespace {

/// Calls the loader and keeps nothing: the floor of a miss, and with the pool the time of
/// two hops between threads.
class bare_loader final : public load_store<bare_loader> {
public:
  bare_loader() : load_store("loader", "the loader alone (floor)") {
    // nop
  }

  bool takes(load_work work) const override {
    return work == load_work::miss || work == load_work::pool;
  }

  std::optional<std::string> get(std::string_view) {
    return std::nullopt;
  }

  bool put(std::string_view, const std::string&) {
    return false;
  }

  void remove(std::string_view) {
    // nop
  }

  template <class Loader>
  load_result get_or_set(std::string_view, Loader&& loader, load_on place) {
    return {place == load_on::pool ? pool_.ask(loader) : loader(),
            load_origin::loaded};
  }

  std::uint64_t
  load_all(const load_keys&, std::size_t,
           const std::function<std::string(std::size_t)>&) override {
    return 0;
  }

private:
  thread_pool pool_;
};

} // namespace

std::unique_ptr<load_contestant> make_bare_loader() {
  return std::make_unique<bare_loader>();
}

} // namespace troupe::bench
