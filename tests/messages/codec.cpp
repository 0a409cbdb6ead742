#include <troupe/messages/codec.hpp>

#include <array>
#include <chrono>
#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <new>
#include <optional>
#include <random>
#include <set>
#include <stdexcept>
#include <string>
#include <unordered_map>
#include <variant>
#include <vector>

#include <troupe/messages/caf/inspect_codec.hpp>

#include "catch.hpp"

using namespace troupe;

namespace {

// -- what users might store --------------------------------------------------------

enum class colour : std::uint8_t { red, green };

struct address {
  std::string street;
  std::uint16_t number = 0;

  friend bool operator==(const address&, const address&) = default;
};

template <class Inspector>
auto inspect(Inspector& f, address& x) {
  return f(x.street, x.number);
}

struct profile {
  std::string name;
  int visits = 0;
  bool admin = false;
  double score = 0;
  colour favourite = colour::red;
  std::vector<address> addresses;
  std::map<std::string, std::int64_t> counters;
  std::set<std::uint32_t> groups;
  std::vector<bool> flags;
  std::vector<char> picture;
  std::array<std::int16_t, 3> position{};
  std::u16string wide;
  std::chrono::milliseconds age{0};
  long double exact = 0;

  friend bool operator==(const profile&, const profile&) = default;
};

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, profile& x) {
  return f(x.name, x.visits, x.admin, x.score, x.favourite, x.addresses,
           x.counters, x.groups, x.flags, x.picture, x.position, x.wide, x.age,
           x.exact);
}

struct choices {
  std::optional<address> home;
  std::variant<std::monostate, std::string, address> contact;
  std::vector<std::optional<address>> history;
  std::map<std::string, std::variant<int, double>> limits;
  std::chrono::system_clock::time_point seen;
  std::optional<std::chrono::milliseconds> pause;
  std::optional<std::optional<int>> nested;
  std::optional<bool> flag;

  friend bool operator==(const choices&, const choices&) = default;
};

template <class Inspector>
auto inspect(Inspector& f, choices& x) {
  return f(x.home, x.contact, x.history, x.limits, x.seen, x.pause, x.nested,
           x.flag);
}

struct pair_of_ints {
  int x = 0;
  int y = 0;
};

template <class Inspector>
auto inspect(Inspector& f, pair_of_ints& x) {
  return f(x.x, x.y);
}

struct tree {
  std::vector<tree> branches;
};

template <class Inspector>
auto inspect(Inspector& f, tree& x) {
  return f(x.branches);
}

struct point {
  std::int8_t kind = 0; // Padding follows.
  double x = 0;
};

struct refuses {
  int dummy = 0;
};

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, refuses& x) {
  if constexpr (std::is_same_v<typename Inspector::result_type, caf::error>)
    return caf::make_error(caf::sec::runtime_error);
  else
    return f(x.dummy);
}

struct throws {
  int dummy = 0;
};

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, throws& x) {
  if (x.dummy == 1)
    throw std::runtime_error("no");
  if (x.dummy == 2)
    throw std::bad_alloc();
  return f(x.dummy);
}

struct own_format {
  int x = 0;
};

profile sample() {
  profile x;
  x.name = std::string("Ada\0Lovelace", 12);
  x.visits = -5;
  x.admin = true;
  x.score = 0.1;
  x.favourite = colour::green;
  x.addresses = {{"St James's Square", 12}, {"", 0}};
  x.counters = {{"a", 1}, {"b", std::numeric_limits<std::int64_t>::min()}};
  x.groups = {1, 2, 4'000'000'000};
  x.flags = {true, false, true, true, false, false, false, true, true};
  x.picture = {'\xff', '\0', 'p'};
  x.position = {-1, 0, 1};
  x.wide = u"\u00e4\u20ac";
  x.age = std::chrono::hours{1};
  x.exact = 1.0L / 3.0L;
  return x;
}

template <class V>
V round_trip(const V& x) {
  auto wire = encode(x);
  REQUIRE(wire);
  auto back = decode<V>(*wire);
  REQUIRE(back);
  return *back;
}

} // namespace

