tessera_test(scaling/statistics)
tessera_test(scaling/model RANKS 1 2 3 4 7 16)
tessera_test(scaling/study RANKS 2 3 4)

# Several studies on one page.
add_test(NAME scaling/report COMMAND bash "${CMAKE_CURRENT_LIST_DIR}/report_test.sh" "${PROJECT_SOURCE_DIR}" "$<TARGET_FILE:tessera_program>")
set_tests_properties(scaling/report PROPERTIES LABELS unit TIMEOUT 120 SKIP_RETURN_CODE 77 ENVIRONMENT "${TESSERA_TEST_ENVIRONMENT}")
