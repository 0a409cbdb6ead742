#include <troupe/actors/gate/detail/listener.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <exception>
#include <system_error>
#include <utility>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

namespace troupe::gate {

namespace {

using std::chrono::milliseconds;
using steady = std::chrono::steady_clock;

/// How long the listener pauses when the process has no descriptor left.
constexpr milliseconds rest{100};

/// Connections that are accepted before the waiting ones get their turn again. Few:
/// each may close a waiting one that has perhaps sent its proof.
constexpr int most_at_once = 4;

/// The user and process behind a Unix socket, if they may enter.
std::optional<std::string> welcome_user(int descriptor) {
  ucred peer{};
  socklen_t size = sizeof(peer);
  if (::getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0
      || (peer.uid != ::geteuid() && peer.uid != 0))
    return {};
  return "unix socket, user " + std::to_string(peer.uid) + ", process "
         + std::to_string(peer.pid);
}

/// A console that was let in may stay without limit. When its machine was switched off,
/// this is noticed after about two minutes; where the system refuses the option, at the
/// next write.
void keep_alive(int descriptor) noexcept {
  const int on = 1;
  const int idle_seconds = 60;
  const int between_seconds = 10;
  const int tries = 6;
  ::setsockopt(descriptor, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
  ::setsockopt(descriptor, IPPROTO_TCP, TCP_KEEPIDLE, &idle_seconds,
               sizeof(idle_seconds));
  ::setsockopt(descriptor, IPPROTO_TCP, TCP_KEEPINTVL, &between_seconds,
               sizeof(between_seconds));
  ::setsockopt(descriptor, IPPROTO_TCP, TCP_KEEPCNT, &tries, sizeof(tries));
}

/// Sends all of it or nothing: a fresh connection takes 40 bytes.
bool send_at_once(int to, const wire_message& x) noexcept {
  return ::send(to, x.data(), x.size(), MSG_NOSIGNAL | MSG_DONTWAIT)
         == static_cast<ssize_t>(x.size());
}

/// A thread that receives no signals, which belong to the program.
template <class F>
std::thread quiet_thread(F f) {
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  std::thread result;
  try {
    result = std::thread{std::move(f)};
  } catch (...) {
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    throw;
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return result;
}

} // namespace

// -- begin and end -----------------------------------------------------------------

listener::listener(taker take, limits most)
  : take_(std::move(take)), most_(most), wake_(::eventfd(0, EFD_CLOEXEC)) {
  // nop
}

expected<std::unique_ptr<listener>> listener::open(const console_socket& where,
                                                   taker take, limits most) {
  auto file = socket_file::listen(where.path);
  if (!file)
    return tl::unexpected{std::move(file.error())};
  std::unique_ptr<listener> result{new listener{std::move(take), most}};
  result->file_.emplace(std::move(*file));
  result->accepting_ = result->file_->descriptor().get();
  return result->start().map([&] { return std::move(result); });
}

expected<std::unique_ptr<listener>> listener::open(const console_port& where,
                                                   taker take, limits most) {
  if (where.password.empty())
    return fail(errc::invalid_argument,
                "a console port without a password would let every user of "
                "the machine end the program; set one, or use the Unix socket");
  std::unique_ptr<listener> result{new listener{std::move(take), most}};
  try {
    fill_random(result->salt_);
  } catch (const std::exception& problem) {
    return fail(errc::system_error, problem.what());
  }
  auto key = secret::derive(where.password, result->salt_);
  if (!key)
    return tl::unexpected{std::move(key.error())};
  result->key_.emplace(*key);
  auto bound = listen_on(where.host, where.port);
  if (!bound)
    return tl::unexpected{std::move(bound.error())};
  result->port_socket_ = std::move(bound->descriptor);
  result->port_ = bound->port;
  result->accepting_ = result->port_socket_.get();
  return result->start().map([&] { return std::move(result); });
}

expected<void> listener::start() {
  if (wake_.get() < 0)
    return fail(errc::system_error, "no descriptor for the console's listener ("
                                      + std::generic_category().message(errno)
                                      + ")");
  // One more for a moment, before another is closed.
  waiting_.reserve(most_.waiting + 1);
  watched_.reserve(most_.waiting + 3);
  try {
    thread_ = quiet_thread([this] { run(); });
  } catch (const std::system_error& problem) {
    return fail(errc::system_error,
                std::string{"no thread for the console's listener ("}
                  + problem.what() + ")");
  }
  return {};
}

listener::~listener() {
  if (!thread_.joinable())
    return;
  const std::uint64_t one = 1;
  // A counter that is not read cannot be full after one step.
  static_cast<void>(::write(wake_.get(), &one, sizeof(one)));
  thread_.join();
}

// -- the thread --------------------------------------------------------------------

void listener::run() {
  auto& watched = watched_;
  for (;;) {
    watched.assign(
      {{wake_.get(), POLLIN, 0}, {pause_ ? -1 : accepting_, POLLIN, 0}});
    for (const auto& x : waiting_)
      watched.push_back({x.descriptor.get(), POLLIN, 0});
    const auto count
      = ::poll(watched.data(), watched.size(), time_to_wait(steady::now()));
    if (watched[0].revents != 0)
      return;
    const auto now = steady::now();
    // `accept_all` changes the list that `watched` refers to, so it comes last.
    std::size_t i = 2;
    std::erase_if(waiting_, [&](connection& x) {
      const bool ready = count > 0 && watched[i].revents != 0;
      ++i;
      return (ready && serve_safely(x) == outcome::over) || x.deadline <= now;
    });
    if (pause_ && *pause_ <= now)
      pause_.reset();
    if (count > 0 && watched[1].revents != 0)
      accept_all(now);
  }
}

/// Milliseconds until work is due without an event; -1: none is due.
int listener::time_to_wait(time_point now) const {
  std::optional<time_point> next = pause_;
  for (const auto& x : waiting_)
    next = next ? std::min(*next, x.deadline) : x.deadline;
  if (!next)
    return -1;
  const auto left = std::chrono::ceil<milliseconds>(*next - now);
  return static_cast<int>(std::max<std::int64_t>(left.count(), 0));
}

void listener::accept_all(time_point now) {
  for (int i = 0; i < most_at_once; ++i) {
    unique_descriptor made{
      ::accept4(accepting_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK)};
    if (made.get() >= 0) {
      try {
        add(std::move(made), now);
      } catch (const std::exception&) {
        // No memory or no random numbers: this connection is closed, which its console
        // reports; later ones may succeed.
      }
      continue;
    }
    // An error of a connection that has already ended concerns only that one.
    if (errno == ECONNABORTED || errno == EINTR)
      continue;
    if (errno != EAGAIN)
      pause_ = now + rest;
    return;
  }
}

void listener::add(unique_descriptor made, time_point now) {
  std::string from;
  if (!file_)
    keep_alive(made.get());
  if (file_) {
    auto user = welcome_user(made.get());
    if (!user) {
      send_at_once(made.get(), encode(refusal::wrong_user));
      return;
    }
    from = std::move(*user);
  }
  make_room();
  waiting_.push_back({std::move(made),
                      doorkeeper{key_ ? &*key_ : nullptr, salt_},
                      std::move(from), now + most_.patience});
  // Its hello may have arrived already; then it is not a silent one.
  if (serve_safely(waiting_.back()) == outcome::over)
    waiting_.pop_back();
}

void listener::make_room() {
  if (waiting_.size() < most_.waiting)
    return;
  auto victim
    = std::find_if(waiting_.begin(), waiting_.end(),
                   [](const connection& x) { return !x.keeper.has_greeted(); });
  // Of the connections that sent a hello, close any: the oldest could be a console that
  // derives its key, and strangers with a hello would close every such console.
  if (victim == waiting_.end()) {
    std::array<std::uint8_t, 4> bytes{};
    fill_random(bytes);
    std::uint32_t number = 0;
    std::memcpy(&number, bytes.data(), bytes.size());
    victim = waiting_.begin()
             + static_cast<std::ptrdiff_t>(number % waiting_.size());
  }
  waiting_.erase(victim);
}

/// An exception closes this connection only.
listener::outcome listener::serve_safely(connection& x) {
  try {
    return serve(x);
  } catch (const std::exception&) {
    return outcome::over;
  }
}

listener::outcome listener::serve(connection& x) {
  std::array<std::uint8_t, message_size> bytes{};
  const auto count
    = ::recv(x.descriptor.get(), bytes.data(), x.keeper.wanted(), 0);
  if (count < 0 && (errno == EAGAIN || errno == EINTR))
    return outcome::waits;
  if (count <= 0)
    return outcome::over;
  std::optional<wire_message> reply;
  const auto verdict
    = x.keeper.take({bytes.data(), static_cast<std::size_t>(count)}, reply);
  if (verdict == doorkeeper::verdict::let_in) {
    let_in(x, *reply);
    return outcome::over;
  }
  const bool sent = !reply || send_at_once(x.descriptor.get(), *reply);
  return sent && verdict == doorkeeper::verdict::waits ? outcome::waits
                                                       : outcome::over;
}

void listener::let_in(connection& x, const wire_message& welcome) {
  // This object's own reference is one of the holders.
  if (static_cast<std::size_t>(inside_.use_count()) > most_.inside) {
    send_at_once(x.descriptor.get(), encode(refusal::too_many));
    return;
  }
  if (send_at_once(x.descriptor.get(), welcome))
    take_({std::move(x.descriptor), std::move(x.from), inside_});
}

} // namespace troupe::gate
