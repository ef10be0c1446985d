# A folder of src/ is a layer. `tessera_layer(view USES core cube)` compiles src/view/*.cpp; the test core/layers reads the same
# lines and fails when a file includes what its layer does not name. CUDA sources make a library of their own (Cuda.cmake).
set_property(GLOBAL PROPERTY TESSERA_LAYERS "")

# Headers are read once for eight files of a layer, and a build from nothing takes a third of the time. Off by default: a change of one file compiles all
# eight. Names without linkage must then differ within a layer.
option(TESSERA_UNITY "several files of a layer are compiled as one, for builds from nothing" OFF)
add_library(tessera_unity INTERFACE)
# Every file looks like a header to its neighbours: what it has in an anonymous namespace is no mistake.
target_compile_options(tessera_unity INTERFACE
  $<$<COMPILE_LANG_AND_ID:CXX,GNU>:-Wno-shadow$<SEMICOLON>-Wshadow=local$<SEMICOLON>-Wno-subobject-linkage>)

function(tessera_layer name)
  cmake_parse_arguments(LAYER "" "" "USES" ${ARGN})
  get_property(known GLOBAL PROPERTY TESSERA_LAYERS)
  foreach(used IN LISTS LAYER_USES)
    if(NOT used IN_LIST known)
      message(FATAL_ERROR "layer '${name}' uses '${used}', which is not declared before it: lower layers come first")
    endif()
  endforeach()
  set_property(GLOBAL APPEND PROPERTY TESSERA_LAYERS ${name})
  file(GLOB sources CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/src/${name}/*.cpp")
  if(NOT sources)
    message(FATAL_ERROR "layer '${name}' has no sources in src/${name}")
  endif()
  add_library(tessera_${name} OBJECT ${sources})
  target_include_directories(tessera_${name} PUBLIC
    "$<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>" "$<BUILD_INTERFACE:${PROJECT_BINARY_DIR}/generated>" PRIVATE "${PROJECT_SOURCE_DIR}/src")
  target_compile_definitions(tessera_${name} PRIVATE OMPI_SKIP_MPICXX=1)
  target_link_libraries(tessera_${name} PRIVATE tessera_warnings tessera_externals)
  set_target_properties(tessera_${name} PROPERTIES LINKER_LANGUAGE CXX)
  tessera_precompiled_layer(tessera_${name})
  if(TESSERA_UNITY)
    set_target_properties(tessera_${name} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 8)
    target_link_libraries(tessera_${name} PRIVATE tessera_unity) # after tessera_warnings
  endif()
endfunction()

# What our sources include. Only the layer that owns a library includes it: mpi.h comm, hdf5.h and fitsio.h io, fftw3.h
# instrument and device, cairo.h output, yaml-cpp core.
add_library(tessera_externals INTERFACE)
target_link_libraries(tessera_externals INTERFACE MPI::MPI_C tessera_hdf5 OpenMP::OpenMP_CXX Threads::Threads fmt::fmt yaml-cpp
  ZLIB::ZLIB PkgConfig::FFTW3F PkgConfig::FFTW3 PkgConfig::CFITSIO PkgConfig::CAIRO)

# All layers in one library, tessera::tessera for those who find_package it.
function(tessera_library)
  get_property(layers GLOBAL PROPERTY TESSERA_LAYERS)
  add_library(tessera SHARED)
  add_library(tessera::tessera ALIAS tessera)
  foreach(layer IN LISTS layers)
    target_link_libraries(tessera PRIVATE tessera_${layer})
  endforeach()
  target_link_libraries(tessera PRIVATE tessera_externals ${CMAKE_DL_LIBS})
  target_include_directories(tessera INTERFACE "$<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>" "$<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>")
  target_compile_features(tessera INTERFACE cxx_std_20)
  # Public headers print through fmt nowhere and read YAML nowhere: users link tessera alone.
  set_target_properties(tessera PROPERTIES VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR})
  execute_process(COMMAND git -C "${PROJECT_SOURCE_DIR}" rev-parse --short=12 HEAD OUTPUT_VARIABLE revision OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  if(NOT revision)
    set(revision "unknown")
  endif()
  file(CONFIGURE OUTPUT "${PROJECT_BINARY_DIR}/generated/tessera_version.hpp" CONTENT
"#pragma once
#define TESSERA_VERSION \"${PROJECT_VERSION}\"
#define TESSERA_REVISION \"${revision}\"
")
endfunction()
