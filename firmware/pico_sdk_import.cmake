# Finds the Pico SDK; include before project(). A Pico project has a file of this name: the VS Code extension starts when the folder
# it opens contains one. Command line and VS Code share the search in cmake/pico_sdk.cmake.
include(${CMAKE_CURRENT_LIST_DIR}/../cmake/pico_sdk.cmake)
