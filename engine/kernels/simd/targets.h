// Instruction sets for which <name>_host.cpp is compiled. Include before any Highway header, and identically
// everywhere: the kernel test reads HWY_TARGETS.
#pragma once

// AVX-512 only with VNNI (AVX3_DL and later), because the matmuls gain from its multiply-accumulate. SVE and
// RVV vectors have no compile-time size, and these kernels keep vectors in arrays; such CPUs use NEON or the
// baseline. SSSE3 does not justify another copy of each kernel.
#define HWY_WANT_AVX3_DL
#define HWY_DISABLED_TARGETS \
  (HWY_SSSE3 | HWY_AVX3 | HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128 | HWY_RVV)
