#pragma once

// Catch2 under one name: the tests compile with v3 (many headers and a
// library) and with v2.13 (one header). Not everything is spelled alike in
// both; for floating-point numbers, Catch::Matchers::WithinAbs and WithinRel
// are.

#if __has_include(<catch2/catch_all.hpp>)
#  include <catch2/catch_all.hpp>
#else
#  include <catch2/catch.hpp>
#endif
