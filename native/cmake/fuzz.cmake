# Each test/fuzz/NAME_fuzz.cpp is one libFuzzer program over the whole core.
file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/test/fuzz/*_fuzz.cpp)
foreach(source ${sources})
  get_filename_component(name ${source} NAME_WE)
  add_executable(${name} ${source})
  target_link_libraries(${name} PRIVATE histojet_api)
  target_link_options(${name} PRIVATE -fsanitize=fuzzer)
endforeach()
