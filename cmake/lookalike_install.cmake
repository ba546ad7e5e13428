# `cmake --install`, and with it find_package(lookalike [COMPONENTS io graph]).

include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(lookalike_package_folder "${CMAKE_INSTALL_LIBDIR}/cmake/lookalike")

install(
  DIRECTORY include/lookalike
  DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}"
  COMPONENT headers
  FILES_MATCHING
  PATTERN "*.hpp")

# One export a component, so that a package asks only for the libraries that its user asks for.
install(TARGETS lookalike EXPORT lookalike_targets)
install(
  EXPORT lookalike_targets
  NAMESPACE lookalike::
  FILE lookalike-targets.cmake
  DESTINATION "${lookalike_package_folder}"
  COMPONENT headers)
foreach(component IN LISTS lookalike_components)
  install(TARGETS lookalike_${component} EXPORT lookalike_${component}_targets)
  install(
    EXPORT lookalike_${component}_targets
    NAMESPACE lookalike::
    FILE lookalike-${component}-targets.cmake
    DESTINATION "${lookalike_package_folder}"
    COMPONENT headers)
endforeach()

configure_package_config_file(cmake/lookalike-config.cmake.in "${CMAKE_CURRENT_BINARY_DIR}/lookalike-config.cmake"
                              INSTALL_DESTINATION "${lookalike_package_folder}")
write_basic_package_version_file("${CMAKE_CURRENT_BINARY_DIR}/lookalike-config-version.cmake"
                                 COMPATIBILITY SameMinorVersion ARCH_INDEPENDENT)
install(
  FILES "${CMAKE_CURRENT_BINARY_DIR}/lookalike-config.cmake"
        "${CMAKE_CURRENT_BINARY_DIR}/lookalike-config-version.cmake"
  DESTINATION "${lookalike_package_folder}"
  COMPONENT headers)
