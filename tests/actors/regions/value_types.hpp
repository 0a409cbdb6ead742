#pragma once

// Types of one spelling in two source files.

#include <troupe/actors/regions/value_type.hpp>

namespace value_types {

/// An ordinary type, the same in both.
struct shared_type {
  int x;
};

/// As the other source file knows them.
troupe::value_type other_hidden();
troupe::value_type other_hidden_in_vector();
troupe::value_type other_hidden_in_pair();
troupe::value_type other_local();
troupe::value_type other_local_of_static();
troupe::value_type other_shared();
troupe::value_type other_shared_in_vector();
troupe::value_type other_nested();

} // namespace value_types
