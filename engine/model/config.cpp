#include "engine/model/config.h"

namespace pico_llama {
namespace {

Status in_range(int32_t value, int32_t limit, const char* text) {
  if (value < 1 || value > limit) return {StatusCode::kCorruptImage, text, value, limit};
  return {};
}

}  // namespace

Status Config::validate() const {
  PICO_LLAMA_RETURN_IF_ERROR(in_range(dim, kMaxDim, "model shape: dim is {}, must be 1 to {}"));
  PICO_LLAMA_RETURN_IF_ERROR(
      in_range(hidden_dim, kMaxHiddenDim, "model shape: hidden_dim is {}, must be 1 to {}"));
  PICO_LLAMA_RETURN_IF_ERROR(in_range(n_layers, kMaxLayers, "model shape: n_layers is {}, must be 1 to {}"));
  PICO_LLAMA_RETURN_IF_ERROR(in_range(n_heads, dim, "model shape: n_heads is {}, must be 1 to dim = {}"));
  PICO_LLAMA_RETURN_IF_ERROR(
      in_range(n_kv_heads, n_heads, "model shape: n_kv_heads is {}, must be 1 to n_heads = {}"));
  PICO_LLAMA_RETURN_IF_ERROR(
      in_range(vocab_size, kMaxVocab, "model shape: vocab_size is {}, must be 1 to {}"));
  PICO_LLAMA_RETURN_IF_ERROR(in_range(seq_len, kMaxSeqLen, "model shape: seq_len is {}, must be 1 to {}"));
  if (dim % n_heads != 0)
    return {StatusCode::kCorruptImage, "model shape: dim {} is not a multiple of n_heads {}", dim, n_heads};
  if (n_heads % n_kv_heads != 0)
    return {StatusCode::kCorruptImage, "model shape: n_heads {} is not a multiple of n_kv_heads {}", n_heads,
            n_kv_heads};
  if (head_size() % 2 != 0)
    return {StatusCode::kCorruptImage, "model shape: head size {} is odd, RoPE needs pairs", head_size()};
  return {};
}

}  // namespace pico_llama