template <>
struct troupe::codec<own_format> {
  static expected<void> encode(const own_format& x, bytes& out) {
    if (x.x < 0)
      throw 42;
    out = std::string(static_cast<std::size_t>(x.x), '.');
    return {};
  }

  static expected<own_format> decode(bytes_view in) {
    if (in.size() > 10)
      throw 42;
    return own_format{static_cast<int>(in.size())};
  }
};

TEST_CASE("strings and byte vectors are stored as they are") {
  const std::string text{"a\0\xff", 3};
  CHECK(encode(text) == text);
  CHECK(decode<std::string>(text) == text);
  CHECK(round_trip(std::string{}).empty());
  std::vector<std::byte> raw{std::byte{0}, std::byte{255}};
  CHECK(encode(raw)->size() == 2);
  CHECK(round_trip(raw) == raw);
  CHECK(round_trip(std::vector<char>{'x', '\0'}).size() == 2);
  CHECK(round_trip(std::vector<unsigned char>{}).empty());
}

TEMPLATE_TEST_CASE("integers are stored as decimal text", "", signed char,
                   unsigned char, short, unsigned short, int, unsigned, long,
                   unsigned long, long long, unsigned long long) {
  using limits = std::numeric_limits<TestType>;
  for (TestType x : {limits::min(), limits::max(), TestType{0}, TestType{7}}) {
    CHECK(encode(x) == std::to_string(x));
    CHECK(round_trip(x) == x);
  }
  for (const char* bad :
       {"", " 1", "1 ", "+1", "1.0", "0x1", "one", "1\n", "007", "-0", "00",
        "-", "--1", "99999999999999999999", "-99999999999999999999"})
    CHECK(decode<TestType>(bad).error() == errc::decode_failed);
  CHECK(decode<TestType>({"1\0", 2}).error() == errc::decode_failed);
}

TEST_CASE("characters and truth values are no decimal integers") {
  CHECK(encode('7') == "7");
  CHECK(decode<char>("7") == '7');
  CHECK(decode<char>("77").error() == errc::decode_failed);
  CHECK(round_trip(true));
  CHECK_FALSE(round_trip(false));
  CHECK(decode<bool>("\x02").error() == errc::decode_failed);
  CHECK(decode<bool>("").error() == errc::decode_failed);
}

TEST_CASE("plain values are stored as their memory, without its leftovers") {
  CHECK(round_trip(0.1) == 0.1);
  CHECK(round_trip(colour::green) == colour::green);
  CHECK(encode(0.1)->size() == sizeof(double));
  alignas(point) std::array<unsigned char, sizeof(point)> memory;
  memory.fill(0xAA);
  auto* dirty = new (memory.data()) point;
  dirty->kind = 3;
  dirty->x = 1.5;
  CHECK(encode(*dirty) == encode(point{3, 1.5}));
  CHECK(round_trip(*dirty).x == 1.5);
  auto wire = *encode(point{3, 1.5});
  CHECK(decode<point>(wire + '\0').error() == errc::decode_failed);
  wire.pop_back();
  CHECK(decode<point>(wire).error() == errc::decode_failed);
}

TEST_CASE("an inspectable type comes back whole") {
  static_assert(inspectable<profile>);
  static_assert(inspectable<address>);
  static_assert(!inspectable<point>);
  CHECK(round_trip(sample()) == sample());
  CHECK(round_trip(profile{}) == profile{});
}

TEST_CASE("containers of what CAF knows come back whole") {
  std::unordered_map<std::string, std::vector<address>> x{
    {"home", {{"Baker Street", 221}}}, {"work", {}}};
  CHECK(round_trip(x) == x);
  std::vector<std::string> words{"a", "", "c"};
  CHECK(round_trip(words) == words);
  CHECK(round_trip(std::vector<bool>(1000, true))
        == std::vector<bool>(1000, true));
  CHECK(round_trip(std::pair{1, std::string{"x"}}).second == "x");
}

