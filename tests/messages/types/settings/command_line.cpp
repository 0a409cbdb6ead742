#include <troupe/messages/types/settings/command_line.hpp>

#include <string>
#include <vector>

#include "catch.hpp"

using namespace troupe::settings;

namespace {

const std::vector<option_name> known{
  {.name = "port", .letter = 'p', .placeholder = "N"},
  {.name = "max-connections", .alias = "maxclients", .placeholder = "N"},
  {.name = "json", .letter = 'j'}};

/// "0=7000 2 word".
std::string said(const std::vector<std::string>& arguments) {
  const auto line = read_command_line(arguments, known);
  if (!line)
    return line.error().text();
  std::string result;
  for (const auto& x : line->arguments)
    result += std::to_string(x.option) + (x.value ? "=" + *x.value : "") + " ";
  for (const auto& x : line->words)
    result += x + " ";
  return result;
}

} // namespace

TEST_CASE("a value follows behind a sign, a blank or a letter", "[settings]") {
  for (const std::vector<std::string>& line :
       {std::vector<std::string>{"--port=7000"},
        {"--port", "7000"},
        {"-p", "7000"},
        {"-p7000"},
        {"-p=7000"}})
    CHECK(said(line) == "0=7000 ");
  CHECK(said({"--maxclients", "5"}) == "1=5 ");
  CHECK(said({"--port", "-1"}) == "0=-1 ");
  CHECK(said({"--port="}) == "0= ");
  CHECK(said({"--port=a=b"}) == "0=a=b ");
}

TEST_CASE("flags take no argument, and words may stand anywhere",
          "[settings]") {
  CHECK(said({"a", "--json", "b", "-j", "--json=no"}) == "2 2 2=no a b ");
  CHECK(said({"--json", "--", "--port", "-x"}) == "2 --port -x ");
  CHECK(said({"-", "--json"}) == "2 - ");
}

TEST_CASE("what is wrong with a command line is named", "[settings]") {
  CHECK(said({"--prot=1"})
        == "unknown option --prot=1; did you mean '--port'?");
  CHECK(said({"--maxclient=1"})
        == "unknown option --maxclient=1; did you mean '--maxclients'?");
  CHECK(said({"-x"}) == "unknown option -x");
  CHECK(said({"-jx"}) == "unknown option -jx; did you mean '--json'?");
  CHECK(said({"--port"}) == "--port needs a value: --port=N");
  CHECK(said({"-p"}) == "-p needs a value: --port=N");
  // An option is not taken as the value of the option before it.
  CHECK(said({"--port", "--json"}) == "--port needs a value: --port=N");
}
