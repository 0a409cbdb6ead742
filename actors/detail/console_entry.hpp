#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>

#include <troupe/actors/gate/console_address.hpp>
#include <troupe/messages/interfaces.hpp>
#include <troupe/messages/types/error.hpp>

namespace troupe::detail {

class console_gate;

/// Where consoles come in to a runtime: its gate, which is made when it is first asked
/// for. Thread-safe.
class console_entry {
public:
  /// `shown`: the supervisor actor at present; called on any thread until `close`.
  console_entry(caf::actor_system& system,
                std::function<supervisor_actor()> shown);

  ~console_entry();

  /// See `runtime::publish`.
  expected<std::string> open(const console_socket& where);
  expected<std::uint16_t> open(const console_port& where);

  /// Lets no console in from now on.
  void close();

private:
  [[nodiscard]] expected<console_gate*> gate();

  caf::actor_system& system_;
  const std::function<supervisor_actor()> shown_;

  /// Guards what follows.
  std::mutex mutex_;
  std::unique_ptr<console_gate> gate_;
  bool closed_ = false;
};

} // namespace troupe::detail
