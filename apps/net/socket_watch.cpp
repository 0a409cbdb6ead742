#include "apps/net/socket_watch.hpp"

#include <array>
#include <cerrno>
#include <utility>

#include <boost/system/system_error.hpp>

#include <sys/epoll.h>

namespace troupe::net {

namespace {

namespace asio = boost::asio;

constexpr auto in = static_cast<std::uint8_t>(readiness::input);
constexpr auto out = static_cast<std::uint8_t>(readiness::output);
constexpr auto hang_up = static_cast<std::uint8_t>(readiness::hang_up);

/// Sockets asked for at once, and how often before others of the event loop have
/// their turn.
constexpr std::size_t events_at_once = 128;
constexpr int rounds_per_turn = 4;

int make_set() {
  const auto result = ::epoll_create1(EPOLL_CLOEXEC);
  if (result < 0)
    throw boost::system::system_error{{errno, boost::system::system_category()},
                                      "epoll_create1"};
  return result;
}

std::uint32_t events_of(std::uint8_t what) noexcept {
  return ((what & in) != 0 ? std::uint32_t{EPOLLIN} : 0U)
         | ((what & out) != 0 ? std::uint32_t{EPOLLOUT} : 0U)
         | ((what & hang_up) != 0 ? std::uint32_t{EPOLLRDHUP} : 0U);
}

/// A socket that has failed is ready for everything: the next call says why.
std::uint8_t ready_in(std::uint32_t events) noexcept {
  if ((events & (EPOLLERR | EPOLLHUP)) != 0)
    return in | out | hang_up;
  return static_cast<std::uint8_t>(
    ((events & EPOLLIN) != 0 ? in : 0) | ((events & EPOLLOUT) != 0 ? out : 0)
    | ((events & EPOLLRDHUP) != 0 ? hang_up : 0));
}

/// What an event carries: a socket, and which one of those that had its number.
constexpr unsigned generation_shift = 32;

std::uint64_t name_of(int socket, std::uint32_t generation) noexcept {
  return (std::uint64_t{generation} << generation_shift)
         | static_cast<std::uint32_t>(socket);
}

} // namespace

socket_watch::socket_watch(asio::io_context& context)
  : set_(context.get_executor(), make_set()) {
  // nop
}

socket_watch::~socket_watch() = default;

void socket_watch::start() {
  arm();
}

void socket_watch::stop() noexcept {
  boost::system::error_code ignored;
  set_.close(ignored);
}

void socket_watch::arm() {
  set_.async_wait(asio::posix::descriptor_base::wait_read,
                  [this](boost::system::error_code code) {
                    if (code || !set_.is_open())
                      return;
                    serve();
                    if (set_.is_open())
                      arm();
                  });
}

void socket_watch::serve() noexcept {
  std::array<epoll_event, events_at_once> events;
  for (int round = 0; round < rounds_per_turn && set_.is_open(); ++round) {
    const auto count = ::epoll_wait(set_.native_handle(), events.data(),
                                    static_cast<int>(events.size()), 0);
    if (count <= 0)
      return;
    for (int i = 0; i < count; ++i) {
      const auto& x = events[static_cast<std::size_t>(i)];
      dispatch(x.data.u64, ready_in(x.events));
    }
  }
}

void socket_watch::dispatch(std::uint64_t which, bits ready) noexcept {
  const auto socket = static_cast<int>(static_cast<std::uint32_t>(which));
  auto& x = sockets_[static_cast<std::size_t>(socket)];
  // One that was forgotten by somebody who was ready before it.
  if (x.who == nullptr || name_of(socket, x.generation) != which
      || !set_.is_open())
    return;
  if ((x.wanted & ready) == 0) {
    // It would be reported again and again. Without memory to change that, it is.
    static_cast<void>(register_for(socket, x.wanted));
    return;
  }
  x.wanted &= static_cast<bits>(~ready);
  x.who->on_ready();
}

bool socket_watch::await(int socket, readiness what, owner& who) {
  const auto number = static_cast<std::size_t>(socket);
  if (number >= sockets_.size())
    sockets_.resize(number + 1);
  auto& x = sockets_[number];
  x.who = &who;
  const auto wanted = static_cast<bits>(x.wanted | static_cast<bits>(what));
  if ((x.registered & wanted) != wanted && !register_for(socket, wanted))
    return false;
  x.wanted = wanted;
  return true;
}

void socket_watch::forget(int socket) noexcept {
  const auto number = static_cast<std::size_t>(socket);
  if (number >= sockets_.size())
    return;
  static_cast<void>(register_for(socket, 0));
  auto& x = sockets_[number];
  x = {.who = nullptr, .generation = x.generation + 1};
}

/// Has the kernel report this, and nothing else, of a socket.
bool socket_watch::register_for(int socket, bits what) noexcept {
  auto& x = sockets_[static_cast<std::size_t>(socket)];
  if (x.registered == what)
    return true;
  epoll_event event{};
  event.events = events_of(what);
  event.data.u64 = name_of(socket, x.generation);
  const auto how = what == 0           ? EPOLL_CTL_DEL
                   : x.registered == 0 ? EPOLL_CTL_ADD
                                       : EPOLL_CTL_MOD;
  if (::epoll_ctl(set_.native_handle(), how, socket, &event) != 0)
    return false;
  x.registered = what;
  return true;
}

} // namespace troupe::net
