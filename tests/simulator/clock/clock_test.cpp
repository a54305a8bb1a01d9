#include <gtest/gtest.h>

#include <string>

#include "simulator/clock/event_queue.h"

namespace pico_llama::simulator {
namespace {

TEST(Timebase, CycleAndTimeAgreeAtFrequenciesThatDoNotDivideASecond) {
  // The last two have no round period: products beyond 64 bits.
  for (const std::uint32_t hz :
       {12'000'000u, 48'000'000u, 133'000'000u, 150'000'000u, 266'000'000u, 149'999'993u, 11'000'003u}) {
    const Timebase timebase(hz);
    for (const Cycle cycle :
         {0ull, 1ull, 2ull, 3ull, 149'999'999ull, 150'000'001ull, 90'000'000'000'000ull}) {
      const Picoseconds time = timebase.time_at(cycle);
      EXPECT_EQ(timebase.cycle_at(time), cycle) << hz;
      EXPECT_EQ(timebase.cycle_at(time + 1), cycle + 1) << hz;
    }
  }
}

TEST(Timebase, ClockChangeKeepsTimeContinuous) {
  Timebase timebase(12'000'000);
  timebase.change(12'000, 150'000'000);  // after 1 ms
  EXPECT_EQ(timebase.time_at(12'000), kPicosecondsPerSecond / 1000);
  EXPECT_EQ(timebase.cycle_at(2 * kPicosecondsPerSecond / 1000), 12'000u + 150'000u);
}

TEST(EventQueue, RunsInOrderOfTimeThenOfScheduling) {
  const Timebase timebase(1'000'000);  // one cycle is one microsecond
  EventQueue events(timebase);
  std::string order;
  events.at_cycle(20, [&] { order += 'c'; });
  events.at_cycle(10, [&] { order += 'a'; });
  events.at_cycle(20, [&] { order += 'd'; });
  events.at_cycle(10, [&] {
    order += 'b';
    events.at_cycle(15, [&] { order += '!'; });
  });
  EXPECT_EQ(events.horizon(), 10u);
  events.run_due(9);
  EXPECT_EQ(order, "");
  events.run_due(19);
  EXPECT_EQ(order, "ab!");
  EXPECT_EQ(events.horizon(), 20u);
  events.run_due(20);
  EXPECT_EQ(order, "ab!cd");
  EXPECT_EQ(events.horizon(), kNever);
}

TEST(EventQueue, CancelledEventsDoNotRun) {
  const Timebase timebase(1'000'000);
  EventQueue events(timebase);
  int runs = 0;
  const auto id = events.at_cycle(5, [&] { ++runs; });
  events.cancel(id);
  events.cancel(id);
  events.cancel(0);
  EXPECT_EQ(events.horizon(), kNever);
  events.run_due(100);
  EXPECT_EQ(runs, 0);
}

TEST(EventQueue, KeepsItsOrderWhileEventsComeAndGo) {
  const Timebase timebase(1'000'000);
  EventQueue events(timebase);
  std::string order;
  const auto later = [&](Cycle cycle, char name) {
    return events.at_cycle(cycle, [&order, name] { order += name; });
  };
  const auto a = later(30, 'a');
  later(40, 'b');
  const auto c = later(30, 'c');
  later(30, 'd');
  events.cancel(c);
  later(35, 'e');
  events.at_cycle(30, [&] {
    order += 'f';
    events.cancel(a);  // has run
    later(30, 'g');
    for (char name = 'h'; name < 'z'; ++name) later(50, name);
  });
  events.run_due(49);
  EXPECT_EQ(order, "adfgeb");
  events.run_due(50);
  EXPECT_EQ(order, "adfgebhijklmnopqrstuvwxy");
}

TEST(EventQueue, HorizonFollowsTheClock) {
  Timebase timebase(1'000'000);
  EventQueue events(timebase);
  events.at_time(10 * kPicosecondsPerMicrosecond, [] {});
  EXPECT_EQ(events.horizon(), 10u);
  timebase.change(4, 2'000'000);
  events.timebase_changed();
  EXPECT_EQ(events.horizon(), 4u + 12u);
}

}  // namespace
}  // namespace pico_llama::simulator
