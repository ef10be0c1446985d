tessera_test(device/tasks)
tessera_test(device/host)
# The functors of the star loop, by nvcc: compiled wherever there is a compiler, run where there is a GPU.
if(TESSERA_HAS_CUDA)
  tessera_test(device/functors LABELS gpu)
  target_sources(device_functors_test PRIVATE "${PROJECT_SOURCE_DIR}/tests/device/functors_on_gpu.cu")
  target_link_libraries(device_functors_test PRIVATE CUDA::cudart_static)
endif()
tessera_test(device/validator)
