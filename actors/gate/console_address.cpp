#include <troupe/actors/gate/console_address.hpp>

#include <troupe/actors/gate/detail/folder.hpp>

namespace troupe {

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

} // namespace troupe
