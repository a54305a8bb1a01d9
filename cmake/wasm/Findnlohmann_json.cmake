include(${CMAKE_CURRENT_LIST_DIR}/header_library.cmake)
pico_llama_header_library(nlohmann_json::nlohmann_json nlohmann)
target_compile_definitions(nlohmann_json::nlohmann_json INTERFACE JSON_HAS_FILESYSTEM=0 JSON_HAS_EXPERIMENTAL_FILESYSTEM=0)
set(nlohmann_json_FOUND TRUE)
