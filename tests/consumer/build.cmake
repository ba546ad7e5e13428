# Builds the project of this folder from nothing, with the library coming to it by `way`, and runs its program.

function(run)
  execute_process(COMMAND ${ARGN} COMMAND_ERROR_IS_FATAL ANY)
endfunction()

file(REMOVE_RECURSE "${folder}")
file(MAKE_DIRECTORY "${folder}")
set(arguments "-DWAY=${way}")
if(way STREQUAL "find_package")
  run("${CMAKE_COMMAND}" --install "${build}" --prefix "${folder}/installed" --component headers)
  list(APPEND arguments "-DCMAKE_PREFIX_PATH=${folder}/installed")
elseif(way STREQUAL "add_subdirectory")
  list(APPEND arguments "-DLOOKALIKE_SOURCE=${source}")
else()
  # An archive as a release would be.
  execute_process(COMMAND "${CMAKE_COMMAND}" -E tar czf "${folder}/lookalike.tar.gz" CMakeLists.txt LICENSE cmake include
                  WORKING_DIRECTORY "${source}" COMMAND_ERROR_IS_FATAL ANY)
  list(APPEND arguments "-DLOOKALIKE_ARCHIVE=file://${folder}/lookalike.tar.gz")
endif()

run("${CMAKE_COMMAND}" -S "${CMAKE_CURRENT_LIST_DIR}" -B "${folder}/build" -G "${generator}"
    "-DCMAKE_CXX_COMPILER=${compiler}" -DCMAKE_BUILD_TYPE=Debug ${arguments})
run("${CMAKE_COMMAND}" --build "${folder}/build")
run("${folder}/build/consumer")
