// Options of memory: limits, eviction, namespaces, and the number of databases.

#include <string>
#include <vector>

#include <troupe/actors/regions/region_declared.hpp>

#include "apps/server/options/option_families.hpp"
#include "apps/server/state/namespaces.hpp"
#include "apps/settings/max_memory.hpp"
#include "apps/settings/namespaces.hpp"

namespace troupe::server {

namespace {

using settings::most_number;
using settings::value;
using settings::value_kind;

constexpr std::int64_t most_databases = 1024;

const std::string& text_in(const value& x) {
  return std::get<std::string>(x);
}

/// Reports the notes that are not empty: where a setting differs from the one that was
/// asked for.
void report_notes(const setting_change& all, const std::string& name,
                  const std::vector<std::string>& notes) {
  for (const auto& note : notes)
    if (!note.empty() && all.server.options.report)
      all.server.options.report(name + ": " + note);
}

std::string set_max_memory(setting_change& all, const value& x) {
  const auto limit = static_cast<std::size_t>(std::get<std::int64_t>(x));
  const auto& memory = all.server.options.memory;
  if (!memory.set_limit)
    return "this server has no limit of memory that can be changed";
  const auto changed
    = all.apply ? memory.set_limit(limit) : memory.check_limit(limit);
  return changed ? std::string{} : changed.error().text();
}

std::string unknown_policy(const value& x) {
  return settings::policy_of(text_in(x))
           ? std::string{}
           : "argument must be one of the following: "
               + settings::policy_names();
}

expected<void> start_policy(server_settings& to, const value& x) {
  to.serve.eviction = *settings::policy_of(text_in(x));
  if (auto note = settings::substitute_note(text_in(x)); !note.empty())
    to.notes.push_back("--maxmemory-policy: " + note);
  return {};
}

std::string set_policy(setting_change& all, const value& x) {
  const auto policy = *settings::policy_of(text_in(x));
  if (!all.apply)
    return {};
  report_notes(all, "maxmemory-policy",
               {settings::substitute_note(text_in(x))});
  auto& live = all.server.live.eviction;
  const auto before = live.load();
  std::string refusal;
  std::vector<region*> changed;
  all.server.databases.for_each([&](std::size_t, region& db) {
    if (!refusal.empty())
      return;
    if (const auto done = db.set_eviction(policy); !done)
      refusal = done.error().text();
    else
      changed.push_back(&db);
  });
  if (refusal.empty())
    live = policy;
  else
    for (auto* const db : changed)
      static_cast<void>(db->set_eviction(before));
  return refusal;
}

std::string bad_namespaces(const value& x) {
  const auto read = settings::parse_namespaces(text_in(x));
  return read ? std::string{} : read.error().text();
}

expected<void> start_namespaces(server_settings& to, const value& x) {
  to.serve.namespaces = settings::parse_namespaces(text_in(x)).value();
  for (const auto& note : settings::namespace_notes(text_in(x)))
    to.notes.push_back("--namespaces: " + note);
  return {};
}

std::string set_namespaces(setting_change& all, const value& x) {
  const auto wanted = settings::parse_namespaces(text_in(x)).value();
  auto& db = all.server.databases[0];
  const auto done
    = all.apply ? change_namespaces(db, wanted) : check_namespaces(db, wanted);
  if (done && all.apply)
    report_notes(all, "namespaces", settings::namespace_notes(text_in(x)));
  return done ? std::string{} : done.error().text();
}

} // namespace

std::vector<server_option> memory_options() {
  return under(
    "Memory",
    {
      {{.name = "maxmemory",
        .kind
        = value_kind::size(
            static_cast<std::int64_t>(settings::least_max_memory), most_number)
            .or_zero(),
        .preset = "0",
        .help = "memory that all keys and values may take; 0: no limit",
        .details = "At least 1kb for each shard. One value may take half of "
                   "the limit. See [memory](memory.md)"},
       into([](server_settings & x) -> auto& { return x.max_memory; }),
       [](const server_state& x) {
         return std::to_string(x.options.memory.present());
       },
       set_max_memory},
      {{.name = "maxmemory-policy",
        .kind = value_kind::text("POLICY").checked(settings::policy_names(),
                                                   unknown_policy),
        .preset = std::string{settings::policy_name(serve_options{}.eviction)},
        .help = "which keys are evicted at the limit maxmemory; with "
                "noeviction, writes are refused",
        .details = "Redis's policies with `-lru` are replaced by "
                   "`allkeys-clock`, its other policies by `allkeys-s3fifo`. "
                   "The server reports this. CONFIG GET and INFO show the "
                   "policy that is used. A `volatile-` policy also evicts keys "
                   "without a TTL"},
       start_policy,
       [](const server_state& x) {
         return std::string{settings::policy_name(x.live.eviction)};
       },
       set_policy},
      {{.name = "namespaces",
        .kind = value_kind::text("LIST").checked(
          "PREFIX=SIZE or PREFIX=SIZE,POLICY, separated by blanks",
          bad_namespaces),
        .help = "prefixes of keys in database 0 with their own limits "
                "(example: 'session:=64mb,noeviction img:=1gb'); default "
                "policy: maxmemory-policy",
        .details = "See [below](#namespaces)"},
       start_namespaces,
       [](const server_state& x) {
         return settings::text_of(present_namespaces(x));
       },
       set_namespaces},
      {{.name = "databases",
        .kind = value_kind::number(1, most_databases),
        .preset = std::to_string(defaults::databases),
        .help = "number of databases"},
       into([](server_settings & x) -> auto& { return x.serve.databases; }),
       [](const server_state& x) {
         return std::to_string(x.databases.count());
       }},
    });
}

} // namespace troupe::server
