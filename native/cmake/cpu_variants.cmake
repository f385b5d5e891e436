# Only these files are compiled with wide instructions; everything else stays baseline x86-64. Such files hold no
# containers and no inline functions of shared headers: the linker might keep their wide copy for the whole program.
# GCC 12 warns about variables inside its own avx512fintrin.h, hence -Wno-maybe-uninitialized.
function(histojet_cpu_flags)
  foreach(file ${ARGN})
    if(file MATCHES "_avx2\\.cpp$")
      set_source_files_properties(${file} PROPERTIES COMPILE_OPTIONS "-O3;-mavx2;-mfma;-mf16c")
    elseif(file MATCHES "_avx512\\.cpp$")
      set_source_files_properties(${file} PROPERTIES COMPILE_OPTIONS
        "-O3;-mavx2;-mfma;-mf16c;-mavx512f;-mavx512bw;-mavx512vl;-mavx512dq;-Wno-maybe-uninitialized")
    elseif(file MATCHES "_sha_ni\\.cpp$")
      set_source_files_properties(${file} PROPERTIES COMPILE_OPTIONS "-O3;-mssse3;-msse4.1;-msha")
    elseif(file MATCHES "_avx512bf16\\.cpp$")
      set_source_files_properties(${file} PROPERTIES COMPILE_OPTIONS
        "-O3;-mavx2;-mfma;-mf16c;-mavx512f;-mavx512bw;-mavx512vl;-mavx512dq;-mavx512bf16;-Wno-maybe-uninitialized")
    elseif(file MATCHES "_amx\\.cpp$")
      set_source_files_properties(${file} PROPERTIES COMPILE_OPTIONS
        "-O3;-mavx2;-mfma;-mf16c;-mavx512f;-mavx512bw;-mavx512vl;-mavx512dq;-mavx512bf16;-mamx-tile;-mamx-bf16;-Wno-maybe-uninitialized")
    endif()
    if(file MATCHES "_(avx2|avx512|avx512bf16|sha_ni|amx)\\.cpp$")
      set_source_files_properties(${file} PROPERTIES SKIP_PRECOMPILE_HEADERS ON)
    endif()
  endforeach()
endfunction()
