#include "apps/server/options/settings_file.hpp"

#include <algorithm>
#include <chrono>
#include <iterator>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

#include "apps/server/options/option_table.hpp"
#include "apps/server/state/server_state.hpp"

namespace troupe::server {

namespace {

/// How long CONFIG REWRITE waits while another server rewrites the same file.
constexpr std::chrono::seconds patience{2};

/// Whether two texts are the same value of an option: `5m` and `300`.
bool mean_the_same(const option_table& table, const settings::ini_setting& x,
                   std::string_view in_file) {
  const auto& kind = table.find(x.name)->shown.kind;
  const auto present = kind.read(x.value);
  const auto other = kind.read(in_file);
  return present && other && *present == *other;
}

} // namespace

settings::ini_values settings_of(const server_state& server) {
  settings::ini_values result;
  for (const auto& x : options_of(server).rows()) {
    if (!x.start || !x.set)
      continue;
    auto text = x.get(server);
    if (const auto value = x.shown.kind.read(text))
      text = x.shown.kind.write(*value);
    result.push_back({x.shown.name, std::move(text), x.shown.alias});
  }
  std::sort(result.begin(), result.end());
  return result;
}

expected<void> rewrite_settings(const server_state& server) {
  const auto& path = server.options.config_file;
  if (path.empty())
    return fail(errc::invalid_argument);
  static std::mutex one_at_a_time;
  std::lock_guard lock{one_at_a_time};
  // Other servers may use the same file.
  const auto locked = settings::lock_file(path, patience);
  if (!locked)
    return tl::unexpected{locked.error()};
  auto text = settings::read_file(path);
  if (!text)
    return tl::unexpected{std::move(text.error())};
  const auto now = settings_of(server);
  settings::ini_values changed;
  std::set_difference(now.begin(), now.end(), server.at_start.begin(),
                      server.at_start.end(), std::back_inserter(changed));
  const auto sure = settings::replace_file(
    path, settings::with_values(*text, option_table::section, now, changed,
                                [&](const auto& x, std::string_view in_file) {
                                  return mean_the_same(options_of(server), x,
                                                       in_file);
                                }));
  if (!sure)
    return tl::unexpected{sure.error()};
  if (!*sure && server.options.report)
    server.options.report(
      "rewrote " + path
      + ", but the system did not confirm that the file is on "
        "the disk: after a power failure the old file may be there");
  return {};
}

} // namespace troupe::server
