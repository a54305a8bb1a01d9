#include "engine/drafts/drafter.h"

namespace pico_llama {
namespace {

/// Counts are halved when they reach this, so that the last drafts weigh most.
constexpr int kMemory = 64;
/// What a kind of draft is taken to be before any was checked, as so many checks.
constexpr float kPriorChecks = 6;

/// The last occurrence of the text's end that matches longest, before the end itself.
Draft after_match(std::span<const int32_t> text, int longest) {
  Draft found;
  const auto count = static_cast<int>(text.size());
  const int32_t* const end = text.data() + count;
  for (int at = count - 1; at > 0; --at) {
    if (text[static_cast<size_t>(at - 1)] != end[-1]) continue;
    int matched = 1;
    while (matched < longest && matched < at &&
           end[-1 - matched] == text[static_cast<size_t>(at - 1 - matched)])
      ++matched;
    if (matched <= found.matched) continue;
    found.matched = matched;
    found.token = text[static_cast<size_t>(at)];
    if (matched == longest) break;
  }
  return found;
}

}  // namespace

Draft Drafter::next(std::span<const int32_t> text, int& kind) const {
  const Draft learned = table_.after(text);
  const Draft seen = after_match(text, kLongestMatch);
  if (seen.matched > learned.matched) {
    kind = static_cast<int>(kDraftMostConfidence) + seen.matched;
    return seen;
  }
  kind = learned.confidence;
  return learned;
}

float Drafter::chance(int kind) const {
  // Before experience: a table's confidence; of matches in the text, the longer the surer.
  static constexpr uint8_t kOfMatch[kLongestMatch] = {3, 5, 7, 9, 10, 11, 12, 13};
  const int most = static_cast<int>(kDraftMostConfidence);
  const int sixteenths = kind <= most ? kind : kOfMatch[kind - most - 1];
  const float prior = static_cast<float>(sixteenths) * (1.0f / 16.0f);
  const Kind& k = kinds_[kind];
  return (prior * kPriorChecks + static_cast<float>(k.right)) /
         (kPriorChecks + static_cast<float>(k.checked));
}

void Drafter::verified(int number, bool right) {
  Kind& k = kinds_[kind_of_draft_[number]];
  k.right = static_cast<uint8_t>(k.right + (right ? 1 : 0));
  if (++k.checked < kMemory) return;
  k.right /= 2;
  k.checked /= 2;
}

int Drafter::draft(std::span<int32_t> text, int count, int most, int tokens) {
  if (most > kMostDrafts) most = kMostDrafts;
  float chosen = 1;    // chance that all drafts so far are right
  float expected = 1;  // tokens that the pass brings
  int drafts = 0;
  while (drafts < most) {
    const auto known = static_cast<size_t>(count + drafts);
    int kind = 0;
    const Draft draft = next(text.first(known), kind);
    // Behind the end of a text nothing can be used.
    if (draft.token < 0 || draft.token == kTokenBos) break;
    chosen *= chance(kind);
    const int in_pass = tokens + drafts;
    const int position = count + drafts;
    if ((expected + chosen) * cost_.of(in_pass, position) <= expected * cost_.of(in_pass + 1, position))
      break;
    expected += chosen;
    kind_of_draft_[drafts] = static_cast<uint8_t>(kind);
    text[known] = draft.token;
    ++drafts;
  }
  return drafts;
}

// ---- Once a text: in flash on the board.

[[gnu::cold]] void Drafter::begin() {
  for (Kind& kind : kinds_) kind = {};
}

}  // namespace pico_llama
