#[=[
Finds liburcu (userspace RCU) in its membarrier flavour, with the lock-free
containers (cds).

Imported target: URCU::memb. Variables: URCU_FOUND, URCU_INCLUDE_DIR,
URCU_LIBRARY_MEMB, URCU_LIBRARY_CDS, URCU_LIBRARY_COMMON.
]=]

find_path(URCU_INCLUDE_DIR
  NAMES urcu/urcu-memb.h
  DOC "The directory that holds urcu/urcu-memb.h"
)
find_library(URCU_LIBRARY_MEMB NAMES urcu-memb DOC "The library urcu-memb")
find_library(URCU_LIBRARY_CDS NAMES urcu-cds DOC "The library urcu-cds")
find_library(URCU_LIBRARY_COMMON NAMES urcu-common DOC "The library urcu-common")
mark_as_advanced(URCU_INCLUDE_DIR URCU_LIBRARY_MEMB URCU_LIBRARY_CDS
                 URCU_LIBRARY_COMMON)

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(URCU
  REQUIRED_VARS URCU_LIBRARY_MEMB URCU_LIBRARY_CDS URCU_LIBRARY_COMMON
                URCU_INCLUDE_DIR
  REASON_FAILURE_MESSAGE "On Debian and Ubuntu: apt-get install liburcu-dev."
)

if(URCU_FOUND AND NOT TARGET URCU::memb)
  add_library(URCU::memb INTERFACE IMPORTED)
  set_target_properties(URCU::memb PROPERTIES
    INTERFACE_INCLUDE_DIRECTORIES "${URCU_INCLUDE_DIR}"
    INTERFACE_LINK_LIBRARIES
      "${URCU_LIBRARY_CDS};${URCU_LIBRARY_MEMB};${URCU_LIBRARY_COMMON}")
endif()
