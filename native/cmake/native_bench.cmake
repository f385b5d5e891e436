# Each bench/native/NAME_bench.cpp is one program that prints JSON lines; bench/run.mjs starts it beside the rivals.
file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/bench/native/*_bench.cpp)
foreach(source ${sources})
  get_filename_component(name ${source} NAME_WE)
  add_executable(${name} ${source})
  target_link_libraries(${name} PRIVATE histojet_api)
endforeach()
