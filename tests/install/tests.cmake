# The installed package, used by a project that knows nothing of this one.
set(install_test_flags "")
if(TESSERA_SANITIZE)
  set(install_test_flags "-fsanitize=address,undefined")
endif()
add_test(NAME install/find_package COMMAND "${CMAKE_COMMAND}" "-DBUILD=${PROJECT_BINARY_DIR}" "-DSOURCE=${PROJECT_SOURCE_DIR}"
  "-DGENERATOR=${CMAKE_GENERATOR}" "-DCOMPILER=${CMAKE_CXX_COMPILER}" "-DVERSION=${PROJECT_VERSION}" "-DFLAGS=${install_test_flags}"
  -P "${CMAKE_CURRENT_LIST_DIR}/install.cmake")
set_tests_properties(install/find_package PROPERTIES LABELS slow TIMEOUT 300 ENVIRONMENT "${TESSERA_TEST_ENVIRONMENT}")
