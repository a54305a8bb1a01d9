#include "engine/drafts/draft_table.h"

namespace pico_llama {

Draft DraftTable::after(std::span<const int32_t> text) const {
  Draft found;
  if (empty()) return found;
  const auto* const buckets = reinterpret_cast<const uint32_t*>(header_ + 1);
  const uint32_t token_mask = (uint32_t{1} << token_bits_) - 1;
  uint32_t hash = 0;
  for (uint32_t length = 1; length <= header_->longest && length <= text.size(); ++length) {
    hash = draft_hash(hash, text[text.size() - length]);
    const uint32_t* const bucket = buckets + draft_bucket(hash, header_->buckets) * kDraftBucketEntries;
    const uint32_t check = draft_check(hash, token_bits_);
    for (uint32_t i = 0; i < kDraftBucketEntries; ++i) {
      const uint32_t entry = bucket[i];
      if (entry == 0) break;
      if (entry >> (token_bits_ + kDraftConfidenceBits) != check) continue;
      found.token = static_cast<int32_t>(entry & token_mask);
      found.confidence = static_cast<int>(entry >> token_bits_ & kDraftMostConfidence);
      found.matched = static_cast<int>(length);
      break;
    }
  }
  return found;
}

}  // namespace pico_llama
