#pragma once

/// Marks a hot leaf function: the compiler makes a copy for each instruction set, and the loader picks one by the CPU. Not under
/// sanitizers: their runtime is not up yet when the loader chooses.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && !defined(__SANITIZE_ADDRESS__)
#define TESSERA_CPU_CLONES __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define TESSERA_CPU_CLONES
#endif

/// Functions of an instruction set's own, which the program itself chooses between, by what the CPU has.
#if defined(__x86_64__) && defined(__GNUC__)
#define TESSERA_X86_TARGETS
#define TESSERA_AVX512 __attribute__((target("avx512f,avx512vl,avx512bw,avx512dq,avx2,fma")))
#define TESSERA_AVX2 __attribute__((target("avx2,fma")))

namespace tessera {

inline bool cpu_has_avx512() {
    __builtin_cpu_init();
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
           __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq");
}

inline bool cpu_has_avx2() {
    __builtin_cpu_init();
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}

} // namespace tessera
#endif
