#include <troupe/actors/loads/breakers/breaker_board.hpp>

#include <utility>

namespace troupe {

expected<std::shared_ptr<circuit_breaker>>
breaker_board::get(const std::string& region, breaker_options options) {
  if (options.failures == 0)
    return nullptr;
  if (options.name.empty())
    options.name = region;
  std::lock_guard guard{mutex_};
  std::erase_if(all_, [](const auto& x) { return x.second.expired(); });
  auto& place = all_[options.name];
  if (auto present = place.lock()) {
    const auto& other = present->options();
    if (other == options)
      return present;
    return fail(
      errc::invalid_argument,
      "the breaker " + options.name + " exists with failures "
        + std::to_string(other.failures) + " and open_for "
        + std::to_string(other.open_for.count())
        + " ms; regions that share a breaker give it the same limits");
  }
  auto result = std::make_shared<circuit_breaker>(std::move(options));
  place = result;
  return result;
}

std::vector<breaker_view> breaker_board::list(time_point now) {
  std::vector<breaker_view> result;
  std::lock_guard guard{mutex_};
  for (const auto& [name, breaker] : all_)
    if (const auto present = breaker.lock())
      result.push_back(present->view(now));
  return result;
}

} // namespace troupe
