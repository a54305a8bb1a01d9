// Which instruction sets the kernels <name>_host.cpp are compiled for. To be included before anything of
// Highway's, and the same everywhere: the test that compares them with the portable kernels reads
// HWY_TARGETS.
#pragma once

// AVX-512 only with VNNI (AVX3_DL and above), whose multiply-accumulate is what the matmuls gain by. SVE and
// RVV have vectors whose size the compiler does not know, and these kernels keep them in arrays; such CPUs
// use NEON, or the baseline. SSSE3 is not worth another copy of each kernel.
#define HWY_WANT_AVX3_DL
#define HWY_DISABLED_TARGETS \
  (HWY_SSSE3 | HWY_AVX3 | HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128 | HWY_RVV)
