#pragma once

// Catch2 under one name: the tests compile with v3 (many headers and a
// library) and with v2.13 (one header). In v3 some names moved, so write
// Catch::Approx and Catch::Matchers::..., which both versions know.

#if __has_include(<catch2/catch_all.hpp>)
#  include <catch2/catch_all.hpp>
#else
#  include <catch2/catch.hpp>
#endif
