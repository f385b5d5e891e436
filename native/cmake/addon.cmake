# The N-API addon histojet.node; included only under cmake-js, which brings the headers (CMAKE_JS_INC).
file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/native/binding/*.cpp)
add_library(histojet SHARED ${sources} ${CMAKE_JS_SRC})
histojet_precompile(histojet addon <napi.h>)
set_target_properties(histojet PROPERTIES PREFIX "" SUFFIX ".node")
target_include_directories(histojet SYSTEM PRIVATE ${CMAKE_JS_INC})
target_compile_definitions(histojet PRIVATE
  NAPI_VERSION=9
  NODE_ADDON_API_CPP_EXCEPTIONS
  NODE_ADDON_API_DISABLE_DEPRECATED
  NODE_ADDON_API_REQUIRE_BASIC_FINALIZERS
  NODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS
  NODE_GYP_MODULE_NAME=histojet)
target_link_libraries(histojet PRIVATE histojet_api ${CMAKE_JS_LIB} ${CMAKE_DL_LIBS})

# Node exports its own zlib, OpenSSL and libuv: only the two entry points may be visible, and nothing of the static
# codecs may bind to Node's copies. nodelete: threads of the executor outlive the environment that loaded the addon.
set(exports_map ${CMAKE_SOURCE_DIR}/native/binding/exports.map)
set_target_properties(histojet PROPERTIES LINK_DEPENDS ${exports_map})
target_link_options(histojet PRIVATE
  -Wl,--exclude-libs,ALL -Wl,-z,now -Wl,-z,nodelete -Wl,--gc-sections -Wl,--version-script=${exports_map})

# Debian's archives are built for executables and name stderr directly; the shim gives them a local copy.
target_sources(histojet PRIVATE ${CMAKE_SOURCE_DIR}/native/binding/stdio_shim.c)
target_link_options(histojet PRIVATE -Wl,--wrap=stderr,--wrap=stdout,--wrap=stdin)

# One prebuild runs on glibc 2.28 and later. Sanitizer builds keep the system's own symbols, which they intercept.
if(NOT HISTOJET_SANITIZE)
  set(compat ${CMAKE_SOURCE_DIR}/native/binding/glibc_compat.c)
  target_sources(histojet PRIVATE ${compat})
  set_property(DIRECTORY ${CMAKE_SOURCE_DIR} APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${compat})
  file(STRINGS ${compat} wrapped REGEX "^WRAP[A-Z_]*\\(")
  foreach(line ${wrapped})
    string(REGEX REPLACE "^WRAP[A-Z_]*\\(([a-zA-Z0-9_]+),.*" "\\1" symbol "${line}")
    target_link_options(histojet PRIVATE -Wl,--wrap=${symbol})
  endforeach()
  target_link_options(histojet PRIVATE -static-libstdc++)
endif()
