# Makes every case of a Catch2 program a test of its own.
#
# Catch2 brings catch_discover_tests for this. Ours differs where that one stays
# silent: a program that crashes while it lists its cases fails the build, and a
# name that does not select its own case fails as a test, instead of passing
# without having run anything. It also labels the heavy cases.
#
# A program with a sanitizer takes up to a second to start and to end. So there the
# cases also run in groups, a process each: tests/run takes the groups when it runs
# everything, and the single cases when it has a filter.

if(NOT CMAKE_SCRIPT_MODE_FILE)
  set(troupe_catch_cases_script "${CMAKE_CURRENT_LIST_FILE}")

  # troupe_catch_cases(TARGET PREFIX prefix QUICK seconds HEAVY seconds
  #                    [GROUPS_OF count])
  #
  # The tests are called "PREFIX/name of the case". Cases with the Catch tag
  # [heavy] get the label heavy and the other timeout; hidden ones are left out.
  # With GROUPS_OF, they have the label single, and there are tests "PREFIX group
  # N" with the label group, which run `count` cases each, with the timeout HEAVY.
  function(troupe_catch_cases target)
    cmake_parse_arguments(PARSE_ARGV 1 arg "" "PREFIX;QUICK;HEAVY;GROUPS_OF" "")
    set(cases "${CMAKE_CURRENT_BINARY_DIR}/${target}-cases.cmake")
    if(Catch2_VERSION VERSION_GREATER_EQUAL 3) # running nothing is an error
      set(list_options --list-tests --verbosity quiet)
      set(run_options)
    else()
      set(list_options --list-test-names-only)
      set(run_options --warn NoTests)
    endif()
    add_custom_command(TARGET ${target} POST_BUILD
      COMMAND "${CMAKE_COMMAND}"
              -D "PROGRAM=$<TARGET_FILE:${target}>"
              -D "PREFIX=${arg_PREFIX}"
              -D "QUICK=${arg_QUICK}"
              -D "HEAVY=${arg_HEAVY}"
              -D "GROUPS_OF=${arg_GROUPS_OF}"
              -D "LIST_OPTIONS=${list_options}"
              -D "RUN_OPTIONS=${run_options}"
              -D "CASES=${cases}"
              -P "${troupe_catch_cases_script}"
      BYPRODUCTS "${cases}"
      VERBATIM
    )
    set(include "${CMAKE_CURRENT_BINARY_DIR}/${target}-include.cmake")
    file(WRITE "${include}"
      "if(EXISTS \"${cases}\")\n"
      "  include(\"${cases}\")\n"
      "else()\n"
      "  add_test(\"${arg_PREFIX}/not built\" ${target}-is-not-built)\n"
      "endif()\n"
    )
    set_property(DIRECTORY APPEND PROPERTY TEST_INCLUDE_FILES "${include}")
  endfunction()

  return()
endif()

# -- run after each link of the program ----------------------------------------

set(script "")
set(groups 0)

# Runs the program with options that list cases; sets `output` and `count`.
function(list_cases)
  execute_process(
    COMMAND "${PROGRAM}" ${ARGN} ${LIST_OPTIONS}
    OUTPUT_VARIABLE output
    ERROR_VARIABLE errors
    RESULT_VARIABLE result
    TIMEOUT 60
  )
  string(REGEX REPLACE "[^\n]+" "" line_ends "${output}")
  string(LENGTH "${line_ends}" count)
  # v2 ends with the number of cases (up to 255), v3 with 0.
  set(expected ${count})
  if(expected GREATER 255)
    set(expected 255)
  endif()
  if(NOT result STREQUAL "0" AND NOT result STREQUAL expected)
    message(FATAL_ERROR "${PROGRAM} could not list its cases (${result}):\n"
                        "${output}${errors}")
  endif()
  set(output "${output}" PARENT_SCOPE)
  set(count ${count} PARENT_SCOPE)
endfunction()

# add_group(NAMES COUNT LABEL...): adds COUNT cases, a line each, as one test.
function(add_group names size)
  math(EXPR groups "${groups} + 1")
  set(file "${CASES}.${groups}.txt")
  file(WRITE "${file}" "${names}")
  list_cases(--input-file "${file}")
  if(NOT count EQUAL size)
    message(FATAL_ERROR "${PROGRAM} finds ${count} of the ${size} cases in "
                        "${file}:\n${output}")
  endif()
  string(APPEND script
    "add_test([==[${PREFIX} group ${groups}]==] [==[${PROGRAM}]==]"
    " --input-file [==[${file}]==])\n"
    "set_tests_properties([==[${PREFIX} group ${groups}]==] PROPERTIES"
    " TIMEOUT ${HEAVY} LABELS \"${ARGN}\")\n"
  )
  set(script "${script}" PARENT_SCOPE)
  set(groups ${groups} PARENT_SCOPE)
endfunction()

# add_cases(SPEC TIMEOUT LABEL...): adds the cases that Catch2's SPEC selects.
function(add_cases spec timeout)
  list_cases("${spec}")
  set(labels ${ARGN})
  if(GROUPS_OF)
    list(APPEND labels single)
  endif()
  # One name per line. A semicolon and brackets mean something to CMake's
  # lists, so the lines are taken off one by one.
  set(rest "${output}")
  set(names "")
  set(size 0)
  while(rest MATCHES "^([^\n]*)\n")
    set(name "${CMAKE_MATCH_1}")
    string(LENGTH "${CMAKE_MATCH_0}" length)
    string(SUBSTRING "${rest}" ${length} -1 rest)
    if(name STREQUAL "")
      continue()
    endif()
    # What means something to Catch2 in a name.
    string(REGEX REPLACE "([][,\\\\])" "\\\\\\1" pattern "${name}")
    set(test "[==[${PREFIX}/${name}]==]")
    string(APPEND script
      "add_test(${test} [==[${PROGRAM}]==] [==[${pattern}]==] ${run_options})\n"
      "set_tests_properties(${test} PROPERTIES TIMEOUT ${timeout}"
      " LABELS \"${labels}\")\n"
    )
    string(APPEND names "${pattern}\n")
    math(EXPR size "${size} + 1")
    if(size EQUAL "${GROUPS_OF}")
      add_group("${names}" ${size} group ${ARGN})
      set(names "")
      set(size 0)
    endif()
  endwhile()
  if(GROUPS_OF AND size GREATER 0)
    add_group("${names}" ${size} group ${ARGN})
  endif()
  set(script "${script}" PARENT_SCOPE)
  set(groups ${groups} PARENT_SCOPE)
endfunction()

list(JOIN RUN_OPTIONS " " run_options)
add_cases("~[heavy]~[.]" ${QUICK})
add_cases("[heavy]~[.]" ${HEAVY} heavy)
file(WRITE "${CASES}" "${script}")
