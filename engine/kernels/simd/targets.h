// Instruction sets for which <name>_host.cpp is compiled. Include before any Highway header, and identically
// everywhere: the kernel test reads HWY_TARGETS.
#pragma once

// AVX-512 only with VNNI (AVX3_DL), whose multiply-accumulate is what the matmuls gain by; what AVX3_ZEN4 and
// AVX3_SPR add (bfloat16, float16) is not used. SVE and RVV have vectors whose size the compiler does not
// know, and these kernels keep them in arrays; such CPUs use NEON, or the baseline. SSSE3 is not worth
// another copy of each kernel; nor is SSE4 under a sanitizer, where each costs seconds to compile.
#define HWY_WANT_AVX3_DL
#ifdef __SANITIZE_ADDRESS__
#define PICO_LLAMA_OTHER_SSE (HWY_SSSE3 | HWY_SSE4)
#else
#define PICO_LLAMA_OTHER_SSE HWY_SSSE3
#endif
// By their numbers, since Highway 1.0 has no names for them (hwy/detect_targets.h of 1.2).
#define PICO_LLAMA_AVX3_ZEN4 (1LL << 6)
#define PICO_LLAMA_AVX3_SPR (1LL << 4)
#define HWY_DISABLED_TARGETS                                                                           \
  (PICO_LLAMA_OTHER_SSE | HWY_AVX3 | PICO_LLAMA_AVX3_ZEN4 | PICO_LLAMA_AVX3_SPR | HWY_SVE | HWY_SVE2 | \
   HWY_SVE_256 | HWY_SVE2_128 | HWY_RVV)
