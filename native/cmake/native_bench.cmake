# Each bench/native/NAME_bench.cpp is one program that prints JSON lines; bench/run.mjs starts it beside the rivals.
file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/bench/native/*_bench.cpp)
foreach(source ${sources})
  get_filename_component(name ${source} NAME_WE)
  add_executable(${name} ${source})
  # Helpers that make networks and maps.
  target_include_directories(${name} PRIVATE ${CMAKE_SOURCE_DIR}/test/native)
  target_link_libraries(${name} PRIVATE histojet_api)
endforeach()

# A rival that shares the calibration of ours; where oneDNN is not installed there is no such target.
find_library(dnnl dnnl)
find_path(dnnl_headers oneapi/dnnl/dnnl.hpp)
find_package(OpenMP COMPONENTS CXX)
if(dnnl AND dnnl_headers AND OpenMP_CXX_FOUND)
  add_executable(onednn_peer ${CMAKE_SOURCE_DIR}/bench/peers/onednn_peer.cpp)
  target_include_directories(onednn_peer PRIVATE ${dnnl_headers})
  target_link_libraries(onednn_peer PRIVATE histojet_api ${dnnl} OpenMP::OpenMP_CXX)
endif()
