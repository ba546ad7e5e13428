# How our own programs, tests and benchmarks are compiled. None of this reaches who uses the libraries.

# Link a program to `lookalike_flags` to have it compiled by the house's rules.
add_library(lookalike_flags INTERFACE)
target_compile_options(
  lookalike_flags INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wconversion $<$<BOOL:${LOOKALIKE_WERROR}>:-Werror>
                            $<$<BOOL:${LOOKALIKE_NATIVE}>:-march=native>)

# g++ 12 takes the undefined operands of its own AVX-512 intrinsics for uninitialized variables (GCC bug 105593). clang
# looks for real ones.
target_compile_options(
  lookalike_flags
  INTERFACE $<$<AND:$<CXX_COMPILER_ID:GNU>,$<VERSION_LESS:$<CXX_COMPILER_VERSION>,13>>:-Wno-uninitialized
            -Wno-maybe-uninitialized>)

set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
  set(CMAKE_BUILD_TYPE Release)
endif()

find_program(LOOKALIKE_CCACHE ccache DOC "Compiler cache")
if(LOOKALIKE_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER "${LOOKALIKE_CCACHE}")
endif()

# lookalike_link(program [library...]): everything of ours, and what else is named, by the house's rules.
function(lookalike_link program)
  target_link_libraries(${program} PRIVATE lookalike::lookalike lookalike_flags ${ARGN})
  foreach(component IN LISTS lookalike_components)
    target_link_libraries(${program} PRIVATE lookalike::${component})
  endforeach()
endfunction()

# Command lines and JSON are for programs; the libraries do not need them.
find_package(CLI11 CONFIG QUIET)
find_package(nlohmann_json CONFIG QUIET)
set(lookalike_program_libraries "")
foreach(library CLI11::CLI11 nlohmann_json::nlohmann_json)
  if(TARGET ${library})
    list(APPEND lookalike_program_libraries ${library})
  endif()
endforeach()
