#include "apps/settings/ini_file.hpp"

#include <atomic>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include <sys/stat.h>

#include "catch.hpp"
#include "scratch_folder.hpp"

using namespace troupe;
using namespace troupe::settings;

namespace {

const ini_values two{{"password", "p"}, {"timeout", "5s"}};

bool is_same(const ini_setting& x, std::string_view in_file) {
  return x.value == in_file;
}

std::string rewritten(std::string_view text, const ini_values& values,
                      const ini_values& added) {
  return with_values(text, "server", values, added, is_same);
}

} // namespace

TEST_CASE("values are replaced where they stand, and all else stays") {
  CHECK(rewritten("; my server\n"
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
                  two, {})
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
  CHECK(rewritten("[server]\nport=1\n\n[x]\ny=1\n", two, two)
        == "[server]\nport=1\npassword=p\ntimeout=5s\n\n[x]\ny=1\n");
  CHECK(rewritten("[x]\ny=1", two, {two[1]})
        == "[x]\ny=1\n\n[server]\ntimeout=5s\n");
  CHECK(rewritten("", two, two) == "[server]\npassword=p\ntimeout=5s\n");
  CHECK(rewritten("[x]\ny=1\n", two, {}) == "[x]\ny=1\n");
}

TEST_CASE("comment signs in a quoted text begin no comment") {
  CHECK(rewritten("[server]\npassword=\"a;\\\";b # c\" ; mine\n", two, {})
        == "[server]\npassword=p ; mine\n");
  CHECK(rewritten("[server]\npassword=a#b # mine\n", two, {})
        == "[server]\npassword=p # mine\n");
}

TEST_CASE("a line that says the same stays, whatever its spelling") {
  const std::string text = "[server]\npassword = \"p\"  # mine\n";
  CHECK(rewritten(text, two, two) == text + "timeout=5s\n");
  // Another name of the option is kept.
  const ini_values aliased{{"password", "a;b", "requirepass"}};
  CHECK(rewritten("[server]\nrequirepass=x\n", aliased, aliased)
        == "[server]\nrequirepass=\"a;b\"\n");
  // A line that nobody can read is not touched.
  CHECK(rewritten("[server]\nrubbish\npassword=x\n", two, {})
        == "[server]\nrubbish\npassword=p\n");
}

TEST_CASE("a file is replaced at once and keeps its mode") {
  namespace fs = std::filesystem;
  const scratch_folder folder;
  const fs::path directory{folder.path};
  const auto file = (directory / "x.ini").string();
  std::ofstream{file} << "old";
  fs::permissions(file, fs::perms::owner_read | fs::perms::owner_write);
  REQUIRE(replace_file(file, "new\n") == true);
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
}

TEST_CASE("what is no regular file is neither read nor waited for") {
  namespace fs = std::filesystem;
  const scratch_folder folder;
  const fs::path directory{folder.path};
  const auto fifo = (directory / "fifo").string();
  REQUIRE(mkfifo(fifo.c_str(), 0600) == 0);
  const auto text
    = [](const std::string& path) { return read_file(path).error().text(); };
  CHECK(text(fifo) == "it is a FIFO, not a regular file");
  CHECK(text(folder.path) == "it is a directory, not a regular file");
  CHECK(text("/dev/zero") == "it is a device, not a regular file");
  CHECK(replace_file(fifo, "x").error() == errc::system_error);
  CHECK(replace_file(folder.path, "x").error() == errc::system_error);
  CHECK(fs::is_fifo(fifo));
}

TEST_CASE("one program at a time has a file locked, also when it is replaced") {
  using std::chrono::milliseconds;
  const scratch_folder folder;
  const auto file = folder.path + "/x.ini";
  std::ofstream{file} << "0";
  constexpr int writers = 4;
  constexpr int rounds = 50;
  std::atomic<int> failures{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < writers; ++i)
    threads.emplace_back([&] {
      for (int j = 0; j < rounds; ++j) {
        const auto locked = lock_file(file, std::chrono::minutes{1});
        const auto text = read_file(file);
        if (!locked || !text
            || !replace_file(file, std::to_string(std::stoi(*text) + 1)))
          ++failures;
      }
    });
  for (auto& x : threads)
    x.join();
  CHECK(failures == 0);
  // None of them has lost what another wrote.
  CHECK(read_file(file) == std::to_string(writers * rounds));
  const auto locked = lock_file(file, milliseconds{0});
  REQUIRE(locked);
  const auto other = lock_file(file, milliseconds{10});
  REQUIRE(!other);
  CHECK(other.error().text() == "another program keeps it locked; try again");
}
