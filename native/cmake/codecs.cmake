# Static archives, so that the prebuilt addon needs nothing installed. Debian: libjpeg62-turbo-dev libdeflate-dev
# libpng-dev zlib1g-dev.
set(HISTOJET_CODEC_LIBRARIES)
foreach(name png jpeg deflate z)
  find_library(HISTOJET_LIB_${name} NAMES lib${name}.a)
  if(NOT HISTOJET_LIB_${name})
    message(FATAL_ERROR "lib${name}.a not found. On Debian or Ubuntu: apt-get install libjpeg62-turbo-dev "
      "(libjpeg-turbo8-dev on Ubuntu) libdeflate-dev libpng-dev zlib1g-dev")
  endif()
  list(APPEND HISTOJET_CODEC_LIBRARIES ${HISTOJET_LIB_${name}})
endforeach()
