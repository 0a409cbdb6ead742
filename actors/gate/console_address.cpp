#include <troupe/actors/gate/console_address.hpp>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <system_error>

#include <troupe/actors/gate/detail/folder.hpp>
#include <troupe/actors/gate/detail/sockets.hpp>

namespace troupe {

namespace {

/// For a place in a socket's backlog.
constexpr std::chrono::milliseconds look_patience{200};

} // namespace

std::string to_string(const console_address& x) {
  if (const auto* file = std::get_if<console_socket>(&x))
    return file->path;
  const auto& port = std::get<console_port>(x);
  const bool is_v6 = port.host.find(':') != std::string::npos;
  return (is_v6 ? "[" + port.host + "]" : port.host) + ":"
         + std::to_string(port.port);
}

expected<console_socket> default_console_socket(const std::string& name) {
  return gate::runtime_folder().map([&](const std::string& folder) {
    return console_socket{folder + "/" + name + ".sock"};
  });
}

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
