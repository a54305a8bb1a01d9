# Configures and builds the preset m33-qemu: cmake -DSOURCE=... -P build.cmake
foreach(step "--preset;m33-qemu" "--build;--preset;m33-qemu")
  execute_process(COMMAND ${CMAKE_COMMAND} ${step} WORKING_DIRECTORY ${SOURCE} RESULT_VARIABLE result
    OUTPUT_VARIABLE output ERROR_VARIABLE output)
  if(NOT result EQUAL 0)
    message(FATAL_ERROR "${output}")
  endif()
endforeach()
