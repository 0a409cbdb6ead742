#include "apps/server/state/namespaces.hpp"

#include <algorithm>
#include <utility>

#include <troupe/actors/regions/region_declared.hpp>

#include "apps/server/state/server_state.hpp"

namespace troupe::server {

std::vector<namespace_options> namespaces_of(const region& db) {
  std::vector<namespace_options> result;
  for (auto& x : db.namespaces()) {
    namespace_options one;
    one.prefix = std::move(x.prefix);
    one.max_bytes = x.max_bytes;
    one.max_entries = x.max_entries;
    if (x.own_eviction)
      one.eviction = x.eviction;
    result.push_back(std::move(one));
  }
  return result;
}

std::vector<namespace_options> present_namespaces(const server_state& server) {
  if (server.databases.count() == 0)
    return server.options.namespaces;
  return namespaces_of(server.databases[0]);
}

expected<void> check_namespaces(const region& db,
                                const std::vector<namespace_options>& wanted) {
  if (wanted.empty())
    return fail(errc::invalid_argument,
                "argument must name namespaces (example: session:=64mb)");
  const auto present = namespaces_of(db);
  for (const auto& x : wanted) {
    const auto same = std::find_if(
      present.begin(), present.end(),
      [&x](const namespace_options& y) { return x.prefix == y.prefix; });
    if (same == present.end())
      return fail(errc::invalid_argument,
                  prefix_text(x.prefix)
                    + ": there is no such namespace; they are declared when "
                      "the server starts, by --namespaces");
    if (auto ok
        = db.check_namespace_limits(x.prefix, x.max_bytes, same->max_entries);
        !ok)
      return ok;
  }
  return {};
}

expected<void> change_namespaces(region& db,
                                 const std::vector<namespace_options>& wanted) {
  const auto present = namespaces_of(db);
  for (const auto& x : wanted)
    for (const auto& y : present) {
      if (x.prefix != y.prefix)
        continue;
      auto ok = db.set_namespace_limits(x.prefix, x.max_bytes, y.max_entries);
      if (ok && x.eviction)
        ok = db.set_namespace_eviction(x.prefix, x.eviction);
      if (!ok)
        return ok;
    }
  return {};
}

} // namespace troupe::server
