#include <troupe/actors/gate/find_consoles.hpp>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <system_error>

#include <troupe/actors/gate/console_address.hpp>
#include <troupe/actors/gate/detail/folder.hpp>
#include <troupe/actors/gate/detail/reaching.hpp>

namespace troupe {

namespace {

/// How long to wait for a place in a socket's backlog.
constexpr std::chrono::milliseconds look_patience{200};

} // namespace

std::vector<std::string> find_consoles() {
  std::vector<std::string> result;
  for (const auto& folder : gate::present_folders()) {
    std::error_code failure;
    for (std::filesystem::directory_iterator x{folder, failure}, end;
         !failure && x != end; x.increment(failure))
      if (auto path = x->path().string();
          x->path().extension() == ".sock"
          && gate::connect_to(console_socket{path}, look_patience))
        result.push_back(std::move(path));
  }
  std::sort(result.begin(), result.end());
  return result;
}

} // namespace troupe
