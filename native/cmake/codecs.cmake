# Static archives, so that the prebuilt addon needs nothing installed. JPEG XL comes as a shared library only: its
# header is needed here, the library is looked for when a slide needs it.
set(HISTOJET_CODEC_PACKAGES "libjpeg62-turbo-dev (libjpeg-turbo8-dev on Ubuntu) libdeflate-dev libpng-dev zlib1g-dev \
libopenjp2-7-dev libzstd-dev libwebp-dev libpugixml-dev libsqlite3-dev libjxl-dev")
set(HISTOJET_CODEC_LIBRARIES)
foreach(name png jpeg deflate z openjp2 zstd webp pugixml sqlite3)
  find_library(HISTOJET_LIB_${name} NAMES lib${name}.a)
  if(NOT HISTOJET_LIB_${name})
    message(FATAL_ERROR "lib${name}.a not found. On Debian or Ubuntu: apt-get install ${HISTOJET_CODEC_PACKAGES}")
  endif()
  list(APPEND HISTOJET_CODEC_LIBRARIES ${HISTOJET_LIB_${name}})
endforeach()
find_path(HISTOJET_OPENJPEG_INCLUDE openjpeg.h PATH_SUFFIXES openjpeg-2.5 openjpeg-2.4 REQUIRED)
find_path(HISTOJET_JXL_INCLUDE jxl/decode.h REQUIRED)
set(HISTOJET_CODEC_INCLUDES ${HISTOJET_OPENJPEG_INCLUDE} ${HISTOJET_JXL_INCLUDE})
list(APPEND HISTOJET_CODEC_LIBRARIES ${CMAKE_DL_LIBS})
find_package(Threads REQUIRED)
