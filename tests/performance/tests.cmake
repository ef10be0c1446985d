# tessera_gpu_bench: stages and kernels of an accelerator beside its roofs (tools/gpu_check.sh). Needs no other package.
add_executable(tessera_gpu_bench
  performance/accelerator_bench.cpp performance/accelerator_galaxy.cpp performance/accelerator_roofs.cpp
  performance/accelerator_work.cpp performance/measured_accelerator.cpp)
target_include_directories(tessera_gpu_bench PRIVATE "${PROJECT_SOURCE_DIR}" "${PROJECT_SOURCE_DIR}/src")
target_link_libraries(tessera_gpu_bench PRIVATE tessera tessera_warnings tessera_externals)
target_compile_definitions(tessera_gpu_bench PRIVATE OMPI_SKIP_MPICXX=1)
set_target_properties(tessera_gpu_bench PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/bin")
