#include <troupe/actors/gate/detail/unix_address.hpp>

#include <algorithm>
#include <cstring>

#include <sys/socket.h>

namespace troupe::gate {

expected<void> check_path(const std::string& path) {
  if (path.empty() || path.size() > longest_path)
    return fail(errc::invalid_argument, "the path of the console's socket has "
                                          + std::to_string(path.size())
                                          + " bytes; allowed: 1 to "
                                          + std::to_string(longest_path));
  return {};
}

sockaddr_un address_of(const std::string& path) noexcept {
  sockaddr_un result{};
  result.sun_family = AF_UNIX;
  std::memcpy(result.sun_path, path.data(),
              std::min(path.size(), sizeof(result.sun_path) - 1));
  return result;
}

int connect(int descriptor, const sockaddr_un& to) noexcept {
  // The system call takes all kinds of addresses by one pointer type.
  return ::connect(descriptor, reinterpret_cast<const sockaddr*>(&to),
                   sizeof(to));
}

} // namespace troupe::gate
