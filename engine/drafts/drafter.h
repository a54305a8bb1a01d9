// Speculative decoding: drafts of the tokens that the model will choose next, so that one pass over the
// weights can verify several.
#pragma once
#include <cstdint>
#include <span>

#include "engine/drafts/draft_table.h"

namespace pico_llama {

/// Cost of a pass over n tokens that ends at position p, in any one unit:
/// max(bus + bus_at_position * p, n * (token + token_at_position * p)).
/// A model in fast memory has no `bus`: then every further token costs as much as the first, and no draft
/// pays.
struct PassCost {
  float bus = 1;
  float bus_at_position = 0;
  float token = 0;
  float token_at_position = 0;

  float of(int tokens, int position) const {
    const auto p = static_cast<float>(position);
    const float read = bus + bus_at_position * p;
    const float computed = static_cast<float>(tokens) * (token + token_at_position * p);
    return read > computed ? read : computed;
  }
};

/// Drafts come from the text so far (whatever followed the last occurrence of its end: prompt look-up) and
/// from the image's table, the longer match first. How many are worth a place in a pass follows from the
/// pass's cost and from how often drafts of the same kind were right in this text. Drafts change the speed of
/// a text and nothing else.
class Drafter {
 public:
  Drafter() = default;
  explicit Drafter(const DraftTable& table) : table_(table) {}

  /// By default further tokens cost nothing.
  void set_cost(const PassCost& cost) { cost_ = cost; }

  /// A new text: forgets what was right in the last one.
  void begin();
  /// Writes up to `most` drafts behind the first `count` tokens of `text` and returns their number.
  /// `tokens`: those that the pass has to run anyway. Requires: count >= 1, room for all.
  int draft(std::span<int32_t> text, int count, int most, int tokens);
  /// Whether the model chose draft `number` of the last ones too, counted from 0.
  void verified(int number, bool right);

 private:
  /// Kinds of drafts: by the table's confidence, and by how many tokens of the text match.
  static constexpr int kLongestMatch = 8;
  static constexpr int kKinds = static_cast<int>(kDraftMostConfidence) + 1 + kLongestMatch;
  struct Kind {
    uint8_t right;
    uint8_t checked;
  };
  /// Of drafts in flight.
  static constexpr int kMostDrafts = 16;

  Draft next(std::span<const int32_t> text, int& kind) const;
  float chance(int kind) const;

  DraftTable table_{};
  PassCost cost_{};
  Kind kinds_[kKinds] = {};
  uint8_t kind_of_draft_[kMostDrafts] = {};
};

}  // namespace pico_llama
