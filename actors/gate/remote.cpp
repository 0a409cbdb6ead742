#include <troupe/actors/gate/remote.hpp>

#include <algorithm>

#include <caf/actor_cast.hpp>
#include <caf/actor_system.hpp>
#include <caf/io/middleman.hpp>

#include <troupe/actors/shell/detail/basp_door.hpp>
#include <troupe/actors/gate/detail/sockets.hpp>

namespace troupe {

expected<supervisor_actor> connect(caf::actor_system& system,
                                   const console_address& where,
                                   std::chrono::milliseconds timeout) {
  if (!system.has_middleman())
    return fail(errc::invalid_argument,
                "the actor system has no middleman; call "
                "config::enable_remote before making it");
  const auto begin = std::chrono::steady_clock::now();
  auto inside = gate::enter(where, timeout);
  if (!inside)
    return tl::unexpected{std::move(inside.error())};
  const auto passed = std::chrono::duration_cast<std::chrono::milliseconds>(
    std::chrono::steady_clock::now() - begin);
  auto shown = detail::basp_door{system}.greet(
    std::move(*inside),
    std::max(timeout - passed, std::chrono::milliseconds{1}));
  if (!shown)
    return tl::unexpected{std::move(shown.error())};
  if (!shown->who)
    return fail(errc::system_error, "it publishes nothing");
  if (!system.assignable<supervisor_actor>(shown->interface))
    return fail(errc::system_error, "it publishes something else");
  return caf::actor_cast<supervisor_actor>(shown->who);
}

} // namespace troupe
