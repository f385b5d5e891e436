if(HISTOJET_SANITIZE)
  add_compile_options(-fsanitize=${HISTOJET_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=undefined -g)
  add_link_options(-fsanitize=${HISTOJET_SANITIZE})
endif()
