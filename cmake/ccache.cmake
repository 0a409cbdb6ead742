# Compiles through ccache where it is installed and its directory is usable.

if(NOT CMAKE_CXX_COMPILER_LAUNCHER)
  find_program(TROUPE_CCACHE ccache DOC "The compiler cache")
  mark_as_advanced(TROUPE_CCACHE)
  if(TROUPE_CCACHE)
    execute_process(
      COMMAND "${TROUPE_CCACHE}" --show-stats
      RESULT_VARIABLE ccache_result
      OUTPUT_QUIET ERROR_QUIET
    )
    if(ccache_result EQUAL 0)
      set(CMAKE_CXX_COMPILER_LAUNCHER "${TROUPE_CCACHE}")
    endif()
  endif()
endif()
