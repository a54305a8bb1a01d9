#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "formats/checkpoint.h"

namespace pico_llama::formats {

/// Names of the tensors of one kind, in a file format; {} stands for the layer.
struct TensorNames {
  const char* token_embedding;
  const char* rms_att;
  const char* wq;
  const char* wk;
  const char* wv;
  const char* wo;
  const char* rms_ffn;
  const char* w1;
  const char* w2;
  const char* w3;
  const char* rms_final;
  const char* wcls;
};

/// The tensor of a name, its shape checked: rows x columns, or rows == 1 and a vector of `columns`.
using FindTensor = std::function<Tensor(const std::string& name, std::uint64_t rows, std::uint64_t columns)>;

/// Fills the weights of a checkpoint whose shape and shared_classifier are set.
void find_weights(Checkpoint& checkpoint, const TensorNames& names, const FindTensor& find);

/// Why a model with this tensor, which find_weights() did not ask for, is rejected: "is a bias; ...".
const char* why_unused(std::string_view tensor);

/// Row order of wq and wk in Hugging Face files: their RoPE rotates the first half of a head against the
/// second, llama2.c adjacent rows. Row 2i + j of a head is row i + j * head_size / 2 in the file.
std::shared_ptr<const std::vector<std::uint32_t>> rows_of_half_rotation(int heads, int head_size);

}  // namespace pico_llama::formats
