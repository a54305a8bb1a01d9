// stories260K's shape by itself: every size is a constant, and the loops are assembly.
#include "engine/kernels/m33/attention_two_heads.h"

namespace pico_llama::m33 {

void attention_heads8(const AttentionQ8& a) {
  const AttentionQ8Scratch s(a);
  all_blocks<8>(a, s, attention_queries(a, 2, 8, s.q), 0);
}

}  // namespace pico_llama::m33
