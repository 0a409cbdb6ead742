#include "apps/net/listening.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <system_error>
#include <thread>
#include <utility>

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <troupe/backends/core/folder_of.hpp>

namespace troupe::net {

namespace {

// Connections that wait in the kernel; it cuts the number to its own limit.
constexpr int backlog = 511;

// How often another free port is looked for that all addresses have.
constexpr int most_tries = 16;

constexpr int socket_kind = SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC;

std::string reason_of(int code) {
  return std::generic_category().message(code);
}

error tcp_failure(int code, const std::string& address, std::uint16_t number,
                  const std::string& option) {
  const auto port = std::to_string(number);
  if (code == EADDRINUSE)
    return {errc::system_error,
            "port " + port + " on " + address
              + " is in use; end the program that uses it, or choose another "
                "port with "
              + option + "=N (0: any free port)"};
  if (code == EACCES)
    return {errc::system_error, "this user may not listen on port " + port
                                  + "; choose one above 1023 with " + option
                                  + "=N"};
  return {errc::system_error, "cannot listen on " + address + " port " + port
                                + ": " + reason_of(code)};
}

/// A socket that listens, or the system's error.
struct attempt {
  unique_descriptor socket;
  int code = 0;
};

bool switch_on(int socket, int level, int option) noexcept {
  const int on = 1;
  return ::setsockopt(socket, level, option, &on, sizeof(on)) == 0;
}

attempt try_tcp(const boost::asio::ip::address& where, std::uint16_t port,
                bool v6_only) {
  sockaddr_storage address{};
  socklen_t size = 0;
  if (where.is_v6()) {
    auto& x = reinterpret_cast<sockaddr_in6&>(address);
    const auto bytes = where.to_v6().to_bytes();
    x.sin6_family = AF_INET6;
    x.sin6_port = htons(port);
    x.sin6_scope_id = static_cast<std::uint32_t>(where.to_v6().scope_id());
    std::memcpy(&x.sin6_addr, bytes.data(), bytes.size());
    size = sizeof(x);
  } else {
    auto& x = reinterpret_cast<sockaddr_in&>(address);
    const auto bytes = where.to_v4().to_bytes();
    x.sin_family = AF_INET;
    x.sin_port = htons(port);
    std::memcpy(&x.sin_addr, bytes.data(), bytes.size());
    size = sizeof(x);
  }
  unique_descriptor socket{::socket(address.ss_family, socket_kind, 0)};
  if (socket.get() < 0 || !switch_on(socket.get(), SOL_SOCKET, SO_REUSEADDR)
      || (v6_only && !switch_on(socket.get(), IPPROTO_IPV6, IPV6_V6ONLY))
      || ::bind(socket.get(), reinterpret_cast<sockaddr*>(&address), size) != 0
      || ::listen(socket.get(), backlog) != 0)
    return {unique_descriptor{}, errno};
  return {std::move(socket), 0};
}

std::uint16_t port_of(int socket) noexcept {
  sockaddr_storage address{};
  socklen_t size = sizeof(address);
  if (::getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size) != 0)
    return 0;
  // At the same place in both.
  return ntohs(reinterpret_cast<const sockaddr_in&>(address).sin_port);
}

bool is_missing(int code) noexcept {
  return code == EADDRNOTAVAIL || code == EAFNOSUPPORT
         || code == EPROTONOSUPPORT;
}

} // namespace

expected<std::vector<unique_descriptor>>
listen_tcp(std::vector<bind_address>& where, std::uint16_t& port,
           const std::string& option) {
  // Else the address of all of IPv6 takes that of all of IPv4, too.
  const auto both = std::any_of(where.begin(), where.end(),
                                [](const auto& x) { return x.where.is_v4(); });
  for (int i = 0;; ++i) {
    std::vector<unique_descriptor> result;
    std::vector<bind_address> present;
    auto common = port;
    auto again = false;
    for (const auto& x : where) {
      auto [socket, code] = try_tcp(x.where, common, both && x.where.is_v6());
      if (socket.get() < 0 && x.optional && is_missing(code))
        continue;
      again = socket.get() < 0 && code == EADDRINUSE && port == 0
              && !result.empty() && i + 1 < most_tries;
      if (again)
        break;
      if (socket.get() < 0)
        return tl::unexpected{
          tcp_failure(code, x.where.to_string(), common, option)};
      common = port_of(socket.get());
      result.push_back(std::move(socket));
      present.push_back(x);
    }
    if (again)
      continue;
    if (result.empty())
      return fail(errc::system_error,
                  "this machine has none of the addresses in --bind="
                    + text_of(where));
    port = common;
    where = std::move(present);
    return result;
  }
}

