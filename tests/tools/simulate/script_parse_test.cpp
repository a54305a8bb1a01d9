#include <gtest/gtest.h>

#include <fstream>

#include "simulator/clock/event_queue.h"
#include "tools/simulate/fault.h"
#include "tools/simulate/parts.h"
#include "tools/simulate/player.h"
#include "tools/support/failure.h"

namespace pico_llama::simulate {
namespace {

using simulator::kPicosecondsPerSecond;
using simulator::Picoseconds;

TEST(Fault, NamesTimesAndDurations) {
  simulator::BoardFaults board;
  std::vector<Fault> timed;
  for (const char* text : {"psram-absent", "flash-no-qe", "flash-late", "usb-host-stalls", "usb-unplug@2.5",
                           "usb-unplug@1+0.25", "button@3"}) {
    parse_fault(text, board, timed);
  }
  EXPECT_TRUE(board.psram_absent);
  EXPECT_TRUE(board.flash_no_qe);
  EXPECT_TRUE(board.flash_late);
  EXPECT_FALSE(board.psram_wrong_id);
  ASSERT_EQ(timed.size(), 4u);
  EXPECT_EQ(timed[0].for_seconds, 5);
  EXPECT_EQ(timed[1].at_seconds, 2.5);
  EXPECT_EQ(timed[1].for_seconds, 0);
  EXPECT_EQ(timed[2].for_seconds, 0.25);
  EXPECT_EQ(timed[3].kind, Fault::Kind::kButton);
  for (const char* text : {"", "psram", "usb-unplug", "usb-unplug@", "usb-unplug@x", "usb-unplug@-1",
                           "button@1+", "button@1e99", "psram-absent@1"}) {
    EXPECT_THROW(parse_fault(text, board, timed), UsageFailure) << text;
  }
}

TEST(Parts, PinsAddressAndContents) {
  const Part eeprom = parse_part("i2c-eeprom@12,13,0x50");
  EXPECT_EQ(eeprom.kind, Part::Kind::kI2cEeprom);
  EXPECT_EQ(eeprom.pins, (std::vector<unsigned>{12, 13}));
  EXPECT_EQ(eeprom.address, 0x50u);
  EXPECT_EQ(parse_part("spi-flash@17,18,19,16").pins, (std::vector<unsigned>{17, 18, 19, 16}));
  const std::string path = testing::TempDir() + "simulate_part";
  std::ofstream(path) << std::string(257, 'x');
  EXPECT_EQ(parse_part("i2c-eeprom@4,5,80=" + path).contents, std::string(257, 'x'));
  EXPECT_THROW(parse_part("i2c-registers@4,5,80=" + path), Failure);
  EXPECT_THROW(parse_part("i2c-registers@4,5,80=/nonexistent/part"), Failure);
  for (const char* text :
       {"", "lamp@1", "i2c-eeprom", "i2c-eeprom@12,13", "i2c-eeprom@12,12,80", "i2c-eeprom@12,48,80",
        "i2c-eeprom@12,13,128", "i2c-eeprom@12,13,0x", "i2c-eeprom@12,13,80,1", "spi-flash@1,2,3"}) {
    EXPECT_THROW(parse_part(text), UsageFailure) << text;
  }
}

TEST(Script, StepsAndEscapes) {
  EXPECT_EQ(parse_step("send Once upon").text, "Once upon\r");
  EXPECT_EQ(parse_step("send").text, "\r");
  EXPECT_EQ(parse_step("type a\\r\\n\\x41\\\\\\e").text, "a\r\nA\\\x1b");
  EXPECT_EQ(parse_step("ctrl-c").text, "\x03");
  EXPECT_EQ(parse_step("wait 0.25").seconds, 0.25);
  EXPECT_EQ(parse_step("baud 1200").number, 1200u);
  EXPECT_EQ(parse_step("adc 3 1.65").number, 3u);
  EXPECT_EQ(parse_step("adc 3 1.65").seconds, 1.65);
  EXPECT_EQ(parse_step("temperature -12.5").seconds, -12.5);
  for (const char* text : {"sned x", "expect", "wait", "wait soon", "baud", "baud 12x", "plug in", "type \\q",
                           "type \\x4", "adc", "adc 3", "adc 8 1", "adc 12 1", "adc 3 3.31", "adc 3 nan",
                           "adc 3 1V", "temperature", "temperature 200"}) {
    EXPECT_THROW(parse_step(text), UsageFailure) << text;
  }
}

TEST(Script, ErrorsNameFileAndLine) {
  const std::string path = testing::TempDir() + "simulate_script";
  std::ofstream(path) << "# a story\n\nsend x\nwait forever\n";
  try {
    read_script(path);
    FAIL();
  } catch (const Failure& failure) {
    EXPECT_NE(std::string(failure.what()).find("simulate_script:4: "), std::string::npos) << failure.what();
  }
  EXPECT_THROW(read_script("/nonexistent/script"), Failure);
}

class PlayerTest : public testing::Test {
 protected:
  void play(std::initializer_list<const char*> lines) {
    for (const char* line : lines) script.push_back(parse_step(line));
    player.advance(0);
  }
  simulator::Timebase timebase{150'000'000};
  simulator::EventQueue events{timebase};
  Script script;
  std::string done;
  bool finished = false;
  Player player{script, events, [this](const Step& step, Picoseconds) { done += step.text + "|"; },
                [this] { finished = true; }};
};

TEST_F(PlayerTest, TypesOnceThePortIsOpenAndWaitsForText) {
  play({"send a", "expect two", "type b"});
  EXPECT_EQ(done, "");
  player.set_ready(true, 0);
  EXPECT_EQ(done, "a\r|");
  player.printed("one t", 10);
  EXPECT_EQ(done, "a\r|");
  EXPECT_EQ(player.waits_for(), "\"two\"");
  player.printed("wo three", 20);
  EXPECT_EQ(done, "a\r|b|");
  EXPECT_TRUE(finished);
}

TEST_F(PlayerTest, ExpectMatchesOnlyOutputAfterThePreviousMatch) {
  play({"expect x", "expect x", "expect y"});
  player.printed("xy", 0);
  EXPECT_EQ(player.waits_for(), "\"x\"");
  player.printed("x", 1);
  EXPECT_FALSE(finished) << "this y was before the second x";
  player.printed("y", 2);
  EXPECT_FALSE(finished) << "the rest of its line is still to come";
  player.printed(" z\n", 3);
  EXPECT_TRUE(finished);
}

TEST_F(PlayerTest, WaitsInSimulatedTime) {
  play({"wait 0.5", "open", "wait 0.5"});
  events.run_due(timebase.cycle_at(kPicosecondsPerSecond / 2) - 1);
  EXPECT_EQ(done, "");
  events.run_due(timebase.cycle_at(kPicosecondsPerSecond / 2));
  EXPECT_EQ(done, "|");
  EXPECT_FALSE(finished);
  events.run_due(timebase.cycle_at(kPicosecondsPerSecond));
  EXPECT_TRUE(finished);
}

TEST_F(PlayerTest, TextThatIsSplitAcrossALotOfOutputIsFound) {
  play({"expect needle"});
  const std::string hay(1 << 17, 'h');
  for (int i = 0; i < 3; ++i) player.printed(hay, 0);
  player.printed("nee", 0);
  player.printed("dle", 0);
  EXPECT_FALSE(finished) << "the rest of its line may come";
  events.run_due(timebase.cycle_at(kPicosecondsPerSecond / 50));
  EXPECT_TRUE(finished) << "it did not";
}

}  // namespace
}  // namespace pico_llama::simulate
