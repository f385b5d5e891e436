if(HISTOJET_SANITIZE)
  add_compile_options(-fsanitize=${HISTOJET_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=undefined -g)
  add_link_options(-fsanitize=${HISTOJET_SANITIZE})
endif()
if(HISTOJET_FUZZ)
  # libFuzzer finds its way by the coverage of the core; the targets alone would tell it nothing.
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()
