#include "apps/server/server_config.hpp"

#include <algorithm>
#include <utility>

#include <troupe/messages/types/settings/pages.hpp>

namespace troupe::server {

namespace {

constexpr char usage_text[]
  = "usage: troupe-server [options]\n"
    "\n"
    "Serves Redis clients. A size is a number of bytes, "
    "or 64kb, 100mb, 2gb. A time is a number of\n"
    "seconds, or 250ms, 30s, 5m, 1h, 2d. --name=value and "
    "--name value mean the same. In the ini\n"
    "file (troupe.ini), write name=value below [server], "
    "and the value of --troupe.name as\n"
    "name=value below [troupe].\n";

constexpr char examples[]
  = "Examples:\n"
    "  troupe-server --port 6379 --maxmemory=2gb "
    "--maxmemory-policy=noeviction\n"
    "  troupe-server --config-file=/etc/troupe.ini\n"
    "  TROUPE_PASSWORD=secret troupe-server --bind='0.0.0.0 -::'\n"
    "\n"
    "Exit code: 0 all went well, 1 the server could not start, 2 wrong "
    "usage.\n";

/// Takes a question of the command line.
auto answer(bool& to) {
  return [&to](const settings::value& x) {
    to = std::get<bool>(x);
    return expected<void>{};
  };
}

} // namespace

server_config::server_config(std::shared_ptr<const option_table> table) {
  describe(usage_text, examples);
  const auto& used = table != nullptr ? *table : option_table::standard();
  for (const auto& x : used.rows())
    add_row(x);
  settings_.serve.table = std::move(table);
  add_questions();
}

void server_config::add_row(const server_option& x) {
  if (!x.start)
    return;
  if (const auto preset = x.shown.kind.read(x.shown.preset);
      preset && !x.shown.preset.empty())
    static_cast<void>(x.start(settings_, *preset));
  auto shown = x.shown;
  shown.take = [this, x](const settings::value& given) {
    auto taken = x.start(settings_, given);
    if (taken && !x.shown.secret)
      settings_.serve.start_values[x.shown.name]
        = x.shown.kind.write_plain(given);
    return taken;
  };
  add(std::move(shown));
}

void server_config::add_questions() {
  add({.section = "global",
       .name = "version",
       .letter = 'v',
       .flat = true,
       .heading = "General",
       .kind = settings::value_kind::flag(),
       .help = "prints the version and exits",
       .take = answer(wants_version_)});
  add({.section = "global",
       .name = "print-options",
       .flat = true,
       .heading = "General",
       .kind = settings::value_kind::flag(),
       .help = "prints the tables of docs/configuration.md and exits",
       .hidden = true,
       .take = answer(wants_tables_)});
}

std::string server_config::tables() {
  const auto all = options();
  std::vector<std::string> headings;
  std::string result;
  for (const auto& x : all) {
    const auto known = std::find(headings.begin(), headings.end(), x.heading);
    if (x.hidden || x.section == "global" || known != headings.end())
      continue;
    headings.push_back(x.heading);
    result += (result.empty() ? "### " : "\n### ") + x.heading + "\n\n"
              + settings::markdown_table(all, x.heading);
  }
  return result;
}

expected<void> server_config::parse(int argc, char** argv) {
  return config::parse(argc, argv).and_then([this] { return check_names(); });
}

expected<void> server_config::parse(std::vector<std::string> args,
                                    std::istream& file) {
  return config::parse(std::move(args), file).and_then([this] {
    return check_names();
  });
}

// `config::parse` has refused unknown options already.
expected<void> server_config::check_names() const {
  if (remainder.empty())
    return {};
  return fail(errc::invalid_argument, "unexpected argument " + remainder.front()
                                        + "; options read --name=value");
}

} // namespace troupe::server
