# The three libraries. All are headers only; what differs is what else they need.
#
#   lookalike::lookalike   everything that works on pictures in memory
#   lookalike::io          reading and writing JPEG and PNG files and archives of them (libjpeg-turbo, libpng, zlib)
#   lookalike::graph       the grid graph on which the algorithms of Boost.Graph run

find_package(xsimd 8.1 CONFIG REQUIRED)
find_package(xtensor 0.24 CONFIG REQUIRED)
find_package(Eigen3 3.4 CONFIG REQUIRED)

add_library(lookalike INTERFACE)
add_library(lookalike::lookalike ALIAS lookalike)
target_compile_features(lookalike INTERFACE cxx_std_20)
target_include_directories(lookalike INTERFACE "$<BUILD_INTERFACE:${CMAKE_CURRENT_SOURCE_DIR}/include>"
                                               "$<INSTALL_INTERFACE:include>")
target_link_libraries(lookalike INTERFACE xsimd xtensor Eigen3::Eigen)

# Without OpenMP the same loops run on one thread, with the same results.
set(lookalike_uses_openmp OFF)
if(LOOKALIKE_OPENMP)
  find_package(OpenMP COMPONENTS CXX)
  if(OpenMP_CXX_FOUND)
    set(lookalike_uses_openmp ON)
    target_link_libraries(lookalike INTERFACE OpenMP::OpenMP_CXX)
  endif()
endif()

set(lookalike_components "")

find_package(JPEG)
find_package(PNG)
find_package(ZLIB)
if(JPEG_FOUND AND PNG_FOUND AND ZLIB_FOUND)
  list(APPEND lookalike_components io)
  add_library(lookalike_io INTERFACE)
  add_library(lookalike::io ALIAS lookalike_io)
  set_target_properties(lookalike_io PROPERTIES EXPORT_NAME io)
  target_link_libraries(lookalike_io INTERFACE lookalike JPEG::JPEG PNG::PNG ZLIB::ZLIB)
endif()

find_package(Boost 1.74 CONFIG)
if(Boost_FOUND)
  list(APPEND lookalike_components graph)
  add_library(lookalike_graph INTERFACE)
  add_library(lookalike::graph ALIAS lookalike_graph)
  set_target_properties(lookalike_graph PROPERTIES EXPORT_NAME graph)
  target_link_libraries(lookalike_graph INTERFACE lookalike Boost::headers)
endif()

if(PROJECT_IS_TOP_LEVEL)
  list(JOIN lookalike_components ", " lookalike_found)
  message(STATUS "Lookalike: components ${lookalike_found}; OpenMP ${lookalike_uses_openmp}")
endif()
