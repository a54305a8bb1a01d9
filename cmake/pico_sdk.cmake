# Finds the Pico SDK for a build of its own (firmware/, tests/target/sdk/). Include before project().
# -DPICO_SDK_PATH or VS Code's Pico extension first, then $PICO_SDK_PATH, then .deps/, where scripts/setup.sh puts Debian's package.
get_filename_component(repository ${CMAKE_CURRENT_LIST_DIR}/.. ABSOLUTE)

if(NOT PICO_SDK_PATH AND DEFINED ENV{PICO_SDK_PATH})
  set(PICO_SDK_PATH $ENV{PICO_SDK_PATH})
endif()
if(NOT PICO_SDK_PATH)
  set(PICO_SDK_PATH ${repository}/.deps/pico-sdk)
endif()
if(NOT EXISTS ${PICO_SDK_PATH}/external/pico_sdk_import.cmake)
  message(FATAL_ERROR "no Pico SDK at ${PICO_SDK_PATH}: run scripts/setup.sh or set PICO_SDK_PATH")
endif()
include(${PICO_SDK_PATH}/pico_sdk_version.cmake)
if(PICO_SDK_VERSION_STRING VERSION_LESS 2.1.1)
  message(FATAL_ERROR "the Pico SDK at ${PICO_SDK_PATH} is ${PICO_SDK_VERSION_STRING}; 2.1.1 or later is needed")
endif()

# Debian packages TinyUSB separately from the SDK.
if(NOT PICO_TINYUSB_PATH AND NOT DEFINED ENV{PICO_TINYUSB_PATH} AND NOT EXISTS ${PICO_SDK_PATH}/lib/tinyusb/src/tusb.h)
  set(PICO_TINYUSB_PATH ${repository}/.deps/tinyusb)
endif()

# The C library that scripts/setup.sh installs. Debian's SDK 2.2.0 is patched to take picolibc where none is named.
set(PICO_CLIB newlib)

# picotool only wraps the UF2 here (nothing is signed or hashed), which `pico-llama uf2` does as well. The extension passes its own
# picotool in picotool_DIR.
find_program(PICOTOOL picotool)
if(NOT PICOTOOL AND NOT picotool_DIR)
  set(PICO_NO_PICOTOOL 1)
endif()

if(NOT DEFINED PICO_BOARD AND DEFINED ENV{PICO_BOARD})
  set(PICO_BOARD $ENV{PICO_BOARD})
endif()
set(PICO_BOARD pimoroni_pico_plus2_w_rp2350 CACHE STRING "Board, one of the Pico SDK's")
find_program(CCACHE ccache)
if(CCACHE)
  set(CMAKE_C_COMPILER_LAUNCHER ${CCACHE})
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE})
  set(CMAKE_ASM_COMPILER_LAUNCHER ${CCACHE})
endif()
include(${PICO_SDK_PATH}/external/pico_sdk_import.cmake)
