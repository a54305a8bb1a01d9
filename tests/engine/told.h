// A story as a session told it, for tests.
#pragma once
#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <vector>

#include "engine/session.h"

namespace pico_llama::test_support {

struct Told {
  std::vector<int32_t> tokens;
  std::string text;
  StopReason stop = StopReason::kNone;

  friend bool operator==(const Told&, const Told&) = default;
};

/// The rest of a story that was begun. cancel_after: tokens after which it is cancelled; -1: never.
inline Told rest_of_story(Session& session, std::atomic<bool>* cancel = nullptr, int cancel_after = -1) {
  Told told;
  while (told.stop == StopReason::kNone) {
    if (cancel != nullptr) *cancel = session.generated() == cancel_after;
    const SessionStep step = session.step();
    if (step.token >= 0) told.tokens.push_back(step.token);
    told.text += step.text;
    told.stop = step.stop;
  }
  return told;
}

inline Told tell(Session& session, const std::string& prompt, const SessionOptions& options) {
  const Status begun = session.begin(prompt, options);
  EXPECT_TRUE(begun.ok()) << begun.text();
  return rest_of_story(session);
}

}  // namespace pico_llama::test_support
