// From bytes in a fake flash to a session, with everything that can be wrong with them.
#include <gtest/gtest.h>

#include "tests/engine/support/test_image.h"
#include "tests/firmware/app/support/fakes.h"

namespace pico_llama::app {
namespace {

using test_support::FakeBoard;

constexpr Config kSmall{.dim = 32,
                        .hidden_dim = 64,
                        .n_layers = 2,
                        .n_heads = 4,
                        .n_kv_heads = 2,
                        .vocab_size = 300,
                        .seq_len = 96};

std::vector<std::byte> small_image(Profile profile = Profile::kF32) {
  return pico_llama::test_support::build_image(pico_llama::test_support::random_model(kSmall, true, 7),
                                               profile);
}

std::vector<int> greedy(Session& session, std::string_view prompt) {
  SessionOptions options;
  options.sampler.temperature = 0;
  options.steps = 0;
  EXPECT_TRUE(session.begin(prompt, options).ok());
  std::vector<int> tokens;
  for (;;) {
    const SessionStep step = session.step();
    if (step.token >= 0) tokens.push_back(step.token);
    if (step.stop != StopReason::kNone) return tokens;
  }
}

struct Loaded {
  explicit Loaded(FakeBoard& board) : loader(board) { loader.load(&one, nullptr); }
  std::string why() {
    char text[200];
    loader.why().format(text, sizeof text);
    return text;
  }
  SingleWorker one;
  ModelLoader loader;
};

TEST(Loader, WhereverWeightsLieTheStoryIsTheSame) {
  for (const Profile profile : {Profile::kF32, Profile::kQ8}) {
    const std::vector<std::byte> image = small_image(profile);
    std::vector<int> expected;
    // All in SRAM; cache and most weights in PSRAM; weights in flash only.
    for (const auto& [sram, psram] :
         {std::pair<size_t, size_t>{400'000, 0}, {60'000, 1u << 20}, {110'000, 0}}) {
      SCOPED_TRACE(sram);
      FakeBoard board(sram, psram, 1u << 20);
      board.insert(image);
      Loaded loaded(board);
      ASSERT_EQ(loaded.loader.state(), ModelState::kReady) << loaded.why();
      ASSERT_EQ(loaded.loader.placement().context, kSmall.seq_len);
      const std::vector<int> tokens = greedy(loaded.loader.session(), "a b c");
      if (expected.empty()) expected = tokens;
      EXPECT_EQ(tokens, expected);
      EXPECT_GT(tokens.size(), 10u);
    }
  }
}

TEST(Loader, PsramThatLosesBitsIsNotUsed) {
  FakeBoard board(60'000, 1u << 20, 1u << 20);
  board.psram_loses_bits = true;
  board.insert(small_image());
  Loaded loaded(board);
  ASSERT_EQ(loaded.loader.state(), ModelState::kReady) << loaded.why();
  EXPECT_TRUE(loaded.loader.psram_gave_up());
  EXPECT_EQ(loaded.loader.placement().psram_used, 0u);
}

TEST(Loader, ErasedFlashIsNoModel) {
  FakeBoard board(400'000, 0, 1u << 20);
  Loaded loaded(board);
  EXPECT_EQ(loaded.loader.state(), ModelState::kNone);
}

TEST(Loader, EachWayToBreakAnImageIsNamed) {
  const std::vector<std::byte> good = small_image();
  const auto broken = [&](auto change) {
    std::vector<std::byte> image = good;
    change(image, *reinterpret_cast<ImageHeader*>(image.data()));
    FakeBoard board(400'000, 0, 1u << 20);
    board.insert(image);
    Loaded loaded(board);
    EXPECT_EQ(loaded.loader.state(), ModelState::kBroken);
    return loaded.why();
  };
  EXPECT_NE(broken([](auto&, ImageHeader& h) { h.magic = 0x12345678; }).find("no model image"),
            std::string::npos);
  EXPECT_NE(broken([](auto&, ImageHeader& h) { h.file_bytes = 2u << 20; }).find("2097152"),
            std::string::npos);
  EXPECT_NE(broken([](auto&, ImageHeader& h) { h.file_bytes = 3; }).find("3 bytes"), std::string::npos);
  EXPECT_NE(
      broken([](auto& image, ImageHeader&) { image[image.size() / 2] ^= std::byte{4}; }).find("changed"),
      std::string::npos);
  // A truncated image: its tail is erased flash.
  EXPECT_NE(broken([](auto& image, ImageHeader&) {
              std::fill(image.begin() + static_cast<long>(image.size() / 2), image.end(), std::byte{0xff});
            }).find("changed"),
            std::string::npos);
  EXPECT_NE(broken([](auto&, ImageHeader& h) { h.version = 9; }).find("9"), std::string::npos);
}

TEST(Loader, TooLargeForTheBoardHasNumbers) {
  FakeBoard board(8'000, 0, 1u << 20);
  board.insert(small_image());
  Loaded loaded(board);
  EXPECT_EQ(loaded.loader.state(), ModelState::kTooLarge);
  EXPECT_GT(loaded.loader.placement().sram_needed, 8'000u);
}

TEST(Loader, LoadingAgainGivesTheSameMap) {
  FakeBoard board(60'000, 1u << 20, 1u << 20);
  board.insert(small_image());
  Loaded loaded(board);
  const Placement before = loaded.loader.placement();
  const std::vector<int> tokens = greedy(loaded.loader.session(), "x");
  board.test_psram();
  ASSERT_EQ(loaded.loader.load(&loaded.one, nullptr), ModelState::kReady);
  EXPECT_EQ(loaded.loader.placement().sram_used, before.sram_used);
  EXPECT_EQ(loaded.loader.placement().psram_used, before.psram_used);
  EXPECT_EQ(greedy(loaded.loader.session(), "x"), tokens);
}

}  // namespace
}  // namespace pico_llama::app
