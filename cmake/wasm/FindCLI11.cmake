include(${CMAKE_CURRENT_LIST_DIR}/header_library.cmake)
pico_llama_header_library(CLI11::CLI11 CLI)
target_compile_definitions(CLI11::CLI11 INTERFACE CLI11_HAS_FILESYSTEM=0)
set(CLI11_FOUND TRUE)
