# Settings shared by all targets: language, warnings, test helpers.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release)
endif()

find_program(CCACHE ccache)
if(CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE})
endif()

option(PICO_LLAMA_SANITIZE "AddressSanitizer and UndefinedBehaviorSanitizer" OFF)

# The warning set, for all code of this project on every target.
# Errors only with the compilers that the tests run with (decision 0016).
set(PICO_LLAMA_WERROR)
if("${CMAKE_CXX_COMPILER_ID} ${CMAKE_CXX_COMPILER_VERSION}" MATCHES "^(GNU 1[24]|Clang 1[49])\\.")
  set(PICO_LLAMA_WERROR -Werror)
endif()
add_library(house INTERFACE)
target_compile_options(house INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wdouble-promotion -Wnon-virtual-dtor ${PICO_LLAMA_WERROR}
  # DESIGN.md, "The same bits everywhere": never contract a*b+c, on any target.
  -ffp-contract=off)
target_include_directories(house INTERFACE ${CMAKE_CURRENT_LIST_DIR}/..)
if(PICO_LLAMA_SANITIZE)
  # GCC 12 sees uninitialised members inside std::regex and std::function once they are instrumented. The check of vtables
  # wants type information, which the engine and the firmware are compiled without.
  target_compile_options(house INTERFACE -fsanitize=address,undefined -fno-sanitize=vptr -fno-sanitize-recover=all -fno-omit-frame-pointer
    -Wno-maybe-uninitialized)
  target_link_options(house INTERFACE -fsanitize=address,undefined)
  if(CMAKE_CXX_COMPILER_ID STREQUAL GNU)  # at a fixed address: relocating so large a program is a third of each start
    target_link_options(house INTERFACE -no-pie)
  endif()
endif()

# pico_llama_precompiled(NAME HEADERS... [LINKS libs...]): a precompiled header, of the level PICO_LLAMA_LEVEL, reused by
# `target_precompile_headers(... REUSE_FROM NAME)`. Library headers only: a change in this project must not rebuild everything.
function(pico_llama_precompiled name)
  cmake_parse_arguments(arg "" "" "LINKS" ${ARGN})
  if(NOT TARGET ${name})
    file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/${name}.cpp CONTENT "// Compiles the precompiled headers.\n")
    add_library(${name} OBJECT ${CMAKE_BINARY_DIR}/${name}.cpp)
    target_link_libraries(${name} PRIVATE house ${arg_LINKS})
    target_compile_options(${name} PRIVATE ${PICO_LLAMA_LEVEL})
    target_precompile_headers(${name} PRIVATE ${arg_UNPARSED_ARGUMENTS})
  endif()
endfunction()
set(standard_headers <algorithm> <array> <cstdint> <cstring> <functional> <map> <memory> <optional> <string> <string_view> <vector>)

# pico_llama_library(NAME SOURCES... [LINKS libs...]): a static library with the project's options.
function(pico_llama_library name)
  cmake_parse_arguments(arg "" "" "LINKS" ${ARGN})
  add_library(${name} STATIC ${arg_UNPARSED_ARGUMENTS})
  target_link_libraries(${name} PUBLIC house ${arg_LINKS})
  pico_llama_compile_options(${name})
endfunction()
# The level of optimisation PICO_LLAMA_LEVEL (empty: the preset's), and precompiled headers of the same, as GCC wants.
function(pico_llama_compile_options name)
  set(headers library_headers${PICO_LLAMA_LEVEL})
  target_compile_options(${name} PRIVATE ${PICO_LLAMA_LEVEL})
  if(PICO_LLAMA_PRECOMPILE)
    find_package(fmt REQUIRED)
    pico_llama_precompiled(${headers} ${standard_headers} <fmt/format.h> LINKS fmt::fmt)
    target_link_libraries(${name} PRIVATE fmt::fmt)
    target_precompile_headers(${name} REUSE_FROM ${headers})
  endif()
endfunction()

