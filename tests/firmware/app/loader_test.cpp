// From bytes in fake flash to a session, including all kinds of damage.
#include <gtest/gtest.h>

#include "tests/engine/support/test_image.h"
#include "tests/firmware/app/support/fakes.h"

namespace pico_llama::app {
namespace {

using test_support::FakeBoard;
using test_support::kSmall;

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

TEST(Loader, PlacementDoesNotChangeTheStory) {
  for (const Profile profile : {Profile::kF32, Profile::kQ8}) {
    const std::vector<std::byte> image = small_image(profile);
    std::vector<int> expected;
    // All in SRAM; cache and most weights in PSRAM; weights in flash only.
    for (const auto& [sram, psram] :
         {std::pair<size_t, size_t>{400'000, 0}, {60'000, 1u << 20}, {110'000, 0}}) {
      SCOPED_TRACE(sram);
      FakeBoard board(sram, psram, 1u << 20);
      board.info_.flash.continuous_quad = sram % 20'000 == 0;  // half of them: PSRAM before flash
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

TEST(Loader, UnreliablePsramIsNotUsed) {
  FakeBoard board(100'000, 1u << 20, 1u << 20);
  board.psram_loses_bits = true;
  board.info_.flash.continuous_quad = false;  // else nothing would be copied there
  board.insert(small_image());
  Loaded loaded(board);
  ASSERT_EQ(loaded.loader.state(), ModelState::kReady) << loaded.why();
  EXPECT_TRUE(loaded.loader.psram_gave_up());
  EXPECT_EQ(loaded.loader.placement().psram_used, 0u);
}

TEST(Loader, AFaultyDmaCrcDoesNotRejectAModel) {
  FakeBoard board(100'000, 0, 1u << 20);
  board.crc_engine_is_wrong = true;
  board.insert(small_image());
  Loaded good(board);
  EXPECT_EQ(good.loader.state(), ModelState::kReady) << good.why();
  board.slot()[200] ^= std::byte{1};
  Loaded damaged(board);
  EXPECT_EQ(damaged.loader.state(), ModelState::kBroken);
}

TEST(Loader, FindsEveryImageAndTakesTheChosenOne) {
  const std::vector<std::byte> f32 = small_image(Profile::kF32), q8 = small_image(Profile::kQ8);
  FakeBoard board(400'000, 0, 1u << 20);
  board.insert(f32);
  board.append(q8);
  const Cartridge cartridge = Cartridge::in(board.slot());
  ASSERT_EQ(cartridge.count(), 2);
  EXPECT_EQ(cartridge.header(0)->profile, static_cast<uint32_t>(Profile::kF32));
  EXPECT_EQ(cartridge.header(1)->profile, static_cast<uint32_t>(Profile::kQ8));
  EXPECT_EQ((cartridge.slot(1).data() - board.slot().data()) % 4096, 0);
  Loaded loaded(board);
  for (const Profile profile : {Profile::kF32, Profile::kQ8, Profile::kF32}) {
    loaded.loader.choose(profile == Profile::kF32 ? 0 : 1);
    ASSERT_EQ(loaded.loader.load(&loaded.one, nullptr), ModelState::kReady) << loaded.why();
    EXPECT_EQ(loaded.loader.image().profile(), profile);
    EXPECT_GT(greedy(loaded.loader.session(), "a").size(), 5u);
  }
  // One that is no longer there when the model is loaded again: the first.
  loaded.loader.choose(1);
  std::memset(board.slot().data() + (cartridge.slot(1).data() - board.slot().data()), 0xff, 64);
  ASSERT_EQ(loaded.loader.load(&loaded.one, nullptr), ModelState::kReady);
  EXPECT_EQ(loaded.loader.chosen(), 0);
}

TEST(Loader, ABrokenImageEndsTheListOrIsReported) {
  const std::vector<std::byte> image = small_image();
  FakeBoard board(400'000, 0, 1u << 20);
  for (int i = 0; i < 12; ++i) {  // more than are looked for
    if (i == 0) {
      board.insert(image);
    } else if (i < kMostImages) {
      board.append(image);
    }
    EXPECT_EQ(Cartridge::in(board.slot()).count(), std::min(i + 1, kMostImages));
  }
  // A length that leaves the flash: no next one.
  reinterpret_cast<ImageHeader*>(board.slot().data())->file_bytes = 0xffffff00u;
  EXPECT_EQ(Cartridge::in(board.slot()).count(), 1);
  reinterpret_cast<ImageHeader*>(board.slot().data())->file_bytes = 0;
  EXPECT_EQ(Cartridge::in(board.slot()).count(), 1);
  EXPECT_EQ(Cartridge::in(board.slot().first(10)).count(), 1);
  EXPECT_EQ(Cartridge::in(board.slot().first(10)).header(0), nullptr);
}

TEST(Loader, ErasedFlashMeansNoModel) {
  FakeBoard board(400'000, 0, 1u << 20);
  Loaded loaded(board);
  EXPECT_EQ(loaded.loader.state(), ModelState::kNone);
}

TEST(Loader, ReportsEachKindOfDamage) {
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
  EXPECT_NE(broken([](auto&, ImageHeader& h) { h.magic = 0x12345678; }).find("not contain a model image"),
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