TEST_CASE("optional and variant members come back whole") {
  choices x;
  CHECK(round_trip(x) == x);
  x.home = address{"Baker Street", 221};
  x.contact = std::string{"ada@example.org"};
  x.history = {std::nullopt, address{"x", 1}};
  x.limits = {{"a", 7}, {"b", 0.5}};
  x.seen = std::chrono::system_clock::time_point{std::chrono::hours{5}};
  x.pause = std::chrono::milliseconds{3};
  x.nested = std::optional<int>{};
  x.flag = false;
  CHECK(round_trip(x) == x);
  x.contact = address{"y", 2};
  x.nested = std::nullopt;
  x.pause = std::nullopt;
  CHECK(round_trip(x) == x);
  x.contact = std::monostate{};
  CHECK(round_trip(x) == x);
  auto wire = *encode(x);
  for (std::size_t size = 0; size < wire.size(); ++size)
    REQUIRE_FALSE(decode<choices>(bytes_view{wire}.substr(0, size)));
}

TEST_CASE("optional and variant values keep no old memory") {
  std::optional<int> x{7};
  x.reset();
  CHECK(encode(x) == encode(std::optional<int>{}));
  CHECK(encode(std::array{x}) == encode(std::array<std::optional<int>, 1>{}));
  CHECK(round_trip(std::optional<int>{7}) == 7);
  CHECK(round_trip(x) == x);
  using number = std::variant<std::int8_t, double>;
  number large{0.1};
  large = std::int8_t{1};
  CHECK(encode(large) == encode(number{std::int8_t{1}}));
  CHECK(round_trip(large) == large);
  CHECK(round_trip(number{0.5}) == number{0.5});
}

TEST_CASE("an index that the variant does not have is refused") {
  using small = std::variant<std::int32_t>;
  using large = std::variant<std::int32_t, std::int32_t>;
  auto wire = *encode(large{std::in_place_index<1>, 5});
  // The structure is the same, so the checksum holds.
  CHECK(decode<large>(wire)->index() == 1);
  CHECK(decode<small>(wire).error() == errc::decode_failed);
  CHECK(decode<small>(*encode(large{std::in_place_index<0>, 5})));
}

TEST_CASE("every truncation of an inspectable value is refused") {
  auto wire = *encode(sample());
  for (std::size_t size = 0; size < wire.size(); ++size) {
    auto x = decode<profile>(bytes_view{wire}.substr(0, size));
    REQUIRE_FALSE(x);
    REQUIRE(x.error() == errc::decode_failed);
  }
}

TEST_CASE("an inspectable value with bytes to spare is refused") {
  auto wire = *encode(sample());
  CHECK(decode<profile>(wire + '\0').error() == errc::decode_failed);
  CHECK(decode<profile>(wire + wire).error() == errc::decode_failed);
}

TEST_CASE("every damaged byte of an inspectable value is noticed") {
  auto wire = *encode(sample());
  for (std::size_t i = 0; i < wire.size(); ++i)
    for (int bit = 0; bit < 8; ++bit) {
      auto damaged = wire;
      damaged[i] = static_cast<char>(damaged[i] ^ (1 << bit));
      REQUIRE(decode<profile>(damaged).error() == errc::decode_failed);
    }
}

TEST_CASE("the bytes of another type are refused") {
  struct same_size {
    static bytes of(std::int64_t x) {
      return *encode(std::vector<std::int64_t>{x});
    }
  };
  auto wire = *encode(pair_of_ints{1, 2});
  CHECK(decode<pair_of_ints>(wire));
  CHECK(decode<address>(wire).error() == errc::decode_failed);
  CHECK((decode<std::pair<std::uint32_t, std::uint32_t>>(wire).error()
         == errc::decode_failed));
  CHECK((decode<std::pair<int, int>>(wire).has_value()));
  CHECK(decode<std::vector<double>>(same_size::of(7)).error()
        == errc::decode_failed);
}

