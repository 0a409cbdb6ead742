// An option that is declared only here. Its row adds it to the command line, the ini
// file, CONFIG GET, SET and REWRITE, --help and the tables of the docs.

#include <cstdint>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>

#include "apps/server/fixture.hpp"
#include "apps/server/options/option_table.hpp"
#include "apps/server/options/settings_file.hpp"
#include "apps/server/server_config.hpp"
#include "apps/settings/ini_file.hpp"
#include "catch.hpp"
#include "scratch_folder.hpp"

using namespace troupe::server;
using troupe::settings::value;
using troupe::settings::value_kind;

namespace {

/// The variables that the option sets.
struct new_part {
  std::int64_t at_start = 0;
  std::int64_t live = 0;
};

std::shared_ptr<const option_table> table_with(new_part& part) {
  auto result = std::make_shared<option_table>();
  result->add(
    {.shown = {.name = "dummy-buffer",
               .alias = "dummybuf",
               .heading = "Dummy",
               .kind = value_kind::size(1, 1 << 30),
               .preset = "64kb",
               .help = "bytes of a dummy"},
     .start
     = [&part](server_settings&, const value& x) -> troupe::expected<void> {
       part.at_start = part.live = std::get<std::int64_t>(x);
       return {};
     },
     .get = [&part](const server_state&) { return std::to_string(part.live); },
     .set =
       [&part](setting_change& all, const value& x) {
         if (all.apply)
           part.live = std::get<std::int64_t>(x);
         return std::string{};
       }});
  return result;
}

bool has(const std::string& text, const std::string& part) {
  INFO(text);
  return text.find(part) != std::string::npos;
}

} // namespace

TEST_CASE("a row of one file is an option of the command line and the file",
          "[server][settings]") {
  new_part part;
  server_config uut{table_with(part)};
  CHECK(part.at_start == 64 << 10);
  std::istringstream file{"[server]\ndummybuf = 1mb # more\n"};
  REQUIRE(uut.parse({}, file));
  CHECK(part.at_start == 1 << 20);
  std::istringstream again{"[server]\ndummy-buffer=1mb\n"};
  server_config other{table_with(part)};
  REQUIRE(other.parse({"--dummybuf", "2mb"}, again));
  CHECK(part.at_start == 2 << 20);
  std::istringstream wrong{"[server]\n\ndummy-buffer=2gb\n"};
  server_config third{table_with(part)};
  const auto refused = third.parse({}, wrong);
  REQUIRE(!refused);
  CHECK(has(refused.error().text(),
            "--dummy-buffer=2gb in line 3 of the ini file: allowed: 1 to 1gb"));
}

TEST_CASE("it is in the help and in the tables of the docs",
          "[server][settings]") {
  new_part part;
  server_config uut{table_with(part)};
  CHECK(has(uut.help_text(false), "Dummy:\n      --dummy-buffer=SIZE"));
  CHECK(has(uut.help_text(false), "bytes of a dummy (default: 64kb)"));
  CHECK(has(uut.tables(), "### Dummy\n"));
  CHECK(has(uut.tables(), "| `dummy-buffer`, `dummybuf` | bytes of a dummy |"));
}

TEST_CASE("CONFIG knows it", "[server][settings]") {
  command_fixture run_line;
  auto& state = run_line.state;
  new_part part;
  state.options.table = table_with(part);
  part.live = 5;
  state.at_start = settings_of(state);
  CHECK(has(run_line("CONFIG GET dummy*"), "dummybuf\r\n$1\r\n5\r\n"));
  CHECK(has(run_line("CONFIG GET dummy-buffer"), "dummy-buffer\r\n$1\r\n5"));
  CHECK(run_line("CONFIG SET DummyBuf 1mb") == "+OK\r\n");
  CHECK(part.live == 1 << 20);
  CHECK(has(run_line("CONFIG SET dummybuf 7 timeout x"), "-ERR CONFIG SET"));
  CHECK(has(run_line("CONFIG SET dummybuf 0"), "argument must be 1 to 1gb"));
  CHECK(part.live == 1 << 20);
  const scratch_folder folder;
  state.options.config_file = folder.path + "/x.ini";
  std::ofstream{state.options.config_file}
    << "# mine\n[server]\ndummybuf=3 # small\ntimeout=0 ; for ever\n";
  CHECK(run_line("CONFIG REWRITE") == "+OK\r\n");
  CHECK(troupe::settings::read_file(state.options.config_file)
        == "# mine\n[server]\ndummybuf=1mb # small\ntimeout=0 ; for ever\n");
}
