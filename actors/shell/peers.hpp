#pragma once

// What an actor can find out about requests that come from other nodes.

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include <caf/atom.hpp>
#include <caf/io/middleman.hpp>
#include <caf/node_id.hpp>

namespace troupe {

/// An actor of another node.
struct peer_actor {
  std::string node;     ///< As CAF writes it: a hash, "#", a process number.
  std::uint64_t id = 0; ///< Its number on that node.
};

/// The sender of the message that an actor handles, if it lives on another node.
template <class Actor>
[[nodiscard]] std::optional<peer_actor> sending_peer(Actor& self) {
  const auto& sender = self.current_sender();
  if (!sender || sender->node() == self.node())
    return std::nullopt;
  return peer_actor{to_string(sender->node()), sender->id()};
}

/// Has the sender's death reported to the actor that handles its message.
template <class Actor>
void watch_sender(Actor& self) {
  self.monitor(self.current_sender());
}

/// Asks the middleman for the address of the sender's node, and calls `f` with it in a
/// turn of `self`: "127.0.0.1:41234", "unix socket, user 1000, process 4711", or
/// nothing when the node is no longer known.
template <class Actor, class F>
void locate_sender(Actor& self, F f) {
  self
    .request(self.system().middleman().actor_handle(), caf::infinite,
             caf::get_atom_v, self.current_sender()->node())
    .then(
      [f](const caf::node_id&, const std::string& host, std::uint16_t port) {
        // A node that came by a Unix socket has no port.
        f(port == 0 || host.empty() ? host : host + ":" + std::to_string(port));
      },
      [f](const caf::error&) { f(std::string{}); });
}

} // namespace troupe
