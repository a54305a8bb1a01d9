# cmake -DARCHIVE=lib.a -DOUTPUT=lib_sram.a -DWORK=dir -DMEMBERS=a.cpp.o,b.cpp.o|all -DPREFIX=.time_critical -DAR=..
#   -DOBJCOPY=.. -P in_sram.cmake
# Copies members of an archive with every section renamed to PREFIX<name>, which the SDK's linker script puts into SRAM
# (.time_critical) or into one of its two scratch banks (.scratch_x, .scratch_y), and ours at the end of SRAM
# (.far_code): code and constants alike, templates and inline functions included, with nothing to remember in the sources.
cmake_minimum_required(VERSION 3.25)
file(REMOVE_RECURSE ${WORK})
file(MAKE_DIRECTORY ${WORK})
if(MEMBERS STREQUAL "all")
  execute_process(COMMAND ${AR} t ${ARCHIVE} OUTPUT_VARIABLE members COMMAND_ERROR_IS_FATAL ANY)
  string(REGEX REPLACE "\n" ";" members "${members}")
  list(REMOVE_ITEM members "")
else()
  string(REPLACE "," ";" members ${MEMBERS})
endif()
execute_process(COMMAND ${AR} x ${ARCHIVE} ${members} WORKING_DIRECTORY ${WORK} COMMAND_ERROR_IS_FATAL ANY)
foreach(member IN LISTS members)
  execute_process(COMMAND ${OBJCOPY} --prefix-alloc-sections=${PREFIX} ${WORK}/${member} COMMAND_ERROR_IS_FATAL ANY)
endforeach()
file(REMOVE ${OUTPUT})
execute_process(COMMAND ${AR} rcs ${OUTPUT} ${members} WORKING_DIRECTORY ${WORK} COMMAND_ERROR_IS_FATAL ANY)
