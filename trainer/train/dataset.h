#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "trainer/tokenizer/encoder.h"

namespace pico_llama::trainer {

/// Stories as token sequences: BOS, the story's tokens; each predicts the next and the last one BOS, where
/// generation stops. A story longer than seq_len becomes several sequences.
class Dataset {
 public:
  struct Sequence {
    size_t begin;    ///< first token; the target of token i is token i + 1
    int32_t length;  ///< at most seq_len
  };

  /// Errors: Failure if the stories give fewer than two sequences.
  Dataset(std::span<const std::string> stories, const Vocabulary& vocabulary, int32_t seq_len);

  const std::vector<int32_t>& tokens() const { return tokens_; }
  /// Every 50th sequence, at most 256 of them, is held out: never trained on.
  const std::vector<Sequence>& training() const { return training_; }
  const std::vector<Sequence>& held_out() const { return held_out_; }
  /// Tells texts, vocabularies and lengths apart, for a checkpoint.
  uint64_t fingerprint() const { return fingerprint_; }

 private:
  std::vector<int32_t> tokens_;
  std::vector<Sequence> training_, held_out_;
  uint64_t fingerprint_ = 0;
};

}  // namespace pico_llama::trainer
