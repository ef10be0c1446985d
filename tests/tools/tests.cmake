# Scripts, example configurations and generated pages.
set(tools_test_environment "${TESSERA_TEST_ENVIRONMENT}")

# Every example configuration is one that `tessera config check` accepts.
file(GLOB example_configs CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/configs/*.yaml")
foreach(example IN LISTS example_configs)
  get_filename_component(example_name "${example}" NAME_WE)
  add_test(NAME configs/${example_name} COMMAND tessera_program config check "${example}")
  set_tests_properties(configs/${example_name} PROPERTIES LABELS unit TIMEOUT 60 ENVIRONMENT "${tools_test_environment}")
endforeach()

# docs/configuration.md is what the program says of itself.
add_test(NAME docs/configuration COMMAND "${CMAKE_COMMAND}" "-DPROGRAM=$<TARGET_FILE:tessera_program>"
  "-DPAGE=${PROJECT_SOURCE_DIR}/docs/configuration.md" -P "${CMAKE_CURRENT_LIST_DIR}/configuration_page.cmake")
# Every relative link of the documentation leads to a file.
add_test(NAME docs/links COMMAND "${CMAKE_COMMAND}" "-DROOT=${PROJECT_SOURCE_DIR}" -P "${CMAKE_CURRENT_LIST_DIR}/links.cmake")
set_tests_properties(docs/configuration docs/links PROPERTIES LABELS unit TIMEOUT 60 ENVIRONMENT "${tools_test_environment}")

# Cubes as astropy, mpdaf, spectral-cube and h5py see them.
add_test(NAME tools/check_fits COMMAND "${PROJECT_SOURCE_DIR}/tools/check_fits.sh" "$<TARGET_FILE:tessera_program>")
set_tests_properties(tools/check_fits PROPERTIES LABELS "reference;slow" TIMEOUT 300 SKIP_RETURN_CODE 77
  ENVIRONMENT "${tools_test_environment}")

# Which packages are asked for, and what a user without rights reads; no package is installed.
add_test(NAME tools/dependencies COMMAND bash "${CMAKE_CURRENT_LIST_DIR}/dependencies_test.sh" "${PROJECT_SOURCE_DIR}")
set_tests_properties(tools/dependencies PROPERTIES LABELS unit TIMEOUT 60)

add_test(NAME tools/scripts COMMAND bash "${CMAKE_CURRENT_LIST_DIR}/scripts_test.sh" "${PROJECT_SOURCE_DIR}")
set_tests_properties(tools/scripts PROPERTIES LABELS unit TIMEOUT 60)

# The benchmark on tiny galaxies, and the smallest galaxy of the public set.
add_test(NAME tools/benchmark COMMAND bash "${CMAKE_CURRENT_LIST_DIR}/benchmark_test.sh" "${PROJECT_SOURCE_DIR}" "$<TARGET_FILE:tessera_program>")
set_tests_properties(tools/benchmark PROPERTIES LABELS slow TIMEOUT 300 SKIP_RETURN_CODE 77 ENVIRONMENT "${tools_test_environment}")

# The check of a GPU, in its packed form and on the emulation, and the page made of its report.
add_test(NAME tools/gpu_check COMMAND bash "${CMAKE_CURRENT_LIST_DIR}/gpu_check_test.sh" "${PROJECT_SOURCE_DIR}" "${PROJECT_BINARY_DIR}")
set_tests_properties(tools/gpu_check PROPERTIES LABELS slow TIMEOUT 900 PROCESSORS 2 ENVIRONMENT "${tools_test_environment}")

# The example that reads shards, on a small catalogue.
add_test(NAME tools/load_shards COMMAND bash "${CMAKE_CURRENT_LIST_DIR}/load_shards_test.sh" "${PROJECT_SOURCE_DIR}" "$<TARGET_FILE:tessera_program>")
set_tests_properties(tools/load_shards PROPERTIES LABELS unit TIMEOUT 120 SKIP_RETURN_CODE 77 ENVIRONMENT "${tools_test_environment}")
