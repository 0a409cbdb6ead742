# The warnings all our own targets compile with. What comes from outside (CAF,
# Boost, Catch2) enters through imported targets, whose headers CMake treats
# as system headers, so it does not warn.

set(troupe_warning_flags -Wall -Wextra -Wpedantic -Wshadow -Wconversion)

if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # GCC 12 sees overlapping copies in std::string's own operator+ (PR 105651).
  if(CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
    list(APPEND troupe_warning_flags -Wno-restrict)
  endif()
  # GCC 12 follows the unset half of a std::optional that is moved when inlining
  # goes deep (PR 80635), and instrumented code confuses it further.
  list(APPEND troupe_warning_flags -Wno-maybe-uninitialized)
endif()

function(troupe_warnings target)
  target_compile_options(${target} PRIVATE ${troupe_warning_flags})
  if(TROUPE_WERROR)
    target_compile_options(${target} PRIVATE -Werror)
  endif()
endfunction()
