# How a room (a top-level folder) becomes a library target.
#
# Every header is included as <troupe/ROOM/...>. In the build tree that name is
# a link to the room itself, so an edit needs no copy; after installation it is
# the installed copy.

set(TROUPE_INCLUDE_DIR "${PROJECT_BINARY_DIR}/include")
file(MAKE_DIRECTORY "${TROUPE_INCLUDE_DIR}/troupe")

# Makes <build>/include/troupe/NAME point to TARGET (which may come later).
function(troupe_include_link target name)
  set(link "${TROUPE_INCLUDE_DIR}/troupe/${name}")
  set(present "")
  if(IS_SYMLINK "${link}")
    file(READ_SYMLINK "${link}" present)
  endif()
  if(NOT present STREQUAL target)
    file(CREATE_LINK "${target}" "${link}" SYMBOLIC)
  endif()
endfunction()

foreach(room IN ITEMS actors messages backends)
  troupe_include_link("${PROJECT_SOURCE_DIR}/${room}" ${room})
endforeach()
troupe_include_link("${PROJECT_SOURCE_DIR}/actors/troupe.hpp" troupe.hpp)

# troupe_unity(TARGET)
#
# With TROUPE_UNITY, compiles several sources of a library as one, so that templates of
# CAF that several of them use are compiled once: a sixth of the time. The names in
# unnamed namespaces of neighbours must differ then. The build that people run compiles
# each source alone, and so finds what a source forgets to include.
function(troupe_unity target)
  if(TROUPE_UNITY)
    set_target_properties(${target} PROPERTIES UNITY_BUILD ON
      UNITY_BUILD_BATCH_SIZE 8)
  endif()
endfunction()

# troupe_library(NAME SOURCES file... [LINK target...] [LINK_PRIVATE target...])
#
# Adds the library troupe_NAME with the alias troupe::NAME. Without a .cpp
# among the sources it is an INTERFACE library, so that a room may be empty or
# hold headers only. LINK is what its headers need, LINK_PRIVATE what only its
# sources do.
function(troupe_library name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;LINK;LINK_PRIVATE")
  set(target troupe_${name})
  set(compiled ${arg_SOURCES})
  list(FILTER compiled INCLUDE REGEX "\\.cpp$")
  if(compiled)
    set(scope PUBLIC)
    add_library(${target} STATIC ${arg_SOURCES})
    target_link_libraries(${target} PRIVATE ${arg_LINK_PRIVATE})
    set_target_properties(${target} PROPERTIES POSITION_INDEPENDENT_CODE ON)
    troupe_warnings(${target})
    troupe_unity(${target})
  else()
    set(scope INTERFACE)
    add_library(${target} INTERFACE)
  endif()
  add_library(troupe::${name} ALIAS ${target})
  target_compile_features(${target} ${scope} cxx_std_20)
  target_compile_definitions(${target} ${scope}
    ${TROUPE_SANITIZER_DEFINITIONS})
  target_include_directories(${target} ${scope}
    "$<BUILD_INTERFACE:${TROUPE_INCLUDE_DIR}>"
    "$<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>"
  )
  target_link_libraries(${target} ${scope} ${arg_LINK})
  set_target_properties(${target} PROPERTIES EXPORT_NAME ${name})
  set_property(GLOBAL APPEND PROPERTY TROUPE_LIBRARIES ${target})
endfunction()

# troupe_plain(TARGET)
#
# Says that a target does not know CAF. It gets TROUPE_PLAIN_OPTIONS: the build for
# AddressSanitizer optimises these targets, whose tests take long, and leaves out the
# others, whose templates of CAF take long to compile.
set(TROUPE_PLAIN_OPTIONS "" CACHE STRING
  "Compiler options of the targets that do not know CAF, after all others")
function(troupe_plain target)
  target_compile_options(${target} PRIVATE ${TROUPE_PLAIN_OPTIONS})
endfunction()

# troupe_app_library(NAME SOURCES file... [LINK target...])
#
# The part of a program that tests can link: like troupe_library, but not
# installed.
function(troupe_app_library target)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;LINK")
  set(compiled ${arg_SOURCES})
  list(FILTER compiled INCLUDE REGEX "\\.cpp$")
  if(compiled)
    add_library(${target} STATIC ${arg_SOURCES})
    target_include_directories(${target} PUBLIC "${PROJECT_SOURCE_DIR}")
    target_link_libraries(${target} PUBLIC ${arg_LINK})
    troupe_warnings(${target})
    troupe_unity(${target})
  else()
    add_library(${target} INTERFACE)
    target_include_directories(${target} INTERFACE "${PROJECT_SOURCE_DIR}")
    target_link_libraries(${target} INTERFACE ${arg_LINK})
  endif()
endfunction()
