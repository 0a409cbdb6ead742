#include <troupe/actors/gate/detail/folder.hpp>

#include <cerrno>
#include <cstdlib>
#include <system_error>

#include <sys/stat.h>
#include <unistd.h>

namespace troupe::gate {

namespace {

std::string shared_folder() {
  return "/tmp/troupe-" + std::to_string(::geteuid());
}

/// Returns nothing when the user has no such directory. A variable inherited from
/// another user does not count.
std::optional<std::string> own_folder() {
  const auto* parent = std::getenv("XDG_RUNTIME_DIR");
  struct stat found {};
  if (parent == nullptr || parent[0] != '/' || ::stat(parent, &found) != 0
      || !S_ISDIR(found.st_mode) || found.st_uid != ::geteuid())
    return {};
  return std::string{parent} + "/troupe";
}

tl::unexpected<error> refuse(const std::string& path, const std::string& why) {
  return fail(errc::system_error, "the run-time folder " + path + " " + why);
}

} // namespace

expected<void> check_folder(const std::string& path) {
  struct stat found {};
  if (::lstat(path.c_str(), &found) != 0)
    return refuse(path, "cannot be looked at ("
                          + std::generic_category().message(errno) + ")");
  if (!S_ISDIR(found.st_mode))
    return refuse(path, "is not a directory; remove it");
  if (found.st_uid != ::geteuid())
    return refuse(path, "belongs to the user with id "
                          + std::to_string(found.st_uid)
                          + ", who could stand in for this program");
  if ((found.st_mode & 077U) != 0)
    return refuse(path, "is open to other users; chmod 700 it");
  return {};
}

expected<std::string> runtime_folder() {
  const auto path = own_folder().value_or(shared_folder());
  if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST)
    return refuse(path, "cannot be made ("
                          + std::generic_category().message(errno) + ")");
  return check_folder(path).map([&] { return path; });
}

std::vector<std::string> present_folders() {
  std::vector<std::string> result;
  if (auto own = own_folder(); own && check_folder(*own))
    result.push_back(std::move(*own));
  if (auto shared = shared_folder(); check_folder(shared))
    result.push_back(std::move(shared));
  return result;
}

} // namespace troupe::gate
