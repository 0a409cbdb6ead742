#include <troupe/actors/shell/detail/basp_door.hpp>

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <sys/socket.h>

#include <caf/actor_cast.hpp>
#include <caf/actor_system.hpp>
#include <caf/atom.hpp>
#include <caf/io/basp_broker.hpp>
#include <caf/io/middleman.hpp>
#include <caf/io/network/default_multiplexer.hpp>
#include <caf/io/network/scribe_impl.hpp>
#include <caf/make_counted.hpp>
#include <caf/scoped_actor.hpp>
#include <caf/sec.hpp>
#include <caf/send.hpp>

#include <troupe/actors/shell/detail/logger_scope.hpp>

namespace troupe::detail {

namespace {

using caf::io::network::default_multiplexer;

/// The port under which the broker knows the shown actor. It never listens there, and
/// writes its greeting in the same step in which it takes the actor: one number
/// suffices for all.
constexpr std::uint16_t place = 0;

/// A connection with its own number. CAF uses the descriptor's number, and cleans up
/// after a closed connection only when its last messages have been read: by then
/// another connection may have that number and would be cleaned up instead.
class door_scribe final : public caf::io::network::scribe_impl {
public:
  door_scribe(default_multiplexer& loop, unique_descriptor descriptor,
              std::string from, std::shared_ptr<void> stay)
    : scribe_impl(loop, descriptor.release()),
      from_(std::move(from)),
      stay_(std::move(stay)) {
    // Above all descriptors.
    static std::atomic<std::int64_t> next{std::int64_t{1} << 32};
    hdl_ = caf::io::connection_handle::from_int(next++);
    msg().handle = hdl_;
  }

  /// For a Unix socket, CAF would end the process here.
  std::string addr() const override {
    return from_.empty() ? scribe_impl::addr() : from_;
  }

  std::uint16_t port() const override {
    return from_.empty() ? scribe_impl::port() : std::uint16_t{0};
  }

private:
  const std::string from_;
  const std::shared_ptr<void> stay_;
};

bool is_unix(int descriptor) noexcept {
  sockaddr_storage own{};
  socklen_t size = sizeof(own);
  return ::getsockname(descriptor, reinterpret_cast<sockaddr*>(&own), &size)
           == 0
         && own.ss_family == AF_UNIX;
}

caf::io::scribe_ptr scribe_for(caf::actor_system& system,
                               unique_descriptor descriptor, std::string from,
                               std::shared_ptr<void> stay) {
  auto& loop = dynamic_cast<default_multiplexer&>(system.middleman().backend());
  return caf::make_counted<door_scribe>(loop, std::move(descriptor),
                                        std::move(from), std::move(stay));
}

} // namespace

shown_actor shown(caf::actor_system& system, const supervisor_actor& whom) {
  return {caf::actor_cast<caf::strong_actor_ptr>(whom),
          system.message_types(caf::detail::type_list<supervisor_actor>{})};
}

expected<supervisor_actor> supervisor_of(caf::actor_system& system,
                                         const shown_actor& peer) {
  if (!peer.who)
    return fail(errc::system_error, "it publishes nothing");
  if (!system.assignable<supervisor_actor>(peer.interface))
    return fail(errc::system_error, "it publishes something else");
  return caf::actor_cast<supervisor_actor>(peer.who);
}

expected<void> basp_door::check(caf::actor_system& system) {
  if (!system.has_middleman())
    return fail(errc::invalid_argument,
                "the actor system has no middleman; call "
                "config::enable_remote before making it");
  auto& loop = system.middleman().backend();
  if (dynamic_cast<default_multiplexer*>(&loop) == nullptr)
    return fail(errc::invalid_argument,
                "the middleman has an event loop of another kind; leave "
                "middleman.network-backend at its default");
  return {};
}

basp_door::basp_door(caf::actor_system& system)
  : system_(system),
    broker_(system.middleman().named_broker<caf::io::basp_broker>(
      caf::atom("BASP"))) {
  // nop
}

void basp_door::admit(unique_descriptor descriptor, std::string from,
                      std::shared_ptr<void> stay, shown_actor shown) {
  logger_scope sending;
  caf::anon_send(broker_, caf::publish_atom_v,
                 scribe_for(system_, std::move(descriptor), std::move(from),
                            std::move(stay)),
                 place, std::move(shown.who), std::move(shown.interface));
}

void basp_door::forget(const caf::strong_actor_ptr& whom) {
  logger_scope sending;
  caf::anon_send(broker_, caf::unpublish_atom_v,
                 caf::actor_cast<caf::actor_addr>(whom), place);
}

expected<shown_actor> basp_door::greet(unique_descriptor descriptor,
                                       std::chrono::milliseconds timeout) {
  logger_scope asking;
  // The broker keeps a connection until one side closes it, however long the greeting
  // takes. A duplicate descriptor closes it, because the broker's number may belong to
  // another connection by then.
  const unique_descriptor ours{::fcntl(descriptor.get(), F_DUPFD_CLOEXEC, 0)};
  if (ours.get() < 0)
    return fail(errc::system_error, std::generic_category().message(errno));
  const auto from = is_unix(descriptor.get()) ? "unix socket" : "";
  expected<shown_actor> result;
  caf::scoped_actor self{system_};
  self
    ->request(broker_, timeout, caf::connect_atom_v,
              scribe_for(system_, std::move(descriptor), from, nullptr), place)
    .receive(
      [&](const caf::node_id&, caf::strong_actor_ptr& who,
          std::set<std::string>& interface) {
        result = shown_actor{std::move(who), std::move(interface)};
      },
      [&](const caf::error& x) {
        if (x == caf::sec::request_timeout)
          result = fail(errc::timeout, "no greeting in time; is it stuck?");
        else
          result = fail(errc::system_error, system_.render(x));
      });
  if (!result)
    ::shutdown(ours.get(), SHUT_RDWR);
  return result;
}

} // namespace troupe::detail
