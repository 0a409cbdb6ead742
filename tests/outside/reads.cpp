// An outside program that uses what the headers inline: tests/install.sh builds it
// by other compilers and with other flags than the library it links.
//
// Exit code: 0 when every read was right.

#include <chrono>
#include <cstdlib>
#include <iostream>
#include <string>
#include <string_view>
#include <vector>

#include <troupe/troupe.hpp>

using namespace std::chrono_literals;

namespace {

constexpr int keys = 20'000;

std::string key_of(int i) {
  return "key:" + std::to_string(i);
}

/// Of each class of sizes that has a way of its own.
std::string value_of(int i) {
  return std::string(i % 1'000 == 0 ? 100'000
                                    : static_cast<std::size_t>(i % 300),
                     static_cast<char>('a' + i % 26));
}

void require(bool ok, std::string_view what) {
  if (ok)
    return;
  std::cerr << "reads: wrong: " << what << '\n';
  std::exit(1);
}

} // namespace

int main() {
  troupe::runtime runtime;
  auto opened = runtime.open<std::string>("texts");
  require(opened.has_value(), "open");
  auto& texts = *opened;
  require(texts.get("nothing").ok(), "the first read of all");
  for (int i = 0; i < keys; ++i) {
    troupe::write_options how;
    if (i % 3 == 0)
      how.ttl = 1h;
    if (i % 5 == 0)
      how.idle = 1h;
    if (i % 7 == 0)
      how.tags = {"seven"};
    require(texts.set(key_of(i), value_of(i), how).ok(), "set");
  }
  for (int i = 0; i < keys; ++i) {
    auto x = texts.get(key_of(i));
    require(x && *x == value_of(i), "get");
  }
  std::vector<std::string> some{key_of(1), "absent", key_of(3'000)};
  auto many = texts.get_many(some);
  require(many && (*many)[0] == value_of(1) && !(*many)[1]
            && (*many)[2] == value_of(3'000),
          "get_many");
  for (int i = 0; i < keys; i += 2)
    require(texts.erase(key_of(i)).ok(), "erase");
  require(texts.invalidate_tag("seven").has_value(), "invalidate_tag");
  for (int i = 0; i < keys; ++i) {
    auto x = texts.get(key_of(i));
    require(x.ok() && x.has_value() == (i % 2 == 1 && i % 7 != 0),
            "get of what was erased");
  }
  auto numbers = runtime.open<int>("numbers");
  require(numbers && numbers->increment("n", 3) == 3, "increment");
  auto updated = texts.update(
    "u", [](std::optional<std::string> old) { return old.value_or("") + "x"; });
  require(updated.has_value(), "update");
  auto loaded = texts.get_or_set(
    "loaded", [](troupe::load_context&) { return std::string{"by a loader"}; });
  require(loaded == "by a loader", "get_or_set");
}
