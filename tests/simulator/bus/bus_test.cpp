#include "simulator/bus/bus.h"

#include <gtest/gtest.h>

#include <vector>

#include "simulator/random.h"

namespace pico_llama::simulator {
namespace {

struct Recorder : Device {
  explicit Recorder(bool bytes = false, bool aliases = true) : bytes_(bytes), aliases_(aliases) {}
  std::string_view name() const override { return "recorder"; }
  Reply read(std::uint32_t offset, const Access&) override {
    last_offset = offset;
    return {.value = 0x44332211};
  }
  Reply write(std::uint32_t offset, std::uint32_t value, const Access& access) override {
    last_offset = offset;
    stored = apply(access.op, stored, value);
    return {};
  }
  bool byte_addressable() const override { return bytes_; }
  bool has_atomic_aliases() const override { return aliases_; }

  bool bytes_, aliases_;
  std::uint32_t last_offset = ~0u;
  std::uint32_t stored = 0;
};

Access at(Cycle now, Master master = Master::kCore0, std::uint8_t size = 4) {
  return {.master = master, .size = size, .now = now};
}

TEST(Bus, SramKeepsBytesHalvesAndWords) {
  Bus bus;
  bus.write(0x20081ffc, 0xaabbccdd, at(1));
  bus.write(0x20081ffd, 0x11, at(2, Master::kCore0, 1));
  bus.write(0x20081ffe, 0x2233, at(3, Master::kCore0, 2));
  EXPECT_EQ(bus.read(0x20081ffc, at(4)).value, 0x223311ddu);
  EXPECT_EQ(bus.read(0x20081ffe, at(5, Master::kCore0, 2)).value, 0x2233u);
  EXPECT_EQ(bus.read(0x20081ffd, at(6, Master::kCore0, 1)).value, 0x11u);
  EXPECT_EQ(bus.read(0x20082000, at(7)).fault, BusFault::kUnmapped);
}

TEST(Bus, BanksStripeByWord) {
  EXPECT_EQ(SramBanks::bank_of(0x00000), 0u);
  EXPECT_EQ(SramBanks::bank_of(0x0000c), 3u);
  EXPECT_EQ(SramBanks::bank_of(0x3fffc), 3u);
  EXPECT_EQ(SramBanks::bank_of(0x40004), 5u);
  EXPECT_EQ(SramBanks::bank_of(0x80ffc), 8u);
  EXPECT_EQ(SramBanks::bank_of(0x81000), 9u);
}

TEST(Bus, SecondMasterInTheSameBankAndCycleWaits) {
  Bus bus;
  EXPECT_EQ(bus.read(0x20000000, at(100, Master::kCore0)).stall, 0u);
  EXPECT_EQ(bus.read(0x20000010, at(100, Master::kCore1)).stall, 1u);  // bank 0 too
  EXPECT_EQ(bus.read(0x20000004, at(100, Master::kDma)).stall, 0u);    // bank 1
  EXPECT_EQ(bus.bank_conflicts(), 1u);
  // The loser's access took cycle 101.
  EXPECT_EQ(bus.read(0x20000000, at(101, Master::kCore0)).stall, 1u);
}

TEST(Bus, ConflictsAreFoundWhenACoreRunsBehindTheOther) {
  Bus bus;
  for (Cycle t = 200; t < 240; t += 2) bus.read(0x20000000, at(t, Master::kCore0));
  std::uint32_t lost = 0;
  for (Cycle t = 200; t < 240; t += 4) lost += bus.read(0x20000000, at(t, Master::kCore1)).stall;
  EXPECT_EQ(lost, 10u);
  EXPECT_EQ(bus.read(0x20000000, at(207, Master::kCore1)).stall, 0u);
}

// A core fetches up to three cycles before it loads, so its accesses are not in order.
TEST(SramBanks, InnerLoopTakesTheSameCyclesAsSingleAccesses) {
  SramBanks one_by_one, inner_loop;
  std::uint64_t random = 1;
  const auto below = [&](unsigned limit) { return static_cast<unsigned>(next_random(random) >> 33) % limit; };
  Cycle clock[2] = {100, 100};
  for (int slice = 0; slice < 20'000; ++slice) {
    const unsigned core = slice % 2;
    Cycle& now = clock[core];
    const Cycle end = clock[core ^ 1] + 32;
    if (!inner_loop.remembers(now - 3)) continue;
    while (now < end) {
      const Port port = below(2) == 0 ? static_cast<Port>(core)
                        : core == 0   ? Port::kCore0Code
                                      : Port::kCore1Code;
      const Cycle at = port == static_cast<Port>(core) ? now : now - below(4);
      const unsigned bank = below(4);
      const std::uint32_t lost = one_by_one.take(bank, port, at);
      ASSERT_EQ(inner_loop.take_recent(bank, port, at), lost) << "slice " << slice << ", bank " << bank;
      now += lost + below(2);
    }
    inner_loop.note_accesses(now);
    EXPECT_EQ(inner_loop.conflicts(), one_by_one.conflicts());
  }
  EXPECT_GT(one_by_one.conflicts(), 100'000U);
}

TEST(Bus, FetchAndLoadOfOneCoreCanMeetInABank) {
  Bus bus;
  EXPECT_EQ(bus.fetch(0x20000000, at(10)).stall, 0u);
  EXPECT_EQ(bus.read(0x20000020, at(10)).stall, 1u);
  EXPECT_EQ(bus.fetch_stall(0x20000004, Master::kCore1, 10), 0u);
}

TEST(Bus, WritesIntoDecodedCodeAreReportedOnce) {
  struct Listener : CodeListener {
    void code_written(std::uint32_t granule) override { granules.push_back(granule); }
    std::vector<std::uint32_t> granules;
  } core0, core1;
  Bus bus;
  bus.attach_code_listener(0, &core0);
  bus.attach_code_listener(1, &core1);
  bus.code_map()[2] = 0b11;
  bus.code_map()[3] = 0b10;
  bus.write(0x20000104, 1, at(1, Master::kDma));
  bus.write(0x20000104, 2, at(2, Master::kDma));
  const std::uint32_t word = 7;
  bus.poke(0x20000180, &word, 4);
  EXPECT_EQ(core0.granules, std::vector<std::uint32_t>({0x20000100}));
  EXPECT_EQ(core1.granules, std::vector<std::uint32_t>({0x20000100, 0x20000180}));
}

TEST(Bus, EventsAreCountedAtTheirPort) {
  Bus bus;
  Recorder recorder;
  bus.attach(0x40000000, 0x4000, &recorder);
  bus.attach(0xd0000000, 0x4000, &recorder);
  const auto count = [&bus](unsigned port, BusEvents::Kind kind) {
    return bus.events().counts[BusEvents::event(port, kind)];
  };
  const auto in_bank = [](std::uint32_t offset) { return BusEvents::kSram0 - SramBanks::bank_of(offset); };
  bus.read(0x20000000, at(10));  // not counted yet
  bus.count_events(true);
  EXPECT_EQ(bus.read(0x20000000, at(10, Master::kCore1)).stall, 1U) << "with the access of before";
  EXPECT_EQ(bus.write(0x20000010, 1, at(20)).stall, 0U);
  EXPECT_EQ(bus.fetch(0x20000020, at(20)).stall, 1U);
  bus.read(0x20041004, at(20));
  bus.read(0x20080000, at(30, Master::kDebugger));
  EXPECT_EQ(count(in_bank(0), BusEvents::kAccess), 3U);
  EXPECT_EQ(count(in_bank(0), BusEvents::kContested), 2U);
  EXPECT_EQ(count(in_bank(0), BusEvents::kStallUpstream), 2U);
  EXPECT_EQ(count(in_bank(0), BusEvents::kStallDownstream), 0U);
  EXPECT_EQ(count(in_bank(0x41004), BusEvents::kAccess), 1U);
  EXPECT_EQ(count(in_bank(0x80000), BusEvents::kAccess), 0U);
  bus.read(0x40000000, at(40));
  bus.write(0x40002000, 1, at(50, Master::kCore1));
  EXPECT_EQ(count(BusEvents::kApb, BusEvents::kAccess), 2U);
  EXPECT_EQ(count(BusEvents::kApb, BusEvents::kStallDownstream),
            timing::kApbRead.cycles + timing::kApbWrite.cycles);
  EXPECT_EQ(count(BusEvents::kApb, BusEvents::kStallUpstream),
            count(BusEvents::kApb, BusEvents::kStallDownstream));
  bus.read(0xd0000000, at(60, Master::kCore1));
  EXPECT_EQ(count(BusEvents::kSiobCore1, BusEvents::kAccess), 1U);
  EXPECT_EQ(count(BusEvents::kSiobCore0, BusEvents::kAccess), 0U);
  bus.count_events(false);
  EXPECT_EQ(bus.read(0x20000020, at(21)).stall, 1U) << "with the fetch that lost";
  bus.read(0x40000000, at(80));
  EXPECT_EQ(count(in_bank(0), BusEvents::kAccess), 3U);
  EXPECT_EQ(count(BusEvents::kApb, BusEvents::kAccess), 2U);
}

TEST(Bus, AtomicAliasesAndWaitStatesOfApb) {
  Bus bus;
  Recorder device;
  bus.attach(0x40028000, 0x4000, &device);
  EXPECT_EQ(bus.write(0x40028010, 0xf0, at(1)).stall, 3u);
  bus.write(0x40029010, 0x11, at(2));
  EXPECT_EQ(device.stored, 0xe1u);
  bus.write(0x4002a010, 0x0f, at(3));
  EXPECT_EQ(device.stored, 0xefu);
  bus.write(0x4002b010, 0x81, at(4));
  EXPECT_EQ(device.stored, 0x6eu);
  EXPECT_EQ(device.last_offset, 0x10u);
  EXPECT_EQ(bus.read(0x40028010, at(5)).stall, 2u);
  EXPECT_EQ(bus.read(0x4002c000, at(6)).fault, BusFault::kUnmapped);
}

TEST(Bus, NarrowRegisterAccesses) {
  Bus bus;
  Recorder device;
  bus.attach(0x50000000, 0x4000, &device);
  EXPECT_EQ(bus.read(0x50000002, at(1, Master::kCore0, 1)).value, 0x33u);
  EXPECT_EQ(bus.read(0x50000002, at(2, Master::kCore0, 2)).value, 0x4433u);
  EXPECT_EQ(device.last_offset, 0u);
  bus.write(0x50000001, 0xab, at(3, Master::kCore0, 1));
  EXPECT_EQ(device.stored, 0xababababu);
  bus.write(0x50000002, 0x1234, at(4, Master::kCore0, 2));
  EXPECT_EQ(device.stored, 0x12341234u);
}

TEST(Bus, ByteAddressableDeviceSeesTheByte) {
  Bus bus;
  Recorder memory(true, false);
  bus.attach(0x50100000, 0x10000, &memory);
  bus.write(0x50103001, 0x1ab, at(1, Master::kCore0, 1));
  EXPECT_EQ(memory.last_offset, 0x3001u);
  EXPECT_EQ(memory.stored, 0xabu);
}

TEST(Bus, RomIsReadOnlyAndPeripheralsCannotBeFetched) {
  Bus bus;
  Recorder device;
  bus.attach(0x40000000, 0x4000, &device);
  bus.rom()[4] = 0x5a;
  EXPECT_EQ(bus.read(4, at(1)).value, 0x5au);
  EXPECT_EQ(bus.write(4, 0, at(2)).fault, BusFault::kNone);  // ignored
  EXPECT_EQ(bus.fetch(4, at(3)).value, 0x5au);
  EXPECT_EQ(bus.fetch(0x40000000, at(4)).fault, BusFault::kDenied);
  EXPECT_EQ(bus.read(0x8000, at(5)).fault, BusFault::kUnmapped);
  EXPECT_EQ(bus.read(0x10000000, at(6)).fault, BusFault::kUnmapped);
}

}  // namespace
}  // namespace pico_llama::simulator
