# TROUPE_SANITIZE=address;undefined or TROUPE_SANITIZE=thread, for everything
# in the tree. A finding ends the program: a report nobody reads is no report.

if(TROUPE_SANITIZE)
  foreach(name IN LISTS TROUPE_SANITIZE)
    if(NOT name MATCHES "^(address|undefined|leak|thread)$")
      message(FATAL_ERROR "TROUPE_SANITIZE knows address, undefined, leak and "
                          "thread, but not '${name}'")
    endif()
  endforeach()
  if("thread" IN_LIST TROUPE_SANITIZE)
    if(NOT TROUPE_SANITIZE STREQUAL "thread")
      message(FATAL_ERROR "TROUPE_SANITIZE=thread goes with no other sanitizer")
    endif()
    if(NOT TROUPE_PLAIN_ONLY)
      message(WARNING "CAF is not instrumented and gives false reports under "
                      "ThreadSanitizer; TROUPE_PLAIN_ONLY=ON leaves it out")
    endif()
  endif()
  list(JOIN TROUPE_SANITIZE "," sanitize_list)
  add_compile_options(
    -fsanitize=${sanitize_list}
    -fno-sanitize-recover=all
    -fno-omit-frame-pointer
    -g
  )
  # Only a check that may go on can be suppressed at run time, and CAF needs one
  # (tests/ubsan.supp). With UBSAN_OPTIONS=halt_on_error=1, as tests/run sets
  # it, every other finding of this check ends the program too.
  if("undefined" IN_LIST TROUPE_SANITIZE)
    add_compile_options(-fsanitize-recover=null)
  endif()
  add_link_options(-fsanitize=${sanitize_list})
endif()

# A profiler wants frames in the build that carries debug information.
add_compile_options($<$<CONFIG:RelWithDebInfo>:-fno-omit-frame-pointer>)
