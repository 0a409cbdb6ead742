#include <troupe/actors/gate/detail/socket_file.hpp>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <troupe/actors/gate/detail/folder.hpp>
#include <troupe/actors/gate/detail/reason.hpp>
#include <troupe/actors/gate/detail/unix_address.hpp>
#include <troupe/backends/core/folder_of.hpp>

namespace troupe::gate {

namespace {

using std::chrono::milliseconds;
using steady = std::chrono::steady_clock;

/// Connections that the system keeps until they are accepted.
constexpr int backlog = 64;

/// How long another program may lock the folder while it makes its own socket there;
/// that takes less than a millisecond.
constexpr milliseconds folder_patience{2'000};

unique_descriptor unix_socket() noexcept {
  return unique_descriptor{
    ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
}

tl::unexpected<error> no_socket(const std::string& path,
                                const std::string& why) {
  return fail(errc::system_error,
              "cannot listen on the socket " + path + " (" + why + ")");
}

/// No other program of this user makes a socket in the folder while the result lives.
/// Empty for a folder that other users may enter, because they could hold the lock
/// without end.
expected<unique_descriptor> hold_folder(const std::string& path) {
  const auto folder = folder_of(path);
  if (!check_folder(folder))
    return unique_descriptor{};
  unique_descriptor result{
    ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  // The folder may be writable but not readable.
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

/// Whether the name is free, or belongs to a socket without a listener.
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

/// Gives a listening socket its name, without taking the name from another program.
/// Errors: those of `check_name`.
expected<void> give_name(const std::string& early, const std::string& path) {
  const auto move = [](const std::string& from, const std::string& to) {
    return ::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(),
                       RENAME_NOREPLACE)
           == 0;
  };
  if (move(early, path))
    return {};
  // Some file systems do not support it and replace a name at once or not at all.
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
  // The old socket was dead. In a folder without a lock another program may have taken
  // the name since, so the moved socket is checked again.
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

/// "6380.sock", "pid-4711.sock", "pid-4711-2.sock", and these with ".PID" or ".PID~" at
/// the end: names that Troupe's programs may have left.
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
/// Troupe program is between its bind and its listen.
void sweep(const std::string& folder) {
  std::error_code failure;
  // If the folder cannot be read further, the rest is swept another time.
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
  // It gets its name after it listens: a console that sees the name gets an answer.
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

} // namespace troupe::gate
