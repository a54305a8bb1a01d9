# WebAssembly with WASI's interface to the system: Debian's clang, wasi-libc and libc++ for wasm32 (scripts/setup.sh --web).
# Libraries that are only headers are taken from this machine's (cmake/wasm/Find*.cmake).
set(CMAKE_SYSTEM_NAME WASI)
set(CMAKE_SYSTEM_PROCESSOR wasm32)
set(CMAKE_CXX_COMPILER clang++)
set(CMAKE_CXX_COMPILER_TARGET wasm32-wasi)
set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY)
# SIMD for the engine's kernels and exceptions are in every browser since 2023 (Safari 16.4) and in Node 18.
set(CMAKE_CXX_FLAGS_INIT "-msimd128 -fwasm-exceptions -D_WASI_EMULATED_MMAN -D_WASI_EMULATED_SIGNAL")
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE NEVER)
list(APPEND CMAKE_MODULE_PATH ${CMAKE_CURRENT_LIST_DIR}/wasm)
