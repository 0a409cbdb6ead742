#include "catch.hpp"

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <unistd.h>

#include "apps/bench/trace/trace_file.hpp"
#include "apps/bench/trace/unpacker.hpp"

using namespace troupe;
using namespace troupe::bench;

namespace {

expected<key_trace> read_text(const std::vector<std::string>& pieces) {
  trace_reader reader;
  for (auto& x : pieces)
    if (auto ok = reader.feed(x); !ok)
      return tl::unexpected<error>{ok.error()};
  return reader.finish();
}

void check_refused(const std::string& text, const std::string& why) {
  INFO(text);
  auto result = read_text({text});
  REQUIRE_FALSE(result);
  CHECK(result.error() == errc::invalid_argument);
  CHECK(result.error().text() == why);
}

/// A file that goes away with this object.
class temporary_file {
public:
  explicit temporary_file(const std::string& content)
    : path_((std::filesystem::temp_directory_path()
             / ("troupe-trace-" + std::to_string(::getpid()) + ".txt"))
              .string()) {
    std::ofstream{path_, std::ios::binary} << content;
  }

  ~temporary_file() {
    std::error_code ignored;
    std::filesystem::remove(path_, ignored);
  }

  temporary_file(const temporary_file&) = delete;
  temporary_file& operator=(const temporary_file&) = delete;

  [[nodiscard]] const std::string& path() const noexcept {
    return path_;
  }

private:
  std::string path_;
};

} // namespace

TEST_CASE("keys of a trace are numbered in the order of their appearance") {
  auto trace = read_text({"70\n5\n70\n18446744073709551615\n5\n0\n"});
  REQUIRE(trace);
  CHECK(trace->requests == std::vector<key_id>{0, 1, 0, 2, 1, 3});
  CHECK(trace->unique == 4);
}

TEST_CASE("a trace may arrive in pieces and lack its last newline") {
  auto trace = read_text({"1", "2\n", "", "\n"});
  REQUIRE_FALSE(trace);
  CHECK(trace.error().text() == "line 2: the key is missing");
  trace = read_text({"1", "2\n1", "2"});
  REQUIRE(trace);
  CHECK(trace->requests == std::vector<key_id>{0, 0});
}

TEST_CASE("a bad line of a trace is named by its number") {
  check_refused("1\n2\nx3\n",
                "line 3: a key is a decimal number, but 'x' is not a digit");
  check_refused(
    "1 \n", "line 1: a key is a decimal number, but byte 0x20 is not a digit");
  check_refused(
    "1\r\n", "line 1: a key is a decimal number, but byte 0x0d is not a digit");
  check_refused("-1\n",
                "line 1: a key is a decimal number, but '-' is not a digit");
  check_refused("1\n\n2\n", "line 2: the key is missing");
  check_refused("18446744073709551616\n", "line 1: a key must be below 2^64");
  check_refused("1\n" + std::string(1000, '9'),
                "line 2: a key must be below 2^64");
  check_refused("", "the trace has no requests");
}

TEST_CASE("a trace file is read, and its errors name the file") {
  temporary_file good{"1\n2\n1\n"};
  auto trace = read_trace(good.path());
  REQUIRE(trace);
  CHECK(trace->requests.size() == 3);
  std::ofstream{good.path()} << "1\noops\n";
  trace = read_trace(good.path());
  REQUIRE_FALSE(trace);
  CHECK(trace.error().text().find(good.path() + ": line 2: ") == 0);
  trace = read_trace(good.path() + ".missing");
  REQUIRE_FALSE(trace);
  CHECK(trace.error() == errc::system_error);
  CHECK(trace.error().text().find(good.path() + ".missing: ") == 0);
  trace = read_trace(std::filesystem::temp_directory_path().string());
  REQUIRE_FALSE(trace);
  CHECK(trace.error() == errc::system_error);
}

TEST_CASE("what xz packed is recognised by its first bytes") {
  std::string magic{"\xfd"
                    "7zXZ\0",
                    6};
  CHECK(unpacker::recognises(magic + "and more"));
  CHECK_FALSE(unpacker::recognises(magic.substr(0, 5)));
  CHECK_FALSE(unpacker::recognises("123456"));
  // Either it is damaged or this program cannot unpack; it is never text.
  temporary_file damaged{magic + std::string(40, '\1')};
  auto trace = read_trace(damaged.path());
  REQUIRE_FALSE(trace);
  CHECK(trace.error() == errc::invalid_argument);
  CHECK(trace.error().text().find("compressed") != std::string::npos);
}

TEST_CASE("a trace is called by its file's name") {
  CHECK(trace_name("/some/where/orm.xz") == "orm");
  CHECK(trace_name("plain") == "plain");
}
