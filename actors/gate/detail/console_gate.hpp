#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include <troupe/actors/gate/console_address.hpp>
#include <troupe/actors/gate/detail/listener.hpp>
#include <troupe/actors/shell/detail/basp_door.hpp>
#include <troupe/messages/types/error.hpp>

namespace troupe::detail {

/// The entrance for consoles: listens (gate/listener.hpp), and passes the consoles that
/// are let in to CAF's network protocol (basp_door.hpp). Thread-safe. Must be destroyed
/// before the actor system.
class console_gate {
public:
  /// `shown` returns the actor that is shown to a console that comes in now. It is
  /// called on the threads of the listeners until the gate is destroyed. Precondition:
  /// `basp_door::check`.
  console_gate(caf::actor_system& system, std::function<shown_actor()> shown,
               gate::limits most = {});
  ~console_gate();

  console_gate(const console_gate&) = delete;
  console_gate& operator=(const console_gate&) = delete;

  /// Returns the path. Errors: those of `gate::listener::open` and
  /// `gate::runtime_folder`.
  expected<std::string> open(console_socket where);

  /// Returns the port. Errors: those of `gate::listener::open`.
  expected<std::uint16_t> open(const console_port& where);

private:
  [[nodiscard]] gate::listener::taker taker();
  void admit(gate::guest who);

  basp_door door_;
  const std::function<shown_actor()> shown_;
  const gate::limits most_;

  std::mutex mutex_;
  caf::strong_actor_ptr last_; ///< The actor that the broker was given.
  std::vector<std::unique_ptr<gate::listener>> listeners_;
};

} // namespace troupe::detail
