# What every target of this project shares: the language, the one warning set, and how tests are declared.
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
add_library(house INTERFACE)
target_compile_options(house INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wdouble-promotion -Wnon-virtual-dtor -Werror
  # DESIGN.md, "The same bits everywhere": never contract a*b+c, on any target.
  -ffp-contract=off)
target_include_directories(house INTERFACE ${CMAKE_CURRENT_LIST_DIR}/..)
if(PICO_LLAMA_SANITIZE)
  # GCC 12 sees uninitialised members inside std::regex and std::function once they are instrumented. The check of vtables
  # wants type information, which the engine and the firmware are compiled without.
  target_compile_options(house INTERFACE -fsanitize=address,undefined -fno-sanitize=vptr -fno-sanitize-recover=all -fno-omit-frame-pointer
    -Wno-maybe-uninitialized)
  target_link_options(house INTERFACE -fsanitize=address,undefined)
endif()

# pico_llama_library(NAME SOURCES... [LINKS libs...]): a static library under the house rules.
function(pico_llama_library name)
  cmake_parse_arguments(arg "" "" "LINKS" ${ARGN})
  add_library(${name} STATIC ${arg_UNPARSED_ARGUMENTS})
  target_link_libraries(${name} PUBLIC house ${arg_LINKS})
endfunction()

# pico_llama_test(NAME SOURCES... [LINKS libs...] [LONG]): a GoogleTest executable, each test a ctest entry.
# LONG puts them behind `./test.sh --long` (ctest label "long").
function(pico_llama_test name)
  cmake_parse_arguments(arg "LONG" "" "LINKS" ${ARGN})
  find_package(GTest REQUIRED)
  include(GoogleTest)
  add_executable(${name} ${arg_UNPARSED_ARGUMENTS})
  target_link_libraries(${name} PRIVATE house ${arg_LINKS} GTest::gtest_main)
  set(properties "TIMEOUT;600")
  if(arg_LONG)
    list(APPEND properties LABELS long TIMEOUT 3600)
  endif()
  # Fresh process a test keeps failures apart; PRE_TEST discovery keeps the build itself free of running code.
  gtest_discover_tests(${name} TEST_PREFIX ${name}. DISCOVERY_MODE PRE_TEST PROPERTIES ${properties}
    WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
endfunction()
