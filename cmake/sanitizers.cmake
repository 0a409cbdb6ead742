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
    -g1
  )
  add_link_options(-fsanitize=${sanitize_list})
endif()

# Has what uses an imported target do without UBSan's checks of each pointer. They
# double the time that CAF's templates take to compile (41 s of user time against 25 s
# for a test of an actor), find a fault in those (an empty shared_ptr<std::tuple<>>
# that nothing is read through), and a null pointer that is read through ends the
# program under AddressSanitizer all the same.
function(troupe_sanitize_less target)
  if("undefined" IN_LIST TROUPE_SANITIZE)
    set_property(TARGET ${target} APPEND PROPERTY
      INTERFACE_COMPILE_OPTIONS -fno-sanitize=null,alignment,vptr)
  endif()
endfunction()

# Where the code must know it: under ThreadSanitizer, readers use real fences and
# no vector loads; under AddressSanitizer, free blocks are poisoned. It is the
# library's build that decides, for its headers, too, and never the flags of who
# includes them: inline functions and sources have to agree. So the installed
# targets carry these definitions, and headers look at nothing else.
include(CheckCXXSourceCompiles)

function(troupe_check_sanitizer name macro feature)
  unset(TROUPE_FLAGS_SANITIZE_${name} CACHE) # The flags may be others by now.
  check_cxx_source_compiles("
    #if defined(__has_feature)
    #  if __has_feature(${feature})
    #    define ${macro} 1
    #  endif
    #endif
    #ifndef ${macro}
    #  error not instrumented
    #endif
    int main() {}" TROUPE_FLAGS_SANITIZE_${name})
endfunction()

# In CMAKE_CXX_FLAGS they count, too: of a project around this one, say.
troupe_check_sanitizer(THREAD __SANITIZE_THREAD__ thread_sanitizer)
troupe_check_sanitizer(ADDRESS __SANITIZE_ADDRESS__ address_sanitizer)

set(TROUPE_SANITIZER_DEFINITIONS)
if(TROUPE_FLAGS_SANITIZE_THREAD OR "thread" IN_LIST TROUPE_SANITIZE)
  list(APPEND TROUPE_SANITIZER_DEFINITIONS TROUPE_THREAD_SANITIZER=1)
endif()
if(TROUPE_FLAGS_SANITIZE_ADDRESS OR "address" IN_LIST TROUPE_SANITIZE)
  list(APPEND TROUPE_SANITIZER_DEFINITIONS TROUPE_ADDRESS_SANITIZER=1)
endif()

# A profiler wants frames in the build that carries debug information.
add_compile_options($<$<CONFIG:RelWithDebInfo>:-fno-omit-frame-pointer>)
