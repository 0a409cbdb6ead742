#include <troupe/actors/gate/detail/console_gate.hpp>

#include <atomic>
#include <utility>

#include <unistd.h>

#include <troupe/actors/shell/detail/logger_scope.hpp>

namespace troupe::detail {

namespace {

/// "/run/user/1000/troupe/pid-4711.sock", and "pid-4711-2.sock" for the second runtime
/// of the process.
expected<console_socket> default_socket() {
  static std::atomic<unsigned> count{0};
  const auto number = ++count;
  return default_console_socket(
    "pid-" + std::to_string(::getpid())
    + (number == 1 ? "" : "-" + std::to_string(number)));
}

} // namespace

console_gate::console_gate(caf::actor_system& system,
                           std::function<shown_actor()> shown,
                           gate::limits most)
  : door_(system), shown_(std::move(shown)), most_(most) {
  // nop
}

console_gate::~console_gate() {
  // Without the mutex, for which the listeners' threads may wait.
  std::exchange(listeners_, {}).clear();
  if (last_)
    door_.forget(last_);
}

expected<std::string> console_gate::open(console_socket where) {
  if (where.path.empty()) {
    auto chosen = default_socket();
    if (!chosen)
      return tl::unexpected{std::move(chosen.error())};
    where = std::move(*chosen);
  }
  auto made = gate::listener::open(where, taker(), most_);
  if (!made)
    return tl::unexpected{std::move(made.error())};
  std::lock_guard guard{mutex_};
  listeners_.push_back(std::move(*made));
  return where.path;
}

expected<std::uint16_t> console_gate::open(const console_port& where) {
  auto made = gate::listener::open(where, taker(), most_);
  if (!made)
    return tl::unexpected{std::move(made.error())};
  std::lock_guard guard{mutex_};
  listeners_.push_back(std::move(*made));
  return listeners_.back()->port();
}

gate::listener::taker console_gate::taker() {
  return [this](gate::guest who) { admit(std::move(who)); };
}

void console_gate::admit(gate::guest who) {
  logger_scope asking;
  auto shown = shown_();
  // Both under one lock, so that `last_` is the actor that the broker has.
  std::lock_guard guard{mutex_};
  last_ = shown.who;
  door_.admit(std::move(who.descriptor), std::move(who.from),
              std::move(who.stay), std::move(shown));
}

} // namespace troupe::detail
