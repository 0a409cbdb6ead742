#include "actors/regions/value_types.hpp"

#include <string>
#include <utility>
#include <vector>

#include "actors/fixture.hpp"

using namespace troupe;
using namespace value_types;

namespace {

// Spelled as those in value_types_other.cpp.
struct hidden {
  int x;

  struct inside {
    int z;
  };
};

auto local() {
  struct within {
    int x;
  };
  return within{};
}

template <class V>
bool opens_after(const value_type& other) {
  runtime_fixture f;
  REQUIRE(f.uut->open_region("r", {}, other));
  return f.uut->open<V>("r").has_value();
}

} // namespace

static auto local_of_static() {
  struct within {
    int x;
  };
  return within{};
}

TEST_CASE("types of one spelling in two source files are two types") {
  CHECK(value_type_of<hidden>() == value_type_of<hidden>());
  CHECK(value_type_of<hidden>() != other_hidden());
  CHECK(value_type_of<hidden::inside>() != other_nested());
  CHECK(value_type_of<std::vector<hidden>>() != other_hidden_in_vector());
  CHECK(value_type_of<std::pair<std::string, std::vector<hidden>>>()
        != other_hidden_in_pair());
  CHECK(value_type_of<decltype(local())>() != other_local());
  CHECK(value_type_of<decltype(local_of_static())>()
        != other_local_of_static());
  CHECK_FALSE(opens_after<hidden>(other_hidden()));
  CHECK_FALSE(opens_after<std::vector<hidden>>(other_hidden_in_vector()));
  CHECK(opens_after<hidden>(value_type_of<hidden>()));
}

TEST_CASE("an ordinary type is the same in all source files") {
  CHECK(value_type_of<shared_type>() == other_shared());
  CHECK(value_type_of<shared_type>().place == nullptr);
  CHECK(value_type_of<std::vector<shared_type>>() == other_shared_in_vector());
  CHECK(opens_after<shared_type>(other_shared()));
}

TEST_CASE("a type mismatch says which types, readably") {
  runtime_fixture f;
  REQUIRE(f.uut->open_region("r", {}, other_hidden()));
  auto text = f.uut->open<hidden>("r").error().text();
  CHECK(text.find("hidden") != text.npos);
  CHECK(text.find("of this name in another source file") != text.npos);
  REQUIRE(f.uut->open<std::vector<std::string>>("s"));
  text = f.uut->open<int>("s").error().text();
  CHECK(text.find("std::vector<std::string") != text.npos);
  CHECK(text.find("not int") != text.npos);
  CHECK(text.find("__cxx11") == text.npos);
}

TEST_CASE("mangled names tell which types belong to a source file") {
  using detail::belongs_to_a_file;
  for (const char* file :
       {"N12_GLOBAL__N_16hiddenE", "St6vectorIN12_GLOBAL__N_16hiddenESaIS1_EE",
        "ZN12_GLOBAL__N_15localEvE6within", "ZL15local_of_staticvE6within",
        "St6vectorIZ4mainE1xSaIS0_EE", "ZN2nsL1fEvE1x", "Z4mainEUlvE_"})
    CHECK(belongs_to_a_file(file));
  for (const char* everywhere :
       {"i", "7profile", "N2ns7profileE", "St6vectorI7profileSaIS0_EE",
        "5Zebra", "N3ZoZ4JSOZE", "St5arrayI5ZebraLm10EE", "A10_5Zebra",
        "NSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEEE",
        "St3mapI2ZZS0_St4lessIS0_ESaISt4pairIKS0_S0_EEE", "1xILin5EE", ""})
    CHECK_FALSE(belongs_to_a_file(everywhere));
}
