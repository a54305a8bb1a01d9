# No shared libraries, no conventions of a system: CMake only wants to find this file.
set(CMAKE_EXECUTABLE_SUFFIX .wasm)
