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

/// Where consoles come in: listens (gate/listener.hpp), and hands those it lets in to
/// CAF's network protocol (basp_door.hpp). Thread-safe. To be destroyed before the actor
/// system.
class console_gate {
public:
  /// `shown` says which actor is shown to a console that comes in now; called on the
  /// threads of the listeners until the gate is destroyed. Precondition:
  /// `basp_door::check`.
  console_gate(caf::actor_system& system, std::function<shown_actor()> shown,
               gate::limits most = {});
  ~console_gate();

  console_gate(const console_gate&) = delete;
  console_gate& operator=(const console_gate&) = delete;

  /// The path. Errors: as `gate::listener::open` and `gate::runtime_folder`.
  expected<std::string> open(console_socket where);

  /// The port. Errors: as `gate::listener::open`.
  expected<std::uint16_t> open(const console_port& where);

private:
  [[nodiscard]] gate::listener::taker taker();
  void admit(gate::guest who);

  basp_door door_;
  const std::function<shown_actor()> shown_;
  const gate::limits most_;

  std::mutex mutex_;
  caf::strong_actor_ptr last_; ///< Whom the broker was given.
  std::vector<std::unique_ptr<gate::listener>> listeners_;
};

} // namespace troupe::detail
