#include <troupe/actors/gate/remote.hpp>

#include <algorithm>

#include <troupe/actors/gate/detail/entering.hpp>
#include <troupe/actors/shell/detail/basp_door.hpp>

namespace troupe {

expected<supervisor_actor> connect(caf::actor_system& system,
                                   const console_address& where,
                                   std::chrono::milliseconds timeout) {
  if (auto ok = detail::basp_door::check(system); !ok)
    return tl::unexpected{std::move(ok.error())};
  const auto begin = std::chrono::steady_clock::now();
  auto inside = gate::enter(where, timeout);
  if (!inside)
    return tl::unexpected{std::move(inside.error())};
  const auto passed = std::chrono::duration_cast<std::chrono::milliseconds>(
    std::chrono::steady_clock::now() - begin);
  auto shown = detail::basp_door{system}.greet(
    std::move(*inside),
    std::max(timeout - passed, std::chrono::milliseconds{1}));
  return shown.and_then([&](const detail::shown_actor& x) {
    return detail::supervisor_of(system, x);
  });
}

} // namespace troupe
