# lookalike::compiled: the kernels of all layers and the decompositions behind principal components, compiled once, for
# those who build often. Link it beside lookalike::lookalike; nothing in the source changes. It is built for the
# instruction set that its own options say.

file(GLOB layer_headers CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/include/lookalike/nn/layers/*.hpp")
set(compiled_sources "")
foreach(header IN LISTS layer_headers)
  file(STRINGS "${header}" lines REGEX "^LOOKALIKE_COMPILED_LAYER\\(")
  if(NOT lines)
    continue()
  endif()
  cmake_path(GET header STEM name)
  list(JOIN lines "\n" definitions)
  string(REPLACE "LOOKALIKE_COMPILED_LAYER(" "LOOKALIKE_INSTANTIATE_LAYER(," definitions "${definitions}")
  set(source "${CMAKE_CURRENT_BINARY_DIR}/compiled/${name}.cpp")
  file(CONFIGURE OUTPUT "${source}" CONTENT
       "#include <lookalike/nn/layers/@name@.hpp>\n\nnamespace lookalike {\n@definitions@\n}  // namespace lookalike\n" @ONLY)
  list(APPEND compiled_sources "${source}")
endforeach()

# Headers whose functions are either inline or compiled here.
foreach(header lookalike/retrieve/detail/dense_algebra.hpp)
  cmake_path(GET header STEM name)
  set(source "${CMAKE_CURRENT_BINARY_DIR}/compiled/${name}.cpp")
  file(CONFIGURE OUTPUT "${source}" CONTENT "#define LOOKALIKE_COMPILING\n#include <@header@>\n" @ONLY)
  list(APPEND compiled_sources "${source}")
endforeach()

add_library(lookalike_compiled STATIC EXCLUDE_FROM_ALL ${compiled_sources})
add_library(lookalike::compiled ALIAS lookalike_compiled)
target_link_libraries(lookalike_compiled PUBLIC lookalike)
target_compile_definitions(lookalike_compiled PUBLIC LOOKALIKE_COMPILED)
set_target_properties(lookalike_compiled PROPERTIES POSITION_INDEPENDENT_CODE ON)
if(TARGET lookalike_flags)
  target_link_libraries(lookalike_compiled PRIVATE lookalike_flags)
endif()
