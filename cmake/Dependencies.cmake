# The libraries that tessera stands on. Each failure names the package to install.
set(THREADS_PREFER_PTHREAD_FLAG ON)
find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)
find_package(OpenMP REQUIRED COMPONENTS CXX)
find_package(MPI REQUIRED COMPONENTS C)
find_package(fmt REQUIRED)
find_package(yaml-cpp REQUIRED)
find_package(Boost 1.74 REQUIRED COMPONENTS program_options)
find_package(ZLIB REQUIRED)
pkg_check_modules(FFTW3F REQUIRED IMPORTED_TARGET fftw3f)
pkg_check_modules(FFTW3 REQUIRED IMPORTED_TARGET fftw3)
pkg_check_modules(CFITSIO REQUIRED IMPORTED_TARGET cfitsio)
pkg_check_modules(CAIRO REQUIRED IMPORTED_TARGET cairo)

# Parallel HDF5. Plain find_package(HDF5) takes Debian's serial flavour where both are installed, so pkg-config goes first.
add_library(tessera_hdf5 INTERFACE IMPORTED)
if(NOT HDF5_ROOT AND NOT DEFINED ENV{HDF5_ROOT})
  pkg_search_module(HDF5_PC QUIET IMPORTED_TARGET hdf5-openmpi hdf5-mpich)
endif()
if(TARGET PkgConfig::HDF5_PC)
  target_link_libraries(tessera_hdf5 INTERFACE PkgConfig::HDF5_PC MPI::MPI_C)
else()
  set(HDF5_PREFER_PARALLEL ON)
  find_package(HDF5 1.10 REQUIRED COMPONENTS C)
  target_link_libraries(tessera_hdf5 INTERFACE HDF5::HDF5 MPI::MPI_C)
endif()
include(CheckCSourceCompiles)
set(CMAKE_REQUIRED_LIBRARIES tessera_hdf5)
check_c_source_compiles("#include <hdf5.h>\n#ifndef H5_HAVE_PARALLEL\n#error serial\n#endif\nint main(void){return 0;}" TESSERA_HDF5_PARALLEL)
unset(CMAKE_REQUIRED_LIBRARIES)
if(NOT TESSERA_HDF5_PARALLEL)
  unset(TESSERA_HDF5_PARALLEL CACHE)
  message(FATAL_ERROR "This HDF5 is a serial build; tessera needs a parallel one (Debian: libhdf5-openmpi-dev; elsewhere set HDF5_ROOT)")
endif()

# Flags shared by everything of ours.
add_library(tessera_warnings INTERFACE)
target_compile_options(tessera_warnings INTERFACE
  $<$<COMPILE_LANGUAGE:CXX>:-Wall;-Wextra;-Wpedantic;-Wshadow;-Wnon-virtual-dtor;-Woverloaded-virtual>
  # GCC 12 sees overlaps in std::string concatenation that are not there (GCC bug 105651).
  $<$<AND:$<COMPILE_LANGUAGE:CXX>,$<CXX_COMPILER_ID:GNU>>:-Wno-restrict>
  $<$<AND:$<COMPILE_LANGUAGE:CXX>,$<BOOL:${TESSERA_WERROR}>>:-Werror>
  $<$<AND:$<COMPILE_LANGUAGE:CXX>,$<BOOL:${TESSERA_NATIVE}>>:-march=native>)
if(TESSERA_SANITIZE)
  add_compile_options($<$<COMPILE_LANGUAGE:CXX>:-fsanitize=address,undefined> $<$<COMPILE_LANGUAGE:CXX>:-fno-sanitize-recover=undefined> $<$<COMPILE_LANGUAGE:CXX>:-fno-omit-frame-pointer>)
  add_link_options(-fsanitize=address,undefined)
endif()
