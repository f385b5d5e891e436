# One executable per folder of test/native: test_base, test_slide, …; ctest runs them all.
find_package(GTest REQUIRED)
enable_testing()
file(GLOB folders LIST_DIRECTORIES true RELATIVE ${CMAKE_SOURCE_DIR}/test/native ${CMAKE_SOURCE_DIR}/test/native/*)
foreach(folder ${folders})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/test/native/${folder}/*_test.cpp)
  if(sources AND TARGET histojet_${folder})
    add_executable(test_${folder} ${sources})
    histojet_precompile(test_${folder} tests <gtest/gtest.h>)
    # Most of a test's time goes into compiling it.
    target_compile_options(test_${folder} PRIVATE -Og)
    target_include_directories(test_${folder} PRIVATE ${CMAKE_SOURCE_DIR}/test/native)
    target_link_libraries(test_${folder} PRIVATE histojet_${folder} GTest::gtest GTest::gtest_main)
    target_compile_definitions(test_${folder} PRIVATE
      HISTOJET_TEST_FIXTURES="${CMAKE_SOURCE_DIR}/test/fixtures"
      HISTOJET_SHARED_FIXTURES="${CMAKE_SOURCE_DIR}/../shared/fixtures")
    add_test(NAME ${folder} COMMAND test_${folder})
  endif()
endforeach()
# Two suites run at a time: the longest one begins.
if(TARGET test_models)
  set_tests_properties(models PROPERTIES COST 100)
endif()
# No pixel may depend on what the heap held before. Sanitizers bring their own heap.
if(TARGET test_slide AND NOT HISTOJET_SANITIZE)
  foreach(fill 90 165)
    add_test(NAME slide_heap_${fill} COMMAND test_slide --gtest_filter=*SlideParity*)
    set_tests_properties(slide_heap_${fill} PROPERTIES ENVIRONMENT "MALLOC_PERTURB_=${fill}")
  endforeach()
endif()
