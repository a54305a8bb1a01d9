// The LED as a sign of life: what it shows while the board waits, tells and has a fault.
#include "firmware/app/status_led.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/engine/support/test_image.h"
#include "tests/firmware/app/support/fakes.h"

namespace pico_llama::app {
namespace {

using test_support::FakeBoard;
using test_support::FakeConsole;

struct StatusLedTest : testing::Test {
  FakeBoard board{4096, 1u << 20, 4096};
  StatusLed led{board};
  uint64_t now_us = 0;

  /// Blinks between two pauses of a second or more.
  int count_blinks(int blinks) {
    std::vector<uint64_t> on_at;
    for (const uint64_t end = now_us + 10'000'000; now_us < end; now_us += 2000) {
      const bool before = board.lit;
      led.wait(now_us, blinks);
      if (board.lit && !before) on_at.push_back(now_us);
    }
    int counted = 0, row = 0;
    for (size_t i = 1; i < on_at.size(); ++i) {
      ++row;
      if (on_at[i] - on_at[i - 1] < 1'000'000) continue;
      if (counted != 0) {  // the first row may have begun earlier
        EXPECT_EQ(row, counted == -1 ? row : counted);
      }
      counted = counted == 0 ? -1 : row;
      row = 0;
    }
    return counted;
  }
  /// Share of the time lit, in percent, in steps of `step_us` from `from_us`.
  int share(uint64_t from_us, uint64_t to_us, uint64_t step_us) {
    int lit = 0, all = 0;
    for (uint64_t at = from_us; at < to_us; at += step_us) {
      led.breathe(at);
      lit += board.lit;
      ++all;
    }
    return 100 * lit / all;
  }
};

TEST_F(StatusLedTest, IsOnWhileNothingIsWrong) {
  for (; now_us < 5'000'000; now_us += 2000) {
    led.wait(now_us, 0);
    ASSERT_TRUE(board.lit);
  }
}

TEST_F(StatusLedTest, BlinksTheNumberOfTheFault) {
  for (const int blinks : {2, 3, 4, 5}) EXPECT_EQ(count_blinks(blinks), blinks);
}

TEST_F(StatusLedTest, TheWorstFaultIsShown) {
  hal::BoardInfo info;
  EXPECT_EQ(fault_blinks(info, ModelState::kReady), 0);
  EXPECT_EQ(fault_blinks(info, ModelState::kNone), 2);
  EXPECT_EQ(fault_blinks(info, ModelState::kBroken), 2);
  info.psram.verdict = hal::PsramVerdict::kNotFitted;
  EXPECT_EQ(fault_blinks(info, ModelState::kReady), 0);
  for (const auto verdict :
       {hal::PsramVerdict::kAbsent, hal::PsramVerdict::kWrongId, hal::PsramVerdict::kFailedTest}) {
    info.psram.verdict = verdict;
    EXPECT_EQ(fault_blinks(info, ModelState::kNone), 3);
  }
  info.skipped = "the flash";
  EXPECT_EQ(fault_blinks(info, ModelState::kNone), 4);
  info.last_stop.what = "fault";
  EXPECT_EQ(fault_blinks(info, ModelState::kNone), 5);
}

TEST_F(StatusLedTest, BreathesInFourSeconds) {
  constexpr uint64_t kBreath = 512u << 13;
  // Dark at the ends, bright in the middle, and the same with tokens of 0.5 ms as with tokens of 5.
  for (const uint64_t token_us : {500u, 5000u}) {
    EXPECT_LT(share(0, kBreath / 8, token_us), 20);
    EXPECT_GT(share(7 * kBreath / 16, 9 * kBreath / 16, token_us), 85);
    EXPECT_LT(share(7 * kBreath / 8, kBreath, token_us), 20);
    EXPECT_NEAR(share(kBreath, 2 * kBreath, token_us), 50, 2);
  }
}

TEST_F(StatusLedTest, ChangesAtMostEveryFourMilliseconds) {
  for (uint64_t at = 0; at < 5'000'000; at += 70) {
    board.now_us = at;
    led.breathe(at);
  }
  const auto& changes = board.led_changes;
  ASSERT_GT(changes.size(), 100u);
  EXPECT_EQ(std::adjacent_find(
                changes.begin(), changes.end(),
                [](const auto& a, const auto& b) { return b.first - a.first < StatusLed::kShortestUs; }),
            changes.end());
}

TEST_F(StatusLedTest, SlowTokensBlink) {
  for (uint64_t at = 0; at < 30'000'000; at += 430'000) led.breathe(at);
  EXPECT_GT(board.led_changes.size(), 20u);
}

struct LedCommandTest : testing::Test {
  FakeConsole console;
  FakeBoard board{400'000, 1u << 20, 1u << 20};
  SingleWorker one;
  Application app{board, console, one, nullptr};
  std::string type(std::string_view text) {
    console.type(text);
    while (app.step()) {
    }
    return console.take_output();
  }
};

TEST_F(LedCommandTest, BlinksFiveTimesAndAsksTheRadioAgain) {
  type("");
  board.led_changes.clear();
  board.lit = true;
  EXPECT_NE(type("/led\r").find("blinks 5 times"), std::string::npos);
  int on = 0;
  for (const auto& [at, lit] : board.led_changes) on += lit;
  EXPECT_GE(on, 5);
  board.led_found_now = hal::LedState::kRadioSilent;
  EXPECT_NE(type("/led\r").find("does not answer"), std::string::npos);
}

TEST_F(LedCommandTest, SaysWhyItDoesNotBlink) {
  for (const auto& [state, words] : {std::pair{hal::LedState::kNotDriven, "not in this build"},
                                     std::pair{hal::LedState::kSkipped, "skipped"},
                                     std::pair{hal::LedState::kRadioSilent, "does not answer"},
                                     std::pair{hal::LedState::kRadioNoClock, "clock does not start"}}) {
    board.info_.led = state;
    const std::string out = type("/led\r");
    EXPECT_NE(out.find(words), std::string::npos) << out;
    EXPECT_EQ(out.find("blinks"), std::string::npos) << out;
  }
}

}  // namespace
}  // namespace pico_llama::app
