include(${CMAKE_CURRENT_LIST_DIR}/header_library.cmake)
pico_llama_header_library(hwy::hwy hwy)
set(hwy_FOUND TRUE)