std::optional<error> listen_problem(const std::string& address,
                                    std::uint16_t port,
                                    const std::string& option) {
  auto where = parse_bind(address);
  if (!where)
    return std::nullopt;
  if (const auto tried = listen_tcp(*where, port, option); !tried)
    return tried.error();
  return std::nullopt;
}

// -- in the file system ------------------------------------------------------------

namespace {

/// How long a server waits for another one that makes a socket in the same folder, and
/// how often it looks.
constexpr std::chrono::seconds folder_patience{1};
constexpr std::chrono::milliseconds folder_pause{10};

/// Locks the folder of `path` for servers that make sockets there, until the result is
/// closed. The result is empty where the folder cannot be locked: then two servers that
/// start at the same moment may both believe that they listen there.
unique_descriptor lock_folder_of(const std::string& path) {
  unique_descriptor result{
    ::open(folder_of(path).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (result.get() < 0)
    return result;
  const auto end = std::chrono::steady_clock::now() + folder_patience;
  while (::flock(result.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK && errno != EINTR)
      return unique_descriptor{};
    // No server takes that long. In a folder like /tmp anybody may lock it.
    if (std::chrono::steady_clock::now() > end)
      return unique_descriptor{};
    std::this_thread::sleep_for(folder_pause);
  }
  return result;
}

expected<void> make_way(const std::string& path, const sockaddr_un& address) {
  struct stat present {};
  if (::lstat(path.c_str(), &present) != 0)
    return {};
  if (!S_ISSOCK(present.st_mode))
    return fail(errc::system_error,
                path
                  + " exists and is not a socket; remove it, or choose "
                    "another path with --unixsocket=PATH");
  const unique_descriptor probe{::socket(AF_UNIX, socket_kind, 0)};
  if (probe.get() < 0)
    return fail(errc::system_error, reason_of(errno));
  const auto code
    = ::connect(probe.get(), reinterpret_cast<const sockaddr*>(&address),
                sizeof(address))
          == 0
        ? 0
        : errno;
  if (code == 0 || code == EAGAIN)
    return fail(errc::system_error,
                "a program listens on " + path
                  + "; end it, or choose another path with --unixsocket=PATH");
  if (code == ENOENT)
    return {};
  // All other answers may come from a socket that a program uses: of another kind
  // (EPROTOTYPE), or of another user (EACCES).
  if (code != ECONNREFUSED)
    return fail(errc::system_error,
                "cannot tell whether a program uses the socket " + path + " ("
                  + reason_of(code)
                  + "); remove it, or choose another path with "
                    "--unixsocket=PATH");
  // The program that listened there has crashed.
  if (::unlink(path.c_str()) != 0 && errno != ENOENT)
    return fail(errc::system_error, "cannot replace the unused socket " + path
                                      + ": " + reason_of(errno));
  return {};
}

} // namespace

expected<local_socket> local_socket::listen(const std::string& path,
                                            mode_t mode) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof(address.sun_path))
    return fail(errc::invalid_argument,
                "--unixsocket has " + std::to_string(path.size())
                  + " bytes; the system allows up to "
                  + std::to_string(sizeof(address.sun_path) - 1));
  std::memcpy(address.sun_path, path.data(), path.size());
  // Until it listens: the probe of another server would take it for a crashed one.
  const auto lock = lock_folder_of(path);
  if (auto ok = make_way(path, address); !ok)
    return tl::unexpected{std::move(ok.error())};
  unique_descriptor socket{::socket(AF_UNIX, socket_kind, 0)};
  if (socket.get() < 0
      || ::bind(socket.get(), reinterpret_cast<sockaddr*>(&address),
                sizeof(address))
           != 0)
    return fail(errc::system_error,
                "cannot make the socket " + path + ": " + reason_of(errno));
  local_socket result{path, std::move(socket)};
  struct stat made {};
  if (::lstat(path.c_str(), &made) == 0) {
    result.device_ = made.st_dev;
    result.inode_ = made.st_ino;
  }
  // No client gets in before it listens: no moment with other permissions counts.
  if (result.inode_ == 0 || (mode != 0 && ::chmod(path.c_str(), mode) != 0)
      || ::listen(result.socket_.get(), backlog) != 0)
    return fail(errc::system_error,
                "cannot listen on " + path + ": " + reason_of(errno));
  return result;
}

local_socket::local_socket(local_socket&& other) noexcept
  : path_(std::exchange(other.path_, {})),
    socket_(std::move(other.socket_)),
    device_(other.device_),
    inode_(other.inode_) {
  // nop
}

local_socket::~local_socket() {
  remove();
}

void local_socket::remove() noexcept {
  struct stat present {};
  if (!path_.empty() && ::lstat(path_.c_str(), &present) == 0
      && present.st_dev == device_ && present.st_ino == inode_)
    ::unlink(path_.c_str());
  path_.clear();
}

} // namespace troupe::net
