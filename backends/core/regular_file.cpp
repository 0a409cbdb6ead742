#include <troupe/backends/core/regular_file.hpp>

#include <cerrno>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>

namespace troupe {

namespace {

const char* name_of(mode_t mode) noexcept {
  if (S_ISDIR(mode))
    return "a directory";
  if (S_ISFIFO(mode))
    return "a FIFO";
  if (S_ISSOCK(mode))
    return "a socket";
  return "a device";
}

tl::unexpected<error> system_failure() {
  return fail(errc::system_error, std::generic_category().message(errno));
}

} // namespace

expected<unique_descriptor> open_regular_file(const std::string& path) {
  // A terminal must not become the program's controlling terminal.
  unique_descriptor result{
    ::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)};
  struct stat present {};
  if (result.get() < 0)
    // A socket cannot be opened.
    return errno == ENXIO && ::stat(path.c_str(), &present) == 0
             ? fail(errc::system_error, std::string{"it is "}
                                          + name_of(present.st_mode)
                                          + ", not a regular file")
             : system_failure();
  if (::fstat(result.get(), &present) != 0)
    return system_failure();
  if (!S_ISREG(present.st_mode))
    return fail(errc::system_error, std::string{"it is "}
                                      + name_of(present.st_mode)
                                      + ", not a regular file");
  return result;
}

} // namespace troupe
