# CUDA is optional: TESSERA_CUDA=auto takes it when a compiler is there. Sets TESSERA_HAS_CUDA.
set(TESSERA_HAS_CUDA OFF)
if(NOT TESSERA_CUDA STREQUAL "OFF")
  if(NOT DEFINED CMAKE_CUDA_ARCHITECTURES)
    set(CMAKE_CUDA_ARCHITECTURES "80-real;90" CACHE STRING "GPU architectures: A100 and H100/H200, PTX for later ones")
  endif()
  include(CheckLanguage)
  check_language(CUDA)
  if(CMAKE_CUDA_COMPILER)
    enable_language(CUDA)
    if(CMAKE_VERSION VERSION_LESS 3.26) # this CMake does not know that nvcc speaks C++20
      set(CMAKE_CUDA20_STANDARD_COMPILE_OPTION "-std=c++20")
      set(CMAKE_CUDA20_EXTENSION_COMPILE_OPTION "-std=c++20")
    endif()
    set(CMAKE_CUDA_STANDARD 20)
    set(CMAKE_CUDA_STANDARD_REQUIRED ON)
    find_package(CUDAToolkit REQUIRED)
    set(TESSERA_HAS_CUDA ON)
  elseif(TESSERA_CUDA STREQUAL "ON")
    message(FATAL_ERROR "TESSERA_CUDA=ON, but no CUDA compiler was found: put nvcc on PATH or set CMAKE_CUDA_COMPILER")
  endif()
endif()

# What the main library knows of the CUDA library without loading it. One file, so that both kinds of build share the rest.
set(TESSERA_CUDA_DEFINITIONS "")
if(TESSERA_HAS_CUDA)
  set(TESSERA_CUDA_DEFINITIONS "TESSERA_CUDA_VERSION=\"${CUDAToolkit_VERSION_MAJOR}.${CUDAToolkit_VERSION_MINOR}\"")
endif()
set_source_files_properties("${PROJECT_SOURCE_DIR}/src/device/load_cuda.cpp" PROPERTIES COMPILE_DEFINITIONS "${TESSERA_CUDA_DEFINITIONS}")

# libtessera_cuda.so: the .cu files of all layers. Nothing links it: src/device/load_cuda.cpp opens it when a GPU is wanted, so
# that the program runs where there is neither driver nor CUDA.
function(tessera_cuda_library)
  file(GLOB sources CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/src/*/*.cu")
  add_library(tessera_cuda SHARED ${sources})
  target_include_directories(tessera_cuda PRIVATE "${PROJECT_SOURCE_DIR}/include" "${PROJECT_SOURCE_DIR}/src" "${PROJECT_BINARY_DIR}/generated")
  # Functors use constexpr functions of the standard library (std::min, std::array): relaxed constexpr lets device code call them.
  # 554: nvcc looks at View's conversion to const elements also where its requires clause takes it away.
  target_compile_options(tessera_cuda PRIVATE --expt-relaxed-constexpr -lineinfo -Xcompiler=-Wall,-Wextra --diag-suppress=554
    $<$<BOOL:${TESSERA_WERROR}>:-Werror=all-warnings>)
  # Of NCCL only the header: the library is opened where a run wants it (src/comm/nccl_library.cu).
  find_path(TESSERA_NCCL_INCLUDE nccl.h HINTS ${CUDAToolkit_INCLUDE_DIRS} ENV NCCL_HOME PATH_SUFFIXES include)
  if(TESSERA_NCCL_INCLUDE)
    target_include_directories(tessera_cuda PRIVATE "${TESSERA_NCCL_INCLUDE}")
  else()
    message(STATUS "nccl.h not found: GPU memory goes from rank to rank by MPI alone (libnccl-dev, or set NCCL_HOME)")
  endif()
  string(REPLACE ";" " " architectures "${CMAKE_CUDA_ARCHITECTURES}")
  target_compile_definitions(tessera_cuda PRIVATE "TESSERA_CUDA_ARCHITECTURES=\"${architectures}\"")
  # Positions, spaxels and noise have the host's bits: the host has no fused multiply-add there.
  foreach(layer IN ITEMS view instrument)
    file(GLOB exact_sources CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/src/${layer}/*.cu")
    set_property(SOURCE ${exact_sources} PROPERTY COMPILE_OPTIONS -fmad=false)
  endforeach()
  target_link_libraries(tessera_cuda PRIVATE tessera CUDA::cudart_static CUDA::cublas CUDA::cufft ${CMAKE_DL_LIBS})
  # The CUDA runtime inside is ours alone: an MPI may have brought another version into the process.
  target_link_options(tessera_cuda PRIVATE -Wl,--exclude-libs,ALL)
  get_target_property(cublas CUDA::cublas IMPORTED_LOCATION)
  get_filename_component(cuda_folder "${cublas}" DIRECTORY)
  # Beside the main library, or where this build found CUDA; elsewhere LD_LIBRARY_PATH says where cuBLAS and cuFFT are.
  set_target_properties(tessera_cuda PROPERTIES NO_SONAME ON CUDA_RESOLVE_DEVICE_SYMBOLS OFF
    BUILD_RPATH "${cuda_folder}" INSTALL_RPATH "$ORIGIN;${cuda_folder}")
endfunction()
