# Reading the standard library takes a third of the time that most files need: it is read once for all. Not beside a
# compiler cache, which saves more and would find nothing again; files for other instruction sets read their own.
if(CMAKE_CXX_COMPILER_LAUNCHER)
  set(default OFF)
else()
  set(default ON)
endif()
option(HISTOJET_PRECOMPILE "precompile the standard headers" ${default})
set(HISTOJET_STANDARD_HEADERS <algorithm> <array> <cmath> <cstdint> <cstring> <functional> <map> <memory> <mutex>
  <optional> <span> <string> <string_view> <utility> <vector>)

# histojet_precompile(target GROUP [header...]): the standard headers and the given ones; targets of one group share them.
function(histojet_precompile target group)
  if(NOT HISTOJET_PRECOMPILE)
    return()
  endif()
  get_property(first GLOBAL PROPERTY histojet_precompiled_${group})
  if(first)
    target_precompile_headers(${target} REUSE_FROM ${first})
  else()
    set(headers ${HISTOJET_STANDARD_HEADERS} ${ARGN})
    list(TRANSFORM headers REPLACE "^<(.+)>$" "$<$<COMPILE_LANGUAGE:CXX>:<\\1$<ANGLE-R>>")
    target_precompile_headers(${target} PRIVATE ${headers})
    set_property(GLOBAL PROPERTY histojet_precompiled_${group} ${target})
  endif()
endfunction()
