#[=[
Finds the header of xxHash, used inline (XXH_INLINE_ALL): no library is linked.

Imported target: XXHash::headers. Variables: XXHash_FOUND, XXHash_INCLUDE_DIR.
]=]

find_path(XXHash_INCLUDE_DIR
  NAMES xxhash.h
  DOC "The directory that holds xxhash.h"
)
mark_as_advanced(XXHash_INCLUDE_DIR)

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(XXHash
  REQUIRED_VARS XXHash_INCLUDE_DIR
  REASON_FAILURE_MESSAGE "On Debian and Ubuntu: apt-get install libxxhash-dev."
)

if(XXHash_FOUND AND NOT TARGET XXHash::headers)
  add_library(XXHash::headers INTERFACE IMPORTED)
  set_target_properties(XXHash::headers PROPERTIES
    INTERFACE_INCLUDE_DIRECTORIES "${XXHash_INCLUDE_DIR}")
endif()
