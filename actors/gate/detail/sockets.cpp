#include <troupe/actors/gate/detail/sockets.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <memory>
#include <optional>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <troupe/actors/gate/detail/folder.hpp>
#include <troupe/actors/gate/detail/protocol.hpp>
#include <troupe/backends/core/folder_of.hpp>

namespace troupe::gate {

namespace {

using std::chrono::milliseconds;
using steady = std::chrono::steady_clock;

/// Connections that the system keeps until they are accepted.
constexpr int backlog = 64;

/// How long another program may hold the folder while it makes its own socket there,
/// which takes less than a millisecond.
constexpr milliseconds folder_patience{2'000};

/// Connections that a console makes until one is not closed before it is let in.
constexpr int most_tries = 50;

std::string reason(int code) {
  return std::generic_category().message(code);
}

sockaddr_un address_of(const std::string& path) noexcept {
  sockaddr_un result{};
  result.sun_family = AF_UNIX;
  std::memcpy(result.sun_path, path.data(),
              std::min(path.size(), sizeof(result.sun_path) - 1));
  return result;
}

unique_descriptor unix_socket() noexcept {
  return unique_descriptor{
    ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
}

// The system's calls take every kind of address by the same pointer.
int connect(int descriptor, const sockaddr_un& to) noexcept {
  return ::connect(descriptor, reinterpret_cast<const sockaddr*>(&to),
                   sizeof(to));
}

expected<void> check_path(const std::string& path) {
  if (path.empty() || path.size() > longest_path)
    return fail(errc::invalid_argument, "the path of the console's socket has "
                                          + std::to_string(path.size())
                                          + " bytes; allowed are 1 to "
                                          + std::to_string(longest_path));
  return {};
}

// -- a socket in a folder ------------------------------------------------------------

tl::unexpected<error> no_socket(const std::string& path,
                                const std::string& why) {
  return fail(errc::system_error,
              "cannot listen on the socket " + path + " (" + why + ")");
}

/// No other program of this user makes a socket in the folder while this lives. Empty
/// for a folder that other users may enter, as they could hold the lock for ever.
expected<unique_descriptor> hold_folder(const std::string& path) {
  const auto folder = folder_of(path);
  if (!check_folder(folder))
    return unique_descriptor{};
  unique_descriptor result{
    ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  // It may be written, but not read.
  if (result.get() < 0)
    return unique_descriptor{};
  const auto deadline = steady::now() + folder_patience;
  while (::flock(result.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno == EINTR)
      continue;
    if (errno != EWOULDBLOCK)
      return no_socket(path, "cannot lock " + folder + ": " + reason(errno));
    if (steady::now() > deadline)
      return no_socket(path,
                       "another program of this user has locked " + folder);
    std::this_thread::sleep_for(milliseconds{5});
  }
  return result;
}

/// Whether the name is free, or that of a socket which nobody listens on.
expected<void> check_name(const std::string& path) {
  struct stat found {};
  if (::lstat(path.c_str(), &found) != 0)
    return errno == ENOENT ? expected<void>{} : no_socket(path, reason(errno));
  if (!S_ISSOCK(found.st_mode))
    return no_socket(path, "there is something else with this name");
  const auto probe = unix_socket();
  if (connect(probe.get(), address_of(path)) == 0 || errno == EAGAIN)
    return no_socket(path, "another program listens there");
  return errno == ECONNREFUSED ? expected<void>{}
                               : no_socket(path, reason(errno));
}

/// Gives a socket that listens its name, without taking it from another program.
/// Errors: as `check_name`.
expected<void> give_name(const std::string& early, const std::string& path) {
  const auto move = [](const std::string& from, const std::string& to) {
    return ::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(),
                       RENAME_NOREPLACE)
           == 0;
  };
  if (move(early, path))
    return {};
  // Some file systems cannot, and replace a name at once or not at all.
  if (errno == EINVAL || errno == ENOSYS)
    return check_name(path).and_then([&]() -> expected<void> {
      if (::rename(early.c_str(), path.c_str()) != 0)
        return no_socket(path, reason(errno));
      return {};
    });
  if (errno != EEXIST)
    return no_socket(path, reason(errno));
  if (auto ok = check_name(path); !ok)
    return ok;
  // It was dead. In a folder without a lock another program may have taken the name
  // since, so what is moved out of the way is looked at once more.
  const auto old = early + "~";
  ::unlink(old.c_str());
  if (!move(path, old) && errno != ENOENT)
    return no_socket(path, reason(errno));
  if (auto ok = check_name(old); !ok) {
    move(old, path);
    return no_socket(path, "another program listens there");
  }
  ::unlink(old.c_str());
  if (!move(early, path))
    return no_socket(path, errno == EEXIST ? "another program listens there"
                                           : reason(errno));
  return {};
}

/// "6380.sock", "pid-4711.sock", "pid-4711-2.sock", and these with ".PID" behind them
/// or ".PID~": what a program of ours may have left behind.
bool is_own_name(std::string_view name) {
  const auto digits = [&] {
    const auto end
      = std::min(name.find_first_not_of("0123456789"), name.size());
    name.remove_prefix(end);
    return end > 0;
  };
  const auto skip = [&](std::string_view word) {
    if (!name.starts_with(word))
      return false;
    name.remove_prefix(word.size());
    return true;
  };
  const bool has_pid = skip("pid-");
  if (!digits() || (has_pid && skip("-") && !digits()) || !skip(".sock"))
    return false;
  return name.empty() || (skip(".") && digits() && (skip("~"), name.empty()));
}

/// Removes the sockets of programs that were killed. The folder is locked, so that no
/// program of ours is between its bind and its listen.
void sweep(const std::string& folder) {
  std::error_code failure;
  // A folder that can be read no further is swept another time.
  for (std::filesystem::directory_iterator x{folder, failure}, end;
       !failure && x != end; x.increment(failure)) {
    const auto path = x->path().string();
    std::error_code gone;
    if (!is_own_name(x->path().filename().string())
        || path.size() >= sizeof(sockaddr_un::sun_path) || !x->is_socket(gone))
      continue;
    const auto probe = unix_socket();
    if (probe.get() >= 0 && connect(probe.get(), address_of(path)) != 0
        && errno == ECONNREFUSED)
      ::unlink(path.c_str());
  }
}

bool is_runtime_folder(const std::string& folder) {
  const auto all = present_folders();
  return std::find(all.begin(), all.end(), folder) != all.end();
}

} // namespace

expected<socket_file> socket_file::listen(std::string path) {
  if (auto ok = check_path(path); !ok)
    return tl::unexpected{std::move(ok.error())};
  const auto held = hold_folder(path);
  if (!held)
    return tl::unexpected{held.error()};
  if (held->get() >= 0 && is_runtime_folder(folder_of(path)))
    sweep(folder_of(path));
  if (auto ok = check_name(path); !ok)
    return tl::unexpected{std::move(ok.error())};
  // It gets its name when it listens: a console that sees the name is answered.
  const auto early = path + "." + std::to_string(::getpid());
  auto made = unix_socket();
  const auto address = address_of(early);
  ::unlink(early.c_str());
  if (made.get() < 0 || ::fchmod(made.get(), 0600) != 0
      || ::bind(made.get(), reinterpret_cast<const sockaddr*>(&address),
                sizeof(address))
           != 0)
    return no_socket(path, reason(errno));
  auto ok = expected<void>{};
  if (::chmod(early.c_str(), 0600) != 0 || ::listen(made.get(), backlog) != 0)
    ok = no_socket(path, reason(errno));
  if (ok)
    ok = give_name(early, path);
  if (!ok) {
    ::unlink(early.c_str());
    return tl::unexpected{std::move(ok.error())};
  }
  return socket_file{std::move(path), std::move(made)};
}

socket_file::socket_file(std::string path, unique_descriptor descriptor)
  : path_(std::move(path)), descriptor_(std::move(descriptor)) {
  struct stat found {};
  if (::lstat(path_.c_str(), &found) == 0) {
    device_ = found.st_dev;
    number_ = found.st_ino;
  }
}

socket_file::socket_file(socket_file&& other) noexcept
  : path_(std::exchange(other.path_, {})),
    descriptor_(std::move(other.descriptor_)),
    device_(other.device_),
    number_(other.number_) {
  // nop
}

socket_file::~socket_file() {
  struct stat found {};
  if (!path_.empty() && ::lstat(path_.c_str(), &found) == 0
      && found.st_dev == device_ && found.st_ino == number_)
    ::unlink(path_.c_str());
}

// -- a port --------------------------------------------------------------------------

namespace {

using addresses = std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)>;

expected<addresses> look_up(const std::string& host, std::uint16_t port,
                            int flags) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = flags | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const auto code
    = ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found);
  if (code != 0)
    return fail(errc::system_error, ::gai_strerror(code));
  return addresses{found, &::freeaddrinfo};
}

/// In the order in which they are tried. 127.0.0.1 comes before ::1: a runtime that was
/// given "localhost" listens on the former, and any user may take the port of the
/// latter.
std::vector<const addrinfo*> in_order(const addresses& found) {
  std::vector<const addrinfo*> result;
  for (const auto* x = found.get(); x != nullptr; x = x->ai_next)
    result.push_back(x);
  std::stable_partition(result.begin(), result.end(), [](const addrinfo* x) {
    if (x->ai_family != AF_INET)
      return false;
    const auto& address = *reinterpret_cast<const sockaddr_in*>(x->ai_addr);
    return address.sin_addr.s_addr == htonl(INADDR_LOOPBACK);
  });
  return result;
}

unique_descriptor socket_for(const addrinfo& x) noexcept {
  return unique_descriptor{::socket(
    x.ai_family, x.ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, x.ai_protocol)};
}

expected<std::uint16_t> port_of(int descriptor) {
  sockaddr_storage bound{};
  socklen_t size = sizeof(bound);
  std::array<char, NI_MAXSERV> text{};
  auto* const address = reinterpret_cast<sockaddr*>(&bound);
  if (::getsockname(descriptor, address, &size) != 0
      || ::getnameinfo(address, size, nullptr, 0, text.data(), text.size(),
                       NI_NUMERICSERV)
           != 0)
    return fail(errc::system_error, reason(errno));
  return static_cast<std::uint16_t>(std::stoul(text.data()));
}

} // namespace