TEST_CASE("random bytes are no inspectable value") {
  std::mt19937_64 random{7};
  for (int round = 0; round < 20'000; ++round) {
    bytes noise(random() % 64, '\0');
    for (auto& x : noise)
      x = static_cast<char>(random());
    REQUIRE_FALSE(decode<profile>(noise));
    REQUIRE_FALSE(decode<tree>(noise));
    REQUIRE_FALSE(decode<std::vector<std::string>>(noise));
    REQUIRE_FALSE(decode<std::vector<bool>>(noise));
    // Never crash, whatever comes out.
    static_cast<void>(decode<point>(noise));
    static_cast<void>(decode<int>(noise));
  }
}

TEST_CASE("mutated values are refused") {
  std::mt19937_64 random{8};
  auto wire = *encode(sample());
  for (int round = 0; round < 20'000; ++round) {
    auto mutant = wire;
    for (auto n = 1 + random() % 4; n > 0; --n) {
      auto at = random() % mutant.size();
      switch (random() % 3) {
        case 0:
          mutant[at] = static_cast<char>(random());
          break;
        case 1:
          mutant.erase(at, 1 + random() % 4);
          break;
        default:
          mutant.insert(at, 1 + random() % 4, static_cast<char>(random()));
      }
    }
    auto x = decode<profile>(mutant);
    REQUIRE((!x || *x == sample()));
  }
}

TEST_CASE("a length that exceeds the input allocates nothing") {
  // Lengths of 4 GiB, of more than 32 bits, and one that never ends.
  for (const bytes& length :
       {bytes{"\xff\xff\xff\xff\x0f"}, bytes{"\xff\xff\xff\xff\xff\x7f"},
        bytes(1000, '\xff'), bytes(20, '\x80')}) {
    for (const bytes& wire : {length, length + bytes(16, '\0')}) {
      CHECK_FALSE(decode<std::vector<std::string>>(wire));
      CHECK_FALSE(decode<std::vector<std::uint32_t>>(wire));
      CHECK_FALSE(decode<std::vector<bool>>(wire));
      CHECK_FALSE((decode<std::map<std::string, int>>(wire)));
      CHECK_FALSE(decode<profile>(wire));
      CHECK_FALSE(decode<std::u16string>(wire));
    }
  }
}

TEST_CASE("nesting cannot exhaust the stack") {
  // A chain of trees, one branch each.
  CHECK(decode<tree>(bytes(10'000'000, '\x01')).error() == errc::decode_failed);
  auto chain = [](int depth) {
    tree root;
    for (int i = 0; i < depth; ++i) {
      tree next;
      next.branches.push_back(std::move(root));
      root = std::move(next);
    }
    return root;
  };
  auto wire = encode(chain(50));
  REQUIRE(wire);
  CHECK(decode<tree>(*wire));
  auto deep = std::make_unique<tree>(chain(20'000));
  CHECK(encode(*deep).error() == errc::encode_failed);
}

TEST_CASE("errors of a type's own inspect become errors") {
  CHECK(encode(refuses{}).error() == errc::encode_failed);
  CHECK(decode<refuses>("12345678").error() == errc::decode_failed);
}

TEST_CASE("what a type's own inspect throws becomes an error") {
  CHECK(encode(throws{1}).error() == errc::encode_failed);
  CHECK(encode(throws{1}).error().text() == "no");
  CHECK(encode(throws{2}).error() == errc::out_of_memory);
  CHECK(round_trip(throws{3}).dummy == 3);
}

TEST_CASE("a user's codec replaces ours, and may throw") {
  CHECK(encode(own_format{3}) == "...");
  CHECK(decode<own_format>("..")->x == 2);
  CHECK(encode(own_format{-1}).error() == errc::encode_failed);
  CHECK(decode<own_format>(bytes(11, '.')).error() == errc::decode_failed);
}
