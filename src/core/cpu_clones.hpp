#pragma once

/// Marks a hot leaf function: the compiler makes a copy for each instruction set, and the loader picks one by the CPU. Not under
/// sanitizers: their runtime is not up yet when the loader chooses.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && !defined(__SANITIZE_ADDRESS__)
#define TESSERA_CPU_CLONES __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define TESSERA_CPU_CLONES
#endif