# pico_llama_test(NAME SOURCES... [LINKS libs...] [LONG] [UNSANITIZED tests...]): a GoogleTest executable, each test a ctest entry.
# LONG puts them behind `./test.sh --long` (ctest label "long"). UNSANITIZED tests, as GoogleTest's filter names them, are not
# repeated under sanitizers: they compute much, with code that others of the program run (decision 0017).
function(pico_llama_test name)
  cmake_parse_arguments(arg "LONG" "" "LINKS;UNSANITIZED" ${ARGN})
  find_package(GTest REQUIRED)
  include(GoogleTest)
  add_executable(${name} ${arg_UNPARSED_ARGUMENTS})
  target_link_libraries(${name} PRIVATE house ${arg_LINKS} GTest::gtest_main)
  target_compile_options(${name} PRIVATE ${PICO_LLAMA_LEVEL})
  pico_llama_precompiled(test_headers ${standard_headers} <random> <gtest/gtest.h> LINKS GTest::gtest)
  target_precompile_headers(${name} REUSE_FROM test_headers)
  list(LENGTH arg_UNPARSED_ARGUMENTS sources)
  if(sources GREATER 1)  # most of the time of each is that of the headers and templates that all have in common
    set_target_properties(${name} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 16)
  endif()
  set(properties "TIMEOUT;600")
  if(arg_LONG)
    list(APPEND properties LABELS long TIMEOUT 3600)
  endif()
  set(filter)
  if(PICO_LLAMA_SANITIZE AND arg_UNSANITIZED)
    list(JOIN arg_UNSANITIZED ":" filter)
    set(filter TEST_FILTER "-${filter}")
  endif()
  # One process per test isolates failures; PRE_TEST discovery avoids running code during the build.
  gtest_discover_tests(${name} TEST_PREFIX ${name}. DISCOVERY_MODE PRE_TEST ${filter} PROPERTIES ${properties}
    WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
endfunction()

# pico_llama_python_tests(PREFIX FILES...): unittest cases, each a ctest entry PREFIX.FILE.NAME. The files list their cases and
# labels, `long` and `sanitized` (tests/support/labels.py).
function(pico_llama_python_tests prefix)
  # The system's Python first: Debian's pyserial belongs to it.
  find_program(SYSTEM_PYTHON python3 PATHS /usr/bin NO_DEFAULT_PATH)
  find_program(SYSTEM_PYTHON python3 REQUIRED)
  set(run ${SYSTEM_PYTHON} ${PROJECT_SOURCE_DIR}/tests/support/run_python_tests.py)
  set(environment PICO_LLAMA_BUILD=${CMAKE_BINARY_DIR})
  if(CMAKE_CROSSCOMPILING)
    list(APPEND environment PICO_LLAMA_COMMAND=${PICO_LLAMA_COMMAND_UNDER_TEST})
  endif()
  foreach(file ${ARGN})
    get_filename_component(stem ${file} NAME_WE)
    set(path ${CMAKE_CURRENT_SOURCE_DIR}/${file})
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${path})
    execute_process(COMMAND ${run} ${path} --list OUTPUT_VARIABLE listing OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
    string(REPLACE "\n" ";" lines "${listing}")
    foreach(line IN LISTS lines)
      separate_arguments(labels UNIX_COMMAND "${line}")
      list(POP_FRONT labels case)
      if(PICO_LLAMA_SANITIZE AND NOT "sanitized" IN_LIST labels)
        continue()
      endif()
      string(REGEX REPLACE "^.*[.]test_" "" name ${case})
      string(REGEX REPLACE "_test$" "" group ${stem})
      add_test(NAME ${prefix}.${group}.${name} COMMAND ${run} ${path} ${case})
      set_tests_properties(${prefix}.${group}.${name} PROPERTIES SKIP_RETURN_CODE 77 TIMEOUT 600
        ENVIRONMENT "${environment}")
      if("long" IN_LIST labels)
        set_tests_properties(${prefix}.${group}.${name} PROPERTIES LABELS long TIMEOUT 3600)
      endif()
    endforeach()
  endforeach()
endfunction()
