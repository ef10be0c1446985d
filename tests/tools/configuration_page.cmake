# Compares docs/configuration.md with what the program writes: `cmake -DPROGRAM=… -DPAGE=… -P configuration_page.cmake`
execute_process(COMMAND "${PROGRAM}" config describe --format markdown OUTPUT_VARIABLE described RESULT_VARIABLE status)
if(NOT status EQUAL 0)
  message(FATAL_ERROR "tessera config describe --format markdown ended with ${status}")
endif()
file(READ "${PAGE}" page)
if(NOT described STREQUAL page)
  message(FATAL_ERROR "docs/configuration.md is not what the program says. Write it anew, from the root of the sources:\n"
    "  \"${PROGRAM}\" config describe --format markdown > docs/configuration.md")
endif()
