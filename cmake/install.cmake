# Installation: headers as <troupe/...>, the libraries, the programs, and the
# package that makes `find_package(Troupe)` and `Troupe::troupe` work outside.

include(CMakePackageConfigHelpers)

# The umbrella: everything a program that embeds Troupe links.
add_library(troupe INTERFACE)
target_link_libraries(troupe INTERFACE
  troupe_types troupe_messages troupe_backends troupe_actors)
add_library(troupe::troupe ALIAS troupe)
add_library(Troupe::troupe ALIAS troupe)

set(troupe_package_dir "${CMAKE_INSTALL_LIBDIR}/cmake/Troupe")

get_property(troupe_libraries GLOBAL PROPERTY TROUPE_LIBRARIES)
install(TARGETS troupe ${troupe_libraries}
  EXPORT TroupeTargets
  ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}"
  INCLUDES DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}"
)
foreach(app IN ITEMS troupe-server troupe-console)
  if(TARGET ${app})
    install(TARGETS ${app} RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}")
  endif()
endforeach()

# Headers, but not the private ones under detail/.
foreach(room IN ITEMS actors messages backends)
  install(DIRECTORY "${PROJECT_SOURCE_DIR}/${room}"
    DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}/troupe"
    FILES_MATCHING PATTERN "*.hpp"
    PATTERN "detail" EXCLUDE
  )
endforeach()
install(FILES "${PROJECT_SOURCE_DIR}/actors/troupe.hpp"
  DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}/troupe"
  OPTIONAL
)

configure_package_config_file(
  "${PROJECT_SOURCE_DIR}/cmake/TroupeConfig.cmake.in"
  "${PROJECT_BINARY_DIR}/cmake/TroupeConfig.cmake"
  INSTALL_DESTINATION "${troupe_package_dir}"
  NO_SET_AND_CHECK_MACRO
)
write_basic_package_version_file(
  "${PROJECT_BINARY_DIR}/cmake/TroupeConfigVersion.cmake"
  COMPATIBILITY SameMinorVersion
)
install(FILES
  "${PROJECT_BINARY_DIR}/cmake/TroupeConfig.cmake"
  "${PROJECT_BINARY_DIR}/cmake/TroupeConfigVersion.cmake"
  "${PROJECT_SOURCE_DIR}/cmake/FindCAF.cmake"
  DESTINATION "${troupe_package_dir}"
)
install(EXPORT TroupeTargets
  NAMESPACE Troupe::
  DESTINATION "${troupe_package_dir}"
)
install(FILES "${PROJECT_SOURCE_DIR}/LICENSE"
  DESTINATION "${CMAKE_INSTALL_DOCDIR}"
)