expected<port_socket> listen_on(const std::string& host, std::uint16_t port) {
  const auto refuse = [&](const std::string& why) {
    return fail(errc::system_error, "cannot listen on " + host + ":"
                                      + std::to_string(port) + " (" + why
                                      + ")");
  };
  const auto found = look_up(host, port, AI_PASSIVE);
  if (!found)
    return refuse(found.error().text());
  const auto& chosen = *in_order(*found).front();
  auto made = socket_for(chosen);
  const int on = 1;
  if (made.get() < 0
      || ::setsockopt(made.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on))
           != 0
      || ::bind(made.get(), chosen.ai_addr, chosen.ai_addrlen) != 0
      || ::listen(made.get(), backlog) != 0)
    return refuse(reason(errno));
  auto used = port_of(made.get());
  if (!used)
    return refuse(used.error().text());
  return port_socket{std::move(made), *used};
}

// -- the console's side --------------------------------------------------------------

namespace {

/// Waits until the socket is ready, or the time has passed.
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

/// Waits for a connect that is under way.
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

/// Whether the program that listens is of this process's user or of root. Root also
/// believes the owner of the folder, unless others may write there.
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
  // The limit is the connect's only.
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

expected<unique_descriptor> reach(const console_address& where,
                                  steady::time_point deadline) {
  return std::visit([&](const auto& x) { return reach(x, deadline); }, where);
}

/// A short message on a fresh connection fits into what the system keeps.
expected<void> send_whole(int to, const wire_message& x) {
  const auto sent = ::send(to, x.data(), x.size(), MSG_NOSIGNAL);
  // A runtime that turns one away may have closed already; its reason can be read.
  if (sent < 0 && (errno == EPIPE || errno == ECONNRESET))
    return {};
  if (sent != static_cast<ssize_t>(x.size()))
    return fail(errc::system_error, reason(errno));
  return {};
}

/// Nothing where the other side has closed.
expected<std::optional<wire_message>>
receive_whole(int from, steady::time_point deadline) {
  wire_message result{};
  std::size_t size = 0;
  while (size < result.size()) {
    if (!await(from, POLLIN, deadline))
      return late();
    const auto count
      = ::recv(from, result.data() + size, result.size() - size, 0);
    if (count == 0 || (count < 0 && errno == ECONNRESET))
      return std::nullopt;
    if (count < 0 && errno != EAGAIN && errno != EINTR)
      return fail(errc::system_error, reason(errno));
    size += static_cast<std::size_t>(std::max<ssize_t>(count, 0));
    // What speaks another protocol may go on for ever, or say no more.
    if (!may_be_message({result.data(), size}))
      break;
  }
  return result;
}

enum class ending : std::uint8_t { inside, closed };

expected<ending> talk(int with, visitor& self, steady::time_point deadline) {
  if (auto ok = send_whole(with, self.hello()); !ok)
    return tl::unexpected{std::move(ok.error())};
  for (;;) {
    const auto answer = receive_whole(with, deadline);
    if (!answer)
      return tl::unexpected{answer.error()};
    if (!*answer)
      return ending::closed;
    const auto next = self.take(**answer);
    if (!next)
      return tl::unexpected{next.error()};
    if (next->is_in)
      return ending::inside;
    if (next->reply)
      if (auto ok = send_whole(with, *next->reply); !ok)
        return tl::unexpected{std::move(ok.error())};
  }
}

} // namespace

expected<unique_descriptor> connect_to(const console_address& where,
                                       milliseconds timeout) {
  return reach(where, steady::now() + timeout);
}

expected<unique_descriptor> enter(const console_address& where,
                                  milliseconds timeout) {
  const auto deadline = steady::now() + timeout;
  std::optional<std::string> password;
  if (const auto* port = std::get_if<console_port>(&where)) {
    if (port->password.empty())
      return fail(errc::invalid_argument, "a TCP port needs the password");
    password = port->password;
  }
  // A listener that many strangers knock at closes some of those that wait. The password
  // becomes a key once, so that later tries are short.
  visitor self{std::move(password)};
  for (auto left = most_tries; left > 0; --left) {
    auto result = reach(where, deadline);
    if (!result)
      return result;
    const auto end = talk(result->get(), self, deadline);
    if (!end)
      return tl::unexpected{end.error()};
    if (*end == ending::inside)
      return result;
  }
  return fail(errc::system_error, "it closed the connection");
}

} // namespace troupe::gate
