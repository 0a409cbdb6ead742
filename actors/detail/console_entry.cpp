#include <troupe/actors/detail/console_entry.hpp>

#include <utility>

#include <troupe/actors/gate/detail/console_gate.hpp>
#include <troupe/actors/shell/detail/basp_door.hpp>

namespace troupe::detail {

console_entry::console_entry(caf::actor_system& system,
                             std::function<supervisor_actor()> supervisor)
  : system_(system), shown_(std::move(supervisor)) {
  // nop
}

console_entry::~console_entry() = default;

expected<std::string> console_entry::open(const console_socket& where) {
  std::lock_guard guard{mutex_};
  return gate().and_then([&](console_gate* x) { return x->open(where); });
}

expected<std::uint16_t> console_entry::open(const console_port& where) {
  std::lock_guard guard{mutex_};
  return gate().and_then([&](console_gate* x) { return x->open(where); });
}

void console_entry::close() {
  std::lock_guard guard{mutex_};
  closed_ = true;
  gate_.reset();
}

expected<console_gate*> console_entry::gate() {
  if (auto ok = basp_door::check(system_); !ok)
    return tl::unexpected{std::move(ok.error())};
  if (closed_)
    return fail(errc::shutting_down, "the runtime has ended");
  if (!gate_)
    gate_ = std::make_unique<console_gate>(
      system_, [this] { return shown(system_, shown_()); });
  return gate_.get();
}

} // namespace troupe::detail
