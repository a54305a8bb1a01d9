#include "trainer/model/math.h"

#include "trainer/model/math_workspace.h"

namespace pico_llama::trainer {

namespace math_base {
extern const Math kMath;
#if defined(PICO_LLAMA_MATH_DOUBLE)
double run_in_double(const Pass<double>& pass, const Batch& batch);
#endif
}  // namespace math_base
#if defined(PICO_LLAMA_MATH_X86)
namespace math_avx2 {
extern const Math kMath;
}
namespace math_avx512 {
extern const Math kMath;
}
#endif

const Math& fastest_math() {
#if defined(PICO_LLAMA_MATH_X86)
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
      __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
      __builtin_cpu_supports("avx512cd")) {
    return math_avx512::kMath;
  }
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi2")) {
    return math_avx2::kMath;
  }
#endif
  return math_base::kMath;
}

#if defined(PICO_LLAMA_MATH_DOUBLE)
double run_in_double(const Pass<double>& pass, const Batch& batch) {
  return math_base::run_in_double(pass, batch);
}
#endif

size_t workspace_elements(const Config& config, size_t max_tokens) {
  return Workspace(config, max_tokens).total;
}

}  // namespace pico_llama::trainer
