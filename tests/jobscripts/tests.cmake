# The job scripts: what they refuse, PBS's without PBS, and Slurm's on a real Slurm of one node.
add_test(NAME jobscripts/pbs COMMAND bash "${CMAKE_CURRENT_LIST_DIR}/pbs_test.sh" "${PROJECT_SOURCE_DIR}" "$<TARGET_FILE:tessera_program>")
set_tests_properties(jobscripts/pbs PROPERTIES LABELS mpi TIMEOUT 120 PROCESSORS 2 ENVIRONMENT "${TESSERA_TEST_ENVIRONMENT}")

add_test(NAME jobscripts/slurm COMMAND bash "${CMAKE_CURRENT_LIST_DIR}/slurm_test.sh" "${PROJECT_SOURCE_DIR}" "$<TARGET_FILE:tessera_program>")
set_tests_properties(jobscripts/slurm PROPERTIES LABELS slow TIMEOUT 240 PROCESSORS 2 SKIP_RETURN_CODE 77
  ENVIRONMENT "${TESSERA_TEST_ENVIRONMENT}")

# The recipes for Spack and Apptainer, as far as that can be told without building them.
find_program(TESSERA_PYTHON python3)
if(TESSERA_PYTHON)
  add_test(NAME jobscripts/recipes COMMAND "${TESSERA_PYTHON}" "${CMAKE_CURRENT_LIST_DIR}/recipes_test.py" "${PROJECT_SOURCE_DIR}")
  set_tests_properties(jobscripts/recipes PROPERTIES LABELS unit TIMEOUT 60)
endif()
