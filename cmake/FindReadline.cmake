#[=[
Finds GNU readline.

Imported target: Readline::Readline. Variables: Readline_FOUND,
Readline_INCLUDE_DIR, Readline_LIBRARY.
]=]

find_path(Readline_INCLUDE_DIR
  NAMES readline/readline.h
  DOC "The directory that holds readline/readline.h"
)
find_library(Readline_LIBRARY NAMES readline DOC "The readline library")
mark_as_advanced(Readline_INCLUDE_DIR Readline_LIBRARY)

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(Readline
  REQUIRED_VARS Readline_LIBRARY Readline_INCLUDE_DIR
  REASON_FAILURE_MESSAGE "On Debian and Ubuntu: apt-get install libreadline-dev."
)

if(Readline_FOUND AND NOT TARGET Readline::Readline)
  add_library(Readline::Readline UNKNOWN IMPORTED)
  set_target_properties(Readline::Readline PROPERTIES
    IMPORTED_LOCATION "${Readline_LIBRARY}"
    INTERFACE_INCLUDE_DIRECTORIES "${Readline_INCLUDE_DIR}")
endif()
