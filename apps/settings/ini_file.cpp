#include "apps/settings/ini_file.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <thread>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <troupe/backends/core/folder_of.hpp>
#include <troupe/backends/core/regular_file.hpp>
#include <troupe/messages/types/settings/ini_text.hpp>

namespace troupe::settings {

namespace {

std::vector<std::string> lines_of(std::string_view text) {
  std::vector<std::string> result;
  while (!text.empty()) {
    const auto end = text.find('\n');
    result.emplace_back(text.substr(0, end));
    text.remove_prefix(end == text.npos ? text.size() : end + 1);
  }
  return result;
}

tl::unexpected<error> system_failure() {
  return fail(errc::system_error, std::strerror(errno));
}

/// Closes a descriptor, and removes a file that has not become another's.
class temporary_file {
public:
  /// Always of the same name, so that what crashes leave does not add up.
  explicit temporary_file(const std::string& beside)
    : path_(beside + ".rewrite") {
    unlink(path_.c_str());
    // Follows no link that another put there.
    descriptor_ = open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
                       S_IRUSR | S_IWUSR);
  }

  temporary_file(const temporary_file&) = delete;
  temporary_file& operator=(const temporary_file&) = delete;

  ~temporary_file() {
    if (descriptor_ >= 0)
      close(descriptor_);
    if (descriptor_ >= 0 && !path_.empty())
      unlink(path_.c_str());
  }

  [[nodiscard]] int descriptor() const noexcept {
    return descriptor_;
  }

  bool write(std::string_view what) {
    while (!what.empty()) {
      const auto size = ::write(descriptor_, what.data(), what.size());
      if (size < 0 && errno != EINTR)
        return false;
      what.remove_prefix(size < 0 ? 0 : static_cast<std::size_t>(size));
    }
    return true;
  }

  bool rename_to(const std::string& path) {
    if (rename(path_.c_str(), path.c_str()) != 0)
      return false;
    path_.clear();
    return true;
  }

private:
  std::string path_;
  int descriptor_ = -1;
};

/// Sees to it that the name of a file is on the disk.
bool sync_directory_of(const std::string& path) {
  const int descriptor = open(folder_of(path).c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0)
    return false;
  const bool done = fsync(descriptor) == 0;
  close(descriptor);
  return done;
}

} // namespace

std::string with_values(std::string_view text, std::string_view section,
                        const ini_values& values, const ini_values& added,
                        const same_value& same) {
  auto lines = lines_of(text);
  auto left = added;
  // Behind the last line of the section that says something.
  auto end = lines.size();
  bool found = false;
  bool inside = false;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const auto blank = lines[i].find_first_not_of(" \t\r") == std::string::npos;
    // The file may have been edited since it was read at the start.
    const auto line = read_ini_line(lines[i]).value_or(ini_line{});
    if (line.what == ini_line::form::section)
      inside = line.name == section;
    if (!inside || blank)
      continue;
    found = true;
    end = i + 1;
    if (line.what != ini_line::form::entry)
      continue;
    const auto known
      = std::find_if(values.begin(), values.end(), [&](const auto& x) {
          return x.name == line.name
                 || (!x.alias.empty() && x.alias == line.name);
        });
    if (known == values.end())
      continue;
    std::erase_if(left, [&](const auto& x) { return x.name == known->name; });
    if (same(*known, line.value))
      continue;
    const std::string comment{line.comment};
    lines[i] = line.name + "=" + ini_value(known->value)
               + (comment.empty() ? "" : " " + comment);
  }
  std::vector<std::string> fresh;
  if (!found && !left.empty()) {
    if (!lines.empty()
        && lines.back().find_first_not_of(" \t\r") != std::string::npos)
      fresh.emplace_back();
    fresh.push_back("[" + std::string{section} + "]");
    end = lines.size();
  }
  for (const auto& x : left)
    fresh.push_back(x.name + "=" + ini_value(x.value));
  lines.insert(lines.begin() + static_cast<std::ptrdiff_t>(end), fresh.begin(),
               fresh.end());
  std::string result;
  for (const auto& line : lines)
    result += line + "\n";
  return result;
}

expected<unique_descriptor> lock_file(const std::string& path,
                                      std::chrono::milliseconds patience) {
  const auto end = std::chrono::steady_clock::now() + patience;
  for (;;) {
    auto opened = open_regular_file(path);
    if (!opened)
      return opened;
    if (::flock(opened->get(), LOCK_EX | LOCK_NB) == 0) {
      struct stat locked {};
      struct stat present {};
      // A program that had it locked may have replaced it.
      if (fstat(opened->get(), &locked) == 0
          && stat(path.c_str(), &present) == 0
          && locked.st_dev == present.st_dev && locked.st_ino == present.st_ino)
        return opened;
    } else if (errno != EWOULDBLOCK && errno != EINTR) {
      return system_failure();
    }
    if (std::chrono::steady_clock::now() > end)
      return fail(errc::system_error,
                  "another program keeps it locked; try again");
    std::this_thread::sleep_for(std::chrono::milliseconds{1});
  }
}

expected<bool> replace_file(const std::string& path, std::string_view content) {
  struct stat present {};
  const auto opened = open_regular_file(path);
  if (!opened)
    return tl::unexpected{opened.error()};
  temporary_file fresh{path};
  if (fresh.descriptor() < 0 || fstat(opened->get(), &present) != 0
      || fchmod(fresh.descriptor(), present.st_mode & 07777) != 0
      || !fresh.write(content) || fsync(fresh.descriptor()) != 0
      || !fresh.rename_to(path))
    return system_failure();
  return sync_directory_of(path);
}

expected<std::string> read_file(const std::string& path) {
  const auto opened = open_regular_file(path);
  if (!opened)
    return tl::unexpected{opened.error()};
  std::string result;
  constexpr std::size_t piece = 64 * 1024;
  for (;;) {
    const auto before = result.size();
    result.resize(before + piece);
    const auto size = ::read(opened->get(), result.data() + before, piece);
    result.resize(before + (size > 0 ? static_cast<std::size_t>(size) : 0));
    if (size == 0)
      return result;
    if (size < 0 && errno != EINTR)
      return system_failure();
  }
}

} // namespace troupe::settings
