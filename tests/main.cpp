// The main function of both test programs.

#if !__has_include(<catch2/catch_all.hpp>)
// Catch2 v3 brings its own main function in Catch2::Catch2WithMain.
#  define CATCH_CONFIG_MAIN
#endif
#include "catch.hpp"
