#[=[
Finds CAF, the C++ Actor Framework, where it comes without a CMake package of
its own (as in Debian).

  find_package(CAF 0.17.6...<0.18 REQUIRED COMPONENTS core io)

Components: core, io, openssl. The core is always looked for.

Imported targets: CAF::core, CAF::io, CAF::openssl. The last one also needs the
OpenSSL headers, because <caf/openssl/session.hpp> includes them.

Variables: CAF_FOUND, CAF_VERSION, CAF_INCLUDE_DIR, CAF_<component>_FOUND,
CAF_LIBRARY_<COMPONENT>. Hint: CAF_ROOT (variable or environment).
]=]

set(caf_components core ${CAF_FIND_COMPONENTS})
list(REMOVE_DUPLICATES caf_components)

# -- headers and version -------------------------------------------------------

find_path(CAF_INCLUDE_DIR
  NAMES caf/config.hpp
  DOC "The directory that holds CAF's headers"
)
mark_as_advanced(CAF_INCLUDE_DIR)

unset(CAF_VERSION)
if(CAF_INCLUDE_DIR)
  # CAF_VERSION is major * 10000 + minor * 100 + patch. Since 0.18 the number
  # comes from the build configuration.
  foreach(header IN ITEMS caf/config.hpp caf/detail/build_config.hpp)
    if(NOT CAF_VERSION AND EXISTS "${CAF_INCLUDE_DIR}/${header}")
      file(STRINGS "${CAF_INCLUDE_DIR}/${header}" caf_version_line
           REGEX "^#define CAF_VERSION [0-9]+" LIMIT_COUNT 1)
      if(caf_version_line MATCHES "([0-9]+)$")
        math(EXPR caf_major "${CMAKE_MATCH_1} / 10000")
        math(EXPR caf_minor "(${CMAKE_MATCH_1} / 100) % 100")
        math(EXPR caf_patch "${CMAKE_MATCH_1} % 100")
        set(CAF_VERSION "${caf_major}.${caf_minor}.${caf_patch}")
      endif()
    endif()
  endforeach()
endif()

# -- libraries -----------------------------------------------------------------

set(caf_required CAF_INCLUDE_DIR)
foreach(component IN LISTS caf_components)
  string(TOUPPER "${component}" upper)
  if(NOT component MATCHES "^(core|io|openssl)$")
    set(CAF_${component}_FOUND FALSE)
    continue()
  endif()
  find_library(CAF_LIBRARY_${upper}
    NAMES caf_${component}
    DOC "The library caf_${component}"
  )
  mark_as_advanced(CAF_LIBRARY_${upper})
  if(CAF_INCLUDE_DIR AND CAF_LIBRARY_${upper})
    set(CAF_${component}_FOUND TRUE)
  else()
    set(CAF_${component}_FOUND FALSE)
  endif()
  if(component STREQUAL "core")
    list(APPEND caf_required CAF_LIBRARY_CORE)
  endif()
endforeach()

if("openssl" IN_LIST caf_components AND CAF_openssl_FOUND)
  find_package(OpenSSL QUIET)
  if(NOT OPENSSL_FOUND)
    set(CAF_openssl_FOUND FALSE)
  endif()
endif()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(CAF
  REQUIRED_VARS ${caf_required}
  VERSION_VAR CAF_VERSION
  HANDLE_VERSION_RANGE
  HANDLE_COMPONENTS
  REASON_FAILURE_MESSAGE
    "On Debian and Ubuntu: apt-get install libcaf-dev (and libssl-dev for the component openssl). Elsewhere set CAF_ROOT to the installation prefix."
)

# -- imported targets ----------------------------------------------------------

if(CAF_FOUND)
  find_package(Threads QUIET)
  foreach(component IN LISTS caf_components)
    string(TOUPPER "${component}" upper)
    if(CAF_${component}_FOUND AND NOT TARGET CAF::${component})
      add_library(CAF::${component} UNKNOWN IMPORTED)
      set_target_properties(CAF::${component} PROPERTIES
        IMPORTED_LOCATION "${CAF_LIBRARY_${upper}}"
        INTERFACE_INCLUDE_DIRECTORIES "${CAF_INCLUDE_DIR}"
      )
    endif()
  endforeach()
  if(TARGET CAF::core AND TARGET Threads::Threads)
    set_property(TARGET CAF::core APPEND PROPERTY
      INTERFACE_LINK_LIBRARIES Threads::Threads)
  endif()
  if(TARGET CAF::io)
    set_property(TARGET CAF::io APPEND PROPERTY
      INTERFACE_LINK_LIBRARIES CAF::core)
  endif()
  if(TARGET CAF::openssl)
    # The middleman lives in caf_io, whatever components were asked for.
    if(NOT TARGET CAF::io)
      find_library(CAF_LIBRARY_IO NAMES caf_io DOC "The library caf_io")
      mark_as_advanced(CAF_LIBRARY_IO)
      set_property(TARGET CAF::openssl APPEND PROPERTY
        INTERFACE_LINK_LIBRARIES "${CAF_LIBRARY_IO}" CAF::core)
    else()
      set_property(TARGET CAF::openssl APPEND PROPERTY
        INTERFACE_LINK_LIBRARIES CAF::io)
    endif()
    set_property(TARGET CAF::openssl APPEND PROPERTY
      INTERFACE_LINK_LIBRARIES OpenSSL::SSL)
  endif()
endif()
