#include <troupe/actors/detail/ini_source.hpp>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <troupe/backends/core/unique_descriptor.hpp>

namespace troupe::detail {

namespace {

tl::unexpected<error> cannot_read(const std::string& path,
                                  const std::string& why) {
  return fail(errc::invalid_argument, "cannot read " + path + ": " + why);
}

/// Why another user could have written this file or directory; empty: none could.
std::string distrust(const struct stat& found) {
  if (found.st_uid != ::geteuid() && found.st_uid != 0)
    return "belongs to the user with id " + std::to_string(found.st_uid);
  if ((found.st_mode & (S_IWGRP | S_IWOTH)) != 0)
    return "may be written by other users";
  return {};
}

/// A file that nobody named is read only where no other user could have put it.
expected<void> check_trust(const std::string& path, const struct stat& file) {
  struct stat folder {};
  if (::stat(".", &folder) != 0)
    return cannot_read(path, std::strerror(errno));
  auto why = distrust(folder);
  if (!why.empty())
    why = "lies in a directory that " + why;
  else
    why = distrust(file);
  if (why.empty())
    return {};
  return fail(errc::invalid_argument,
              path + " " + why
                + "; if you trust it, name it with --config-file=" + path);
}

} // namespace

expected<ini_choice> chosen_file(const settings::command_line& line,
                                 std::size_t option, const char* ini,
                                 const char* default_file) {
  auto result
    = ini != nullptr ? ini_choice{ini, true} : ini_choice{default_file, false};
  std::size_t count = 0;
  for (const auto& x : line.arguments) {
    if (x.option != option)
      continue;
    if (x.value.value_or("").empty())
      return fail(errc::invalid_argument,
                  "--config-file names no file; write --config-file=FILE");
    if (++count > 1)
      return fail(errc::invalid_argument, "--config-file names a second file, "
                                            + *x.value + "; only one is read");
    result = {*x.value, true};
  }
  return result;
}

expected<std::string> read_ini(const ini_choice& from) {
  // To open a FIFO would wait for its writer.
  const unique_descriptor file{
    ::open(from.path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)};
  if (file.get() < 0) {
    if (errno == ENOENT && !from.is_named)
      return std::string{};
    return cannot_read(from.path, std::strerror(errno));
  }
  struct stat found {};
  if (::fstat(file.get(), &found) != 0)
    return cannot_read(from.path, std::strerror(errno));
  if (S_ISDIR(found.st_mode))
    return cannot_read(from.path, "it is a directory");
  // A device may have no end.
  if (!S_ISREG(found.st_mode) && from.path != "/dev/null")
    return cannot_read(from.path, "it is not a regular file");
  if (!from.is_named)
    if (auto ok = check_trust(from.path, found); !ok)
      return tl::unexpected{std::move(ok.error())};
  std::string result;
  std::array<char, 4096> part{};
  for (;;) {
    const auto count = ::read(file.get(), part.data(), part.size());
    if (count == 0)
      return result;
    if (count < 0 && errno != EINTR)
      return cannot_read(from.path, std::strerror(errno));
    if (count > 0)
      result.append(part.data(), static_cast<std::size_t>(count));
  }
}

} // namespace troupe::detail
