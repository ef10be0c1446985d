# Installs the build tree into a scratch prefix whose path has a space, builds a program against it with find_package, and runs
# both it and the installed tessera. `cmake -DBUILD=… -DSOURCE=… -DGENERATOR=… -DCOMPILER=… -P install.cmake`
set(scratch "${BUILD}/install test")
file(REMOVE_RECURSE "${scratch}")

function(run)
  execute_process(COMMAND ${ARGN} RESULT_VARIABLE status OUTPUT_VARIABLE out ERROR_VARIABLE out)
  if(NOT status EQUAL 0)
    message(FATAL_ERROR "exit status ${status} of: ${ARGN}\n${out}")
  endif()
  set(out "${out}" PARENT_SCOPE)
endfunction()

run("${CMAKE_COMMAND}" --install "${BUILD}" --prefix "${scratch}/prefix")
foreach(installed include/tessera/pipeline/pipeline.hpp share/tessera/configs/quickstart.yaml share/tessera/configs/telescopes/MUSE.yaml
        share/doc/tessera/LICENSE)
  if(NOT EXISTS "${scratch}/prefix/${installed}")
    message(FATAL_ERROR "not installed: ${installed}")
  endif()
endforeach()

# The prefix must stand on its own: moved elsewhere, everything still works.
file(RENAME "${scratch}/prefix" "${scratch}/moved")
run("${CMAKE_COMMAND}" -S "${SOURCE}/tests/install/consumer" -B "${scratch}/build" -G "${GENERATOR}" "-DCMAKE_CXX_COMPILER=${COMPILER}"
    "-DCMAKE_PREFIX_PATH=${scratch}/moved" -DCMAKE_BUILD_TYPE=Release "-DCMAKE_CXX_FLAGS=${FLAGS}")
run("${CMAKE_COMMAND}" --build "${scratch}/build")
run("${scratch}/build/consumer")
if(NOT out MATCHES "MUSE 1\\.[0-9]+ kpc/arcsec")
  message(FATAL_ERROR "the consumer printed: ${out}")
endif()

run("${scratch}/moved/bin/tessera" --version)
if(NOT out MATCHES "tessera ${VERSION} ")
  message(FATAL_ERROR "the installed program printed: ${out}")
endif()
run("${scratch}/moved/bin/tessera" config check "${scratch}/moved/share/tessera/configs/quickstart.yaml")
file(REMOVE_RECURSE "${scratch}")
