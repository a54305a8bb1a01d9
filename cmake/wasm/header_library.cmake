# Assertions in these headers name their file: relative to the build folder, as ccache makes it where it knows the folder (base_dir) and
# this where it does not, so that the bytes are the same in any folder.
set(PICO_LLAMA_WASM_PREFIX_MAP -ffile-prefix-map=${CMAKE_BINARY_DIR}/=)

# pico_llama_header_library(TARGET FOLDER): the headers of /usr/include/FOLDER, reached through a link in the build folder:
# /usr/include itself would bring this machine's C library.
function(pico_llama_header_library target folder)
  if(TARGET ${target})
    return()
  endif()
  if(NOT IS_DIRECTORY /usr/include/${folder})
    message(FATAL_ERROR "/usr/include/${folder} is missing: scripts/setup.sh")
  endif()
  set(headers ${CMAKE_BINARY_DIR}/headers/${folder})
  file(MAKE_DIRECTORY ${headers})
  file(CREATE_LINK /usr/include/${folder} ${headers}/${folder} SYMBOLIC)
  add_library(${target} INTERFACE IMPORTED GLOBAL)
  target_include_directories(${target} SYSTEM INTERFACE ${headers})
  target_compile_options(${target} INTERFACE ${PICO_LLAMA_WASM_PREFIX_MAP})
endfunction()
