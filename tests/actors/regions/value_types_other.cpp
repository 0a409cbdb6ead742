#include "actors/regions/value_types.hpp"

#include <string>
#include <utility>
#include <vector>

namespace {

// Spelled as those in value_types.cpp.
struct hidden {
  double y;

  struct inside {
    char z;
  };
};

auto local() {
  struct within {
    double y;
  };
  return within{};
}

} // namespace

static auto local_of_static() {
  struct within {
    double y;
  };
  return within{};
}

namespace value_types {

using troupe::value_type_of;

troupe::value_type other_hidden() {
  return value_type_of<hidden>();
}

troupe::value_type other_hidden_in_vector() {
  return value_type_of<std::vector<hidden>>();
}

troupe::value_type other_hidden_in_pair() {
  return value_type_of<std::pair<std::string, std::vector<hidden>>>();
}

troupe::value_type other_local() {
  return value_type_of<decltype(local())>();
}

troupe::value_type other_local_of_static() {
  return value_type_of<decltype(local_of_static())>();
}

troupe::value_type other_shared() {
  return value_type_of<shared_type>();
}

troupe::value_type other_shared_in_vector() {
  return value_type_of<std::vector<shared_type>>();
}

troupe::value_type other_nested() {
  return value_type_of<hidden::inside>();
}

} // namespace value_types
