#include "apps/server/ini_file.hpp"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include <sys/stat.h>

#include <caf/actor_system_config.hpp>

#include "catch.hpp"

using namespace troupe;
using namespace troupe::server;

namespace {

const ini_values two{{"password", "\"p\""}, {"timeout", "5s"}};

} // namespace

TEST_CASE("values are replaced where they stand, and all else stays") {
  CHECK(with_values("; my server\n"
                    "[troupe]\n"
                    "timeout=1s\n"
                    "\n"
                    "[server]\n"
                    "  timeout = 3s   ; not long\n"
                    "; password=\"old\"\n"
                    "unknown=1\n"
                    "\n"
                    "[logger]\n"
                    "timeout=9s\n",
                    "server", two, {})
        == "; my server\n"
           "[troupe]\n"
           "timeout=1s\n"
           "\n"
           "[server]\n"
           "timeout=5s ; not long\n"
           "; password=\"old\"\n"
           "unknown=1\n"
           "\n"
           "[logger]\n"
           "timeout=9s\n");
}

TEST_CASE("values that are not there are added at the end of the section") {
  CHECK(with_values("[server]\nport=1\n\n[x]\ny=1\n", "server", two, two)
        == "[server]\nport=1\npassword=\"p\"\ntimeout=5s\n\n[x]\ny=1\n");
  CHECK(with_values("[x]\ny=1", "server", two, {two[1]})
        == "[x]\ny=1\n\n[server]\ntimeout=5s\n");
  CHECK(with_values("", "server", two, two)
        == "[server]\npassword=\"p\"\ntimeout=5s\n");
  CHECK(with_values("[x]\ny=1\n", "server", two, {}) == "[x]\ny=1\n");
}

TEST_CASE("a semicolon in a text is no comment") {
  CHECK(
    with_values("[server]\npassword=\"a;\\\";b\" ; mine\n", "server", two, {})
    == "[server]\npassword=\"p\" ; mine\n");
}

TEST_CASE("a quoted text is read back by CAF") {
  for (const std::string text :
       {"plain", "a \"b\" \\ c", "x;y=z", "[server]", "\xc3\xa9", "tab\there",
        "line\nfeed", "\r", "", "%d #"}) {
    std::istringstream in{"[server]\npassword=" + ini_quoted(text) + "\n"};
    auto read = caf::actor_system_config::parse_config(in);
    INFO(ini_quoted(text));
    REQUIRE(read);
    CHECK(caf::get_or(*read, "server.password", std::string{"?"}) == text);
  }
}

TEST_CASE("a file is replaced at once and keeps its mode") {
  namespace fs = std::filesystem;
  auto pattern = (fs::temp_directory_path() / "troupe-ini-XXXXXX").string();
  REQUIRE(mkdtemp(pattern.data()) != nullptr);
  const fs::path directory{pattern};
  const auto file = (directory / "x.ini").string();
  std::ofstream{file} << "old";
  fs::permissions(file, fs::perms::owner_read | fs::perms::owner_write);
  REQUIRE(replace_file(file, "new\n"));
  CHECK(read_file(file) == "new\n");
  CHECK(fs::status(file).permissions()
        == (fs::perms::owner_read | fs::perms::owner_write));
  // Nothing is left beside it.
  CHECK(std::distance(fs::directory_iterator{directory}, {}) == 1);
  // What a crash has left there is replaced, and no link is followed.
  std::ofstream{file + ".rewrite"} << "left";
  REQUIRE(replace_file(file, "newer\n"));
  CHECK(read_file(file) == "newer\n");
  const auto other = (directory / "other").string();
  std::ofstream{other} << "mine";
  fs::create_symlink(other, file + ".rewrite");
  REQUIRE(replace_file(file, "newest\n"));
  CHECK(read_file(file) == "newest\n");
  CHECK(read_file(other) == "mine");
  fs::remove(other);
  CHECK(std::distance(fs::directory_iterator{directory}, {}) == 1);
  const auto missing = (directory / "none" / "x.ini").string();
  CHECK(replace_file(missing, "x").error() == errc::system_error);
  CHECK(read_file(missing).error() == errc::system_error);
  fs::remove_all(directory);
}

TEST_CASE("what is no regular file is neither read nor waited for") {
  namespace fs = std::filesystem;
  auto pattern = (fs::temp_directory_path() / "troupe-ini-XXXXXX").string();
  REQUIRE(mkdtemp(pattern.data()) != nullptr);
  const fs::path directory{pattern};
  const auto fifo = (directory / "fifo").string();
  REQUIRE(mkfifo(fifo.c_str(), 0600) == 0);
  const auto text = [](const std::string& path) {
    return read_file(path).error().text();
  };
  CHECK(text(fifo) == "it is a FIFO, not a regular file");
  CHECK(text(pattern) == "it is a directory, not a regular file");
  CHECK(text("/dev/zero") == "it is a device, not a regular file");
  CHECK(replace_file(fifo, "x").error() == errc::system_error);
  CHECK(replace_file(pattern, "x").error() == errc::system_error);
  CHECK(fs::is_fifo(fifo));
  fs::remove_all(directory);
}
