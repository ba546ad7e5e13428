# How our own programs, tests and benchmarks are compiled. None of this reaches who uses the libraries.

# Link a program to `lookalike_flags` to have it compiled by the house's rules.
add_library(lookalike_flags INTERFACE)
target_compile_options(
  lookalike_flags INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wconversion $<$<BOOL:${LOOKALIKE_WERROR}>:-Werror>
                            $<$<BOOL:${LOOKALIKE_NATIVE}>:-march=native>)

# Not AVX-512 with g++ 12 and xsimd 8: g++ 12.2 copies some small constants wrongly there and warns about its own
# intrinsics (GCC bug 105593), and some of xsimd's functions do not compile.
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13 AND CMAKE_SYSTEM_PROCESSOR
                                                                                         MATCHES "x86_64|AMD64")
  target_compile_options(lookalike_flags INTERFACE $<$<BOOL:${LOOKALIKE_NATIVE}>:-mno-avx512f>)
endif()

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
