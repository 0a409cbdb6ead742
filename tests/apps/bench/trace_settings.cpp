#include "catch.hpp"

#include <string>
#include <variant>
#include <vector>

#include "apps/bench/trace/plot.hpp"
#include "apps/bench/trace/settings.hpp"

using namespace troupe;
using namespace troupe::bench;

TEST_CASE("the size of a cache is a number or a share of the keys") {
  CHECK(cache_size::parse("500")->entries(3) == 500);
  CHECK(cache_size::parse("0.1%")->entries(60'734) == 61);
  CHECK(cache_size::parse("1%")->entries(60'734) == 607);
  CHECK(cache_size::parse("10%")->entries(134'907) == 13'491);
  CHECK(cache_size::parse("100%")->entries(134'907) == 134'907);
  CHECK(cache_size::parse("0.1%")->entries(3) == 1);
  CHECK(cache_size::parse("2.5%")->text() == "2.5%");
  for (auto* bad : {"", "0", "-1", "1.5", "x", "5x", "%", "0%", "101%", "-1%",
                    "nan%", "inf%", "1%%", "99999999999999999999"}) {
    INFO(bad);
    auto size = cache_size::parse(bad);
    REQUIRE_FALSE(size);
    CHECK(size.error() == errc::invalid_argument);
    CHECK(size.error().text().find("--sizes: '" + std::string{bad} + "'") == 0);
  }
}

TEST_CASE("trace takes files between its options") {
  auto read = read_settings<trace_settings>(
    "trace", "", {"one.xz", "--sizes=5,1%", "two", "--policies=lru,fifo"});
  REQUIRE(std::holds_alternative<trace_settings>(read));
  auto& how = std::get<trace_settings>(read);
  CHECK(how.files == std::vector<std::string>{"one.xz", "two"});
  // In the order of the report.
  CHECK(how.policy_list() == std::vector<std::string>{"fifo", "lru"});
  REQUIRE(how.size_list().size() == 2);
  CHECK(how.size_list()[0].entries(100) == 5);
  CHECK(how.size_list()[1].entries(200) == 2);
}

TEST_CASE("a quick trace shrinks what was not said and keeps the files") {
  auto read = read_settings<trace_settings>("trace", "",
                                            {"--quick", "one", "--sizes=7"});
  REQUIRE(std::holds_alternative<trace_settings>(read));
  auto& how = std::get<trace_settings>(read);
  CHECK(how.files == std::vector<std::string>{"one"});
  CHECK(how.sizes == "7");
}

TEST_CASE("trace refuses what it cannot do before it reads a file") {
  trace_settings how;
  CHECK(how.check().error().text().find("no trace") == 0);
  how.files = {"one"};
  CHECK(how.check());
  how.policies = "lru,lfu";
  CHECK(how.check().error().text().find("'lfu'") != std::string::npos);
  how.policies = "";
  how.plot = "picture.pdf";
  CHECK(how.check().error().text().find("picture.pdf") != std::string::npos);
}

TEST_CASE("a plot has a panel per trace and quotes their names") {
  std::vector<plot_panel> panels
    = {{"a'b\nc", {{"LRU", {{1, 10.5}, {20, 30}}}, {"OPT", {{1, 2}}}}},
       {"second", {{"LRU", {{3, 4}}}}}};
  auto script = plot_script(panels, "x.svg");
  auto has = [&](const std::string& text) {
    INFO(text << " in\n" << script);
    CHECK(script.find(text) != std::string::npos);
  };
  has("set terminal svg");
  has("set title 'a''b?c' noenhanced\n");
  has("$line_0_0 << END\n1 10.5\n20 30\nEND\n");
  has("$line_0_1 << END\n1 2\nEND\n");
  has("$line_1_0 << END\n3 4\nEND\n");
  has("title 'OPT'");
  has("set multiplot layout 1,2\n");
  CHECK(plot_script(panels, "x.png").find("set terminal pngcairo") == 0);
}
