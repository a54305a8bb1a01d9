// The draft table of a model image (SPEC.md, "Drafts"): for short contexts, the token that most often
// follows.
#pragma once
#include <cstdint>
#include <span>

#include "engine/model/model_image_layout.h"

namespace pico_llama {

/// A token that may come next, and how sure its source is.
struct Draft {
  int32_t token = -1;  ///< -1: none
  int confidence = 0;  ///< 1 to 15: about sixteenths of a probability
  int matched = 0;     ///< tokens of context that it rests on
};

/// A guess costs speed when it is wrong, never a token: so contexts are kept as checks of a few bits, and a
/// wrong match is only a bad guess.
class DraftTable {
 public:
  DraftTable() = default;
  /// Requires: a section that ModelImage::parse() has accepted.
  DraftTable(const DraftsHeader& header, int32_t vocab_size)
      : header_(&header), token_bits_(draft_token_bits(vocab_size)) {}

  bool empty() const { return header_ == nullptr; }
  int32_t longest() const { return static_cast<int32_t>(header_->longest); }

  /// What follows the longest context at the end of `text` that the table has.
  /// Cost: at most longest() buckets of 16 bytes.
  Draft after(std::span<const int32_t> text) const;

 private:
  const DraftsHeader* header_ = nullptr;
  int token_bits_ = 0;
};

}  // namespace pico_llama
