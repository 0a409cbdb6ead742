#include <troupe/actors/gate/detail/reaching.hpp>

#include <algorithm>
#include <cerrno>
#include <string>
#include <utility>
#include <variant>

#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include <troupe/actors/gate/detail/reason.hpp>
#include <troupe/actors/gate/detail/tcp_address.hpp>
#include <troupe/actors/gate/detail/unix_address.hpp>
#include <troupe/backends/core/folder_of.hpp>

namespace troupe::gate {

namespace {

using std::chrono::milliseconds;
using steady = std::chrono::steady_clock;

/// Waits for a connect in progress.
expected<void> finish(int descriptor, steady::time_point deadline) {
  if (errno != EINPROGRESS)
    return fail(errc::system_error, reason(errno));
  if (!await(descriptor, POLLOUT, deadline))
    return late();
  int code = 0;
  socklen_t size = sizeof(code);
  if (::getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &code, &size) != 0)
    code = errno;
  if (code != 0)
    return fail(errc::system_error, reason(code));
  return {};
}

/// Whether the listening program belongs to this process's user or to root. Root also
/// accepts the owner of the folder, unless others may write there.
expected<void> check_peer(int descriptor, const std::string& path) {
  ucred peer{};
  socklen_t size = sizeof(peer);
  if (::getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0)
    return fail(errc::system_error, reason(errno));
  if (peer.uid == ::geteuid() || peer.uid == 0)
    return {};
  struct stat folder {};
  if (::geteuid() == 0 && ::stat(folder_of(path).c_str(), &folder) == 0
      && folder.st_uid == peer.uid
      && (folder.st_mode & (S_IWGRP | S_IWOTH)) == 0)
    return {};
  return fail(errc::invalid_argument,
              "the program that listens there belongs to the user with id "
                + std::to_string(peer.uid)
                + ", who could stand in for the server");
}

/// A connect to a Unix socket waits for a place in its backlog only when it blocks.
expected<unique_descriptor> reach(const console_socket& where,
                                  steady::time_point deadline) {
  if (auto ok = check_path(where.path); !ok)
    return tl::unexpected{std::move(ok.error())};
  unique_descriptor made{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  const auto left = std::max(
    std::chrono::ceil<std::chrono::microseconds>(deadline - steady::now()),
    std::chrono::microseconds{1});
  const timeval limit{left.count() / 1'000'000, left.count() % 1'000'000};
  if (made.get() < 0
      || ::setsockopt(made.get(), SOL_SOCKET, SO_SNDTIMEO, &limit,
                      sizeof(limit))
           != 0)
    return fail(errc::system_error, reason(errno));
  if (connect(made.get(), address_of(where.path)) != 0)
    return errno == EAGAIN ? late() : fail(errc::system_error, reason(errno));
  if (auto ok = check_peer(made.get(), where.path); !ok)
    return tl::unexpected{std::move(ok.error())};
  // The limit applies to the connect only.
  const timeval none{};
  if (::setsockopt(made.get(), SOL_SOCKET, SO_SNDTIMEO, &none, sizeof(none))
        != 0
      || ::fcntl(made.get(), F_SETFL, O_NONBLOCK) != 0)
    return fail(errc::system_error, reason(errno));
  return made;
}

expected<unique_descriptor> reach(const console_port& where,
                                  steady::time_point deadline) {
  const auto found = look_up(where.host, where.port, 0);
  if (!found)
    return tl::unexpected{found.error()};
  expected<unique_descriptor> result = fail(errc::system_error, "no address");
  for (const auto* x : in_order(*found)) {
    auto made = socket_for(*x);
    auto done = expected<void>{};
    if (::connect(made.get(), x->ai_addr, x->ai_addrlen) != 0)
      done = finish(made.get(), deadline);
    if (done)
      return made;
    result = tl::unexpected{std::move(done.error())};
  }
  return result;
}

} // namespace

expected<unique_descriptor> reach(const console_address& where,
                                  steady::time_point deadline) {
  return std::visit([&](const auto& x) { return reach(x, deadline); }, where);
}

expected<unique_descriptor> connect_to(const console_address& where,
                                       milliseconds timeout) {
  return reach(where, steady::now() + timeout);
}

bool await(int descriptor, short events, steady::time_point deadline) {
  for (;;) {
    const auto left = std::chrono::ceil<milliseconds>(deadline - steady::now());
    pollfd entry{descriptor, events, 0};
    const auto count
      = ::poll(&entry, 1, static_cast<int>(std::max(left.count(), 0L)));
    if (count > 0)
      return true;
    if (count == 0 || errno != EINTR)
      return false;
  }
}

tl::unexpected<error> late() {
  return fail(errc::timeout, "no answer in time");
}

} // namespace troupe::gate
