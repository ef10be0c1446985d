# Headers that all tests include, compiled once: a test compiles in less than half of the time. Off by default, as files that forget
# an include then compile too, and tools that read compile_commands.json stumble over GCC's precompiled headers. For the library only
# where warnings are no errors (sanitizers): GCC 12 warns of overflows in std::string that are not there once its header is precompiled
# and the optimiser on.
option(TESSERA_PRECOMPILE "precompiled headers of the tests, for builds from nothing" OFF)
if(NOT TESSERA_PRECOMPILE)
  function(tessera_precompiled_layer target)
  endfunction()
  function(tessera_precompile_tests)
  endfunction()
  function(tessera_precompiled_test target)
  endfunction()
  return()
endif()

# What ccache must be told to keep such files: ccache(1), "Precompiled headers".
function(tessera_let_ccache target)
  if(TESSERA_CCACHE)
    set_target_properties(${target} PROPERTIES CXX_COMPILER_LAUNCHER
      "${CMAKE_COMMAND};-E;env;CCACHE_SLOPPINESS=pch_defines,time_macros;${TESSERA_CCACHE}")
    target_compile_options(${target} PRIVATE $<$<COMPILE_LANG_AND_ID:CXX,GNU>:-fpch-preprocess>)
  endif()
endfunction()

# One object of nothing, compiled as the layers are, has the header for all.
function(tessera_precompiled_layer target)
  if(TESSERA_WERROR)
    return()
  endif()
  if(NOT TARGET tessera_precompiled)
    file(CONFIGURE OUTPUT "${PROJECT_BINARY_DIR}/generated/precompiled.cpp" CONTENT "// nothing\n")
    add_library(tessera_precompiled OBJECT "${PROJECT_BINARY_DIR}/generated/precompiled.cpp")
    target_compile_definitions(tessera_precompiled PRIVATE OMPI_SKIP_MPICXX=1)
    target_link_libraries(tessera_precompiled PRIVATE tessera_warnings tessera_externals)
    tessera_let_ccache(tessera_precompiled)
    target_precompile_headers(tessera_precompiled PRIVATE <algorithm> <array> <cmath> <filesystem> <functional> <map> <memory> <optional>
      <string> <vector> <fmt/format.h>)
  endif()
  tessera_let_ccache(${target})
  target_precompile_headers(${target} REUSE_FROM tessera_precompiled)
endfunction()

# Tests are programs, whose code is compiled otherwise than a library's: one program, of nothing, has the header for all.
function(tessera_precompile_tests)
  file(CONFIGURE OUTPUT "${PROJECT_BINARY_DIR}/generated/precompiled_tests.cpp" CONTENT "int main() {}\n")
  add_executable(tessera_test_precompiled "${PROJECT_BINARY_DIR}/generated/precompiled_tests.cpp")
  target_link_libraries(tessera_test_precompiled PRIVATE tessera_test_support)
  tessera_let_ccache(tessera_test_precompiled)
  target_precompile_headers(tessera_test_precompiled PRIVATE <algorithm> <cmath> <filesystem> <string> <vector> <gmock/gmock.h>
    <fmt/format.h> "${PROJECT_SOURCE_DIR}/tests/support/test_support.hpp")
endfunction()
function(tessera_precompiled_test target)
  tessera_let_ccache(${target})
  # The warnings mentioned above; a build without this option has them.
  target_compile_options(${target} PRIVATE $<$<COMPILE_LANG_AND_ID:CXX,GNU>:-Wno-array-bounds$<SEMICOLON>-Wno-stringop-overflow>)
  target_precompile_headers(${target} REUSE_FROM tessera_test_precompiled)
endfunction()
