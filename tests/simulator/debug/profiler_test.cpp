#include "simulator/debug/profiler.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "simulator/debug/profile_report.h"

namespace pico_llama::simulator {
namespace {

/// Plays instructions to a profiler as a core would.
class Flow {
 public:
  void run(std::uint32_t pc, std::uint32_t cycles = 1) {
    EXPECT_TRUE(profiler.before(pc));
    profiler.after(pc, cycles);
  }
  void call(std::uint32_t pc) {  // a 32-bit BL
    run(pc);
    link = (pc + 4) | 1;
  }
  std::uint32_t link = 0;
  Profiler profiler{[this] { return link; }};
};

TEST(Profiler, CountsEveryInstructionAtItsAddress) {
  Flow flow;
  for (int i = 0; i < 3; ++i) {
    flow.run(0x2000'0ffe, 2);
    flow.run(0x2000'1000, 5);
  }
  const auto costs = flow.profiler.costs();
  ASSERT_EQ(costs.size(), 2u);
  EXPECT_EQ(costs.at(0x2000'0ffe).cycles, 6u);
  EXPECT_EQ(costs.at(0x2000'0ffe).instructions, 3u);
  EXPECT_EQ(costs.at(0x2000'1000).cycles, 15u);
}

TEST(Profiler, InclusiveCostSpansCallToReturn) {
  Flow flow;
  flow.call(0x100);
  flow.run(0x200, 10);  // callee
  flow.call(0x202);
  flow.run(0x300, 100);  // its callee
  flow.run(0x206, 3);
  flow.run(0x104, 7);
  flow.call(0x100);
  flow.run(0x200, 20);
  flow.run(0x104, 7);
  flow.profiler.finish();
  const auto& calls = flow.profiler.calls();
  ASSERT_EQ(calls.size(), 2u);
  EXPECT_EQ(calls.at({0x100, 0x200}).count, 2u);
  EXPECT_EQ(calls.at({0x100, 0x200}).inclusive.cycles, 10u + 1 + 100 + 3 + 20);
  EXPECT_EQ(calls.at({0x202, 0x300}).count, 1u);
  EXPECT_EQ(calls.at({0x202, 0x300}).inclusive.cycles, 100u);
}

TEST(Profiler, AReturnMayLeaveSeveralFrames) {
  Flow flow;
  flow.call(0x100);
  flow.call(0x200);
  flow.call(0x300);
  flow.run(0x400, 50);
  flow.run(0x104);  // longjmp to the first caller
  flow.run(0x106, 1000);
  flow.profiler.finish();
  EXPECT_EQ(flow.profiler.calls().at({0x100, 0x200}).inclusive.cycles, 52u);
  EXPECT_EQ(flow.profiler.calls().at({0x300, 0x400}).inclusive.cycles, 50u);
}

TEST(Profiler, RecursionIsNotCountedTwice) {
  Flow flow;
  flow.call(0x100);
  for (int depth = 0; depth < 3; ++depth) flow.call(0x200);  // calls itself
  flow.run(0x200, 5);
  flow.run(0x204);
  flow.run(0x104);
  flow.profiler.finish();
  EXPECT_EQ(flow.profiler.calls().at({0x100, 0x200}).inclusive.cycles, 3u + 5 + 1);
}

TEST(Profiler, HandlersAreNotChargedToTheCodeTheyInterrupt) {
  Flow flow;
  flow.call(0x100);
  flow.run(0x200, 10);
  flow.profiler.exception_entered(16, 0x202, 12);
  flow.run(0x500, 1000);
  flow.profiler.exception_returned(16, 13);
  flow.run(0x202, 10);
  flow.run(0x104);
  flow.profiler.finish();
  EXPECT_EQ(flow.profiler.calls().at({0x100, 0x200}).inclusive.cycles, 20u);
  EXPECT_EQ(flow.profiler.calls().size(), 1u);
  EXPECT_EQ(flow.profiler.costs().at(0x500).cycles, 1000u + 12 + 13);
}

TEST(ProfileReport, HasNamesLinesAndTotals) {
  const std::filesystem::path elf = "build/sdk-tests/hello_usb.elf";
  if (!std::filesystem::exists(elf)) GTEST_SKIP() << elf << " is not built";
  const formats::MemoryImage image = formats::read_memory_image(elf);
  const auto main_address = image.symbols.address_of("main");
  ASSERT_TRUE(main_address);
  const SourceLines lines(elf);
  const SourceLines::Place place = lines.find(*main_address);
  EXPECT_TRUE(place.file.ends_with("hello_usb.c")) << place.file;
  EXPECT_EQ(place.line, 6);
  EXPECT_TRUE(lines.find(0xffff'0000).file.empty());

  Flow flow;
  flow.run(*main_address, 42);
  Profiler* const cores[] = {&flow.profiler};
  const ProfileReport report(cores, image.symbols, lines);
  const std::string callgrind = report.callgrind("hello_usb.elf");
  EXPECT_NE(callgrind.find("\nsummary: 42 1\n"), std::string::npos) << callgrind;
  EXPECT_NE(callgrind.find("hello_usb.c\nfn=main\n"), std::string::npos) << callgrind;
  EXPECT_NE(report.text(10).find("main (hello_usb.c:6)"), std::string::npos) << report.text(10);
}

TEST(SourceLines, AFileWithoutLineTablesHasNoLines) {
  EXPECT_TRUE(SourceLines("/nonexistent").empty());
  EXPECT_TRUE(SourceLines("README.md").empty());
  EXPECT_TRUE(SourceLines("README.md").find(0x1000'0000).file.empty());
}

}  // namespace
}  // namespace pico_llama::simulator
