#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "engine/model/model_image_layout.h"
#include "formats/checkpoint.h"
#include "formats/vocabulary.h"
#include "tools/packer/image_bytes.h"
#include "tools/packer/input_moments.h"

namespace pico_llama::packer {

/// Called with the bytes just packed.
using OnProgress = std::function<void(std::uint64_t)>;

/// How profile q4 rounds.
struct Q4Options {
  /// Moments of the inputs that rounding is fitted to; nullptr: round each weight to nearest.
  const InputMoments* moments = nullptr;
  /// Matrices that keep 8 bits. wq, wk and wv go together, as do w1 and w3: they share their input.
  std::vector<TensorKind> keep_q8{};
  /// If the image stays below this size, a shared classifier's embedding is stored again in 8 bits: a token
  /// reads only one row, and the model is five times as sensitive to errors in the embedding as in the
  /// classifier.
  std::uint64_t own_embedding_below = 0;
};

/// The model image of SPEC.md. The same inputs give the same bytes.
/// Errors: Failure if the tokenizer has another vocabulary, or the image would be too large.
ImageBytes pack(const formats::Checkpoint& checkpoint, const formats::Vocabulary& tokenizer, Profile profile,
                const OnProgress& on_progress = {}, const Q4Options& q4 = {});

/// Bytes of the image that pack() makes.
/// Errors: Failure if the format's 32-bit offsets cannot reach that far.
std::uint64_t image_bytes(const formats::Checkpoint& checkpoint, const formats::Vocabulary& tokenizer,
                          Profile profile, const Q4Options& q4 = {});

/// Default number of tokens that q4's rounding is fitted to (docs/decisions/0009).
inline constexpr int kCalibrationTokens = 4096;

/// Moments of a checkpoint's matrices over `tokens` positions of its own stories.
/// Errors: as pack() to f32, and Failure for weights that are no numbers.
InputMoments input_moments(const formats::Checkpoint& checkpoint, const formats::Vocabulary& tokenizer,
                           int tokens, const OnProgress& on_progress = {});

}  // namespace pico_llama::packer
