#include "simulator/dma/dma.h"

#include <gtest/gtest.h>

#include <cstring>
#include <string_view>

#include "simulator/bus/xip_control.h"
#include "simulator/bus/xip_stream.h"
#include "simulator/stop.h"
#include "tests/simulator/bus/xip_fixture.h"

namespace pico_llama::simulator {
namespace {

constexpr std::uint32_t kDma = Dma::kBase;
constexpr std::uint32_t kSrc = 0x20000000, kDst = 0x20040000;
// Enable, word, both addresses increment, unpaced.
constexpr std::uint32_t kCopy = 1 | 2 << 2 | 1 << 4 | 1 << 6 | 63u << 17;

std::uint32_t chain(unsigned channel) { return channel << 13; }

struct Machine : XipFixture {
  Machine()
      : events(timebase),
        stream(xip, qmi, events),
        control(xip, stream),
        aux(stream, qmi),
        dma(bus, events, lines) {
    bus.attach(XipControl::kBase, 0x4000, &control);
    bus.attach(XipAux::kBase, 0x1000, &aux);
    bus.attach(Dma::kBase, 0x4000, &dma);
    stream.attach_listener(&dma);
    dma.attach_dreq(XipStream::kDreq, &stream);
  }
  void start(unsigned channel, std::uint32_t from, std::uint32_t to, std::uint32_t count,
             std::uint32_t ctrl) {
    const std::uint32_t base = kDma + 0x40 * channel;
    write(base, from);
    write(base + 4, to);
    write(base + 8, count);
    write(base + 0xc, ctrl);
  }
  /// Runs events until nothing is left, or up to `limit`; returns the last cycle in which something happened.
  Cycle settle(Cycle limit = kNever) {
    while (events.horizon() < limit) {
      now = std::max(now, events.horizon());
      events.run_due(events.horizon());
    }
    return now;
  }
  std::uint32_t word(std::uint32_t address) {
    std::uint32_t value = 0;
    bus.peek(address, &value, 4);
    return value;
  }
  void fill(std::uint32_t address, std::uint32_t words) {
    for (std::uint32_t i = 0; i < words; ++i) {
      const std::uint32_t value = 0x9e3779b9u * (i + 1);
      bus.poke(address + 4 * i, &value, 4);
    }
  }
  std::uint64_t line_levels() const { return lines.levels(0); }

  EventQueue events;
  InterruptLines lines;
  XipStream stream;
  XipControl control;
  XipAux aux;
  Dma dma;
};

TEST(Dma, CopiesOneWordACycle) {
  Machine m;
  m.fill(kSrc, 1024);
  m.start(0, kSrc, kDst, 1024, kCopy | chain(0));
  const Cycle begin = m.now;
  EXPECT_TRUE(m.dma.busy(0));
  EXPECT_EQ(m.read(kDma + 0xc).value >> 26 & 1, 1u);
  const Cycle end = m.settle();
  EXPECT_FALSE(m.dma.busy(0));
  EXPECT_NEAR(static_cast<double>(end - begin), 1024, 8);
  for (unsigned i = 0; i < 1024; ++i) ASSERT_EQ(m.word(kDst + 4 * i), m.word(kSrc + 4 * i));
  EXPECT_EQ(m.read(kDma).value, kSrc + 4096);
  EXPECT_EQ(m.read(kDma + 4).value, kDst + 4096);
  EXPECT_EQ(m.read(kDma + 8).value, 0u);
}

TEST(Dma, InterruptsAreRoutedMaskedForcedAndCleared) {
  Machine m;
  m.write(kDma + 0x414, 1u << 3);
  m.start(3, kSrc, kDst, 4, kCopy | chain(3));
  m.settle();
  EXPECT_EQ(m.line_levels(), 1u << 11);
  EXPECT_EQ(m.read(kDma + 0x41c).value, 8u);
  EXPECT_EQ(m.read(kDma + 0x40c).value, 0u);
  m.write(kDma + 0x41c, 8);
  EXPECT_EQ(m.line_levels(), 0u);
  m.write(kDma + 0x438, 1);
  EXPECT_EQ(m.line_levels(), 1u << 13);
}

TEST(Dma, AliasesPutEveryRegisterInTheTriggerPlace) {
  Machine m;
  m.fill(kSrc, 8);
  m.write(kDma + 0x10, kCopy | chain(0));  // AL1_CTRL does not trigger
  EXPECT_FALSE(m.dma.busy(0));
  m.write(kDma + 0x14, kSrc);
  m.write(kDma + 0x18, kDst);
  m.write(kDma + 0x1c, 2);  // AL1_TRANS_COUNT_TRIG
  m.settle();
  EXPECT_EQ(m.word(kDst + 4), m.word(kSrc + 4));
  m.write(kDma + 0x28, kSrc + 8);
  m.write(kDma + 0x2c, kDst + 0x100);  // AL2_WRITE_ADDR_TRIG, count reloads
  m.settle();
  EXPECT_EQ(m.word(kDst + 0x104), m.word(kSrc + 12));
  m.write(kDma + 0x34, kDst + 0x200);
  m.write(kDma + 0x3c, kSrc + 16);  // AL3_READ_ADDR_TRIG
  m.settle();
  EXPECT_EQ(m.word(kDst + 0x204), m.word(kSrc + 20));
}

TEST(Dma, ControlBlocksChainUntilTheNullTrigger) {
  Machine m;
  m.fill(kSrc, 16);
  // Channel 1 feeds (READ_ADDR, WRITE_ADDR_TRIG) pairs to channel 0's alias 2, which chains back to it.
  const std::uint32_t blocks[] = {kSrc, kDst, kSrc + 8, kDst + 0x80, 0, 0};
  m.bus.poke(0x20010000, blocks, sizeof blocks);
  m.write(kDma + 0x404, 1);
  m.write(kDma + 0x10, kCopy | chain(1) | 1u << 23);
  m.write(kDma + 0x08, 2);
  // Writes wrap over 8 bytes: ring of 3 bits on the write address.
  m.start(1, 0x20010000, kDma + 0x28, 2, kCopy | chain(1) | 3u << 8 | 1u << 12);
  m.settle();
  EXPECT_EQ(m.word(kDst), m.word(kSrc));
  EXPECT_EQ(m.word(kDst + 0x84), m.word(kSrc + 12));
  EXPECT_EQ(m.line_levels(), 1u << 10) << "quiet until the null trigger";
  EXPECT_EQ(m.read(kDma + 0x40).value, 0x20010000u + sizeof blocks);
}

TEST(Dma, DecrementSkipSwapNarrowAndRing) {
  Machine m;
  m.fill(kSrc, 16);
  m.start(0, kSrc + 12, kDst, 4, (kCopy | 1u << 5) | chain(0));  // backwards
  m.settle();
  for (unsigned i = 0; i < 4; ++i) EXPECT_EQ(m.word(kDst + 4 * i), m.word(kSrc + 12 - 4 * i));
  m.start(0, kSrc, kDst, 4, (kCopy & ~(1u << 4)) | 1u << 5 | chain(0));  // every other word
  m.settle();
  for (unsigned i = 0; i < 4; ++i) EXPECT_EQ(m.word(kDst + 4 * i), m.word(kSrc + 8 * i));
  m.start(0, kSrc, kDst, 2, kCopy | 1u << 24 | chain(0));
  m.settle();
  EXPECT_EQ(m.word(kDst), __builtin_bswap32(m.word(kSrc)));
  m.start(0, kSrc, kDst, 12, kCopy | 4u << 8 | chain(0));  // read ring of 16 bytes
  m.settle();
  for (unsigned i = 0; i < 12; ++i) EXPECT_EQ(m.word(kDst + 4 * i), m.word(kSrc + 4 * (i % 4)));
  m.start(0, kSrc + 1, kDst + 2, 3, (kCopy & ~(3u << 2)) | chain(0));  // bytes
  m.settle();
  std::uint8_t from[3], to[3];
  m.bus.peek(kSrc + 1, from, 3);
  m.bus.peek(kDst + 2, to, 3);
  EXPECT_EQ(std::memcmp(from, to, 3), 0);
}

TEST(Dma, CountModes) {
  Machine m;
  m.start(2, kSrc, kDst, 8 | 1u << 28, (kCopy & ~(1u << 4 | 1u << 6)) | chain(2));  // triggers itself
  m.settle(m.now + 500);
  EXPECT_TRUE(m.dma.busy(2));
  EXPECT_EQ(m.read(kDma + 0x400).value, 4u);
  m.write(kDma + 0x464, 4);
  EXPECT_FALSE(m.dma.busy(2));
  m.settle();
  m.start(2, kSrc, kDst, 8 | 15u << 28, (kCopy & ~(1u << 4 | 1u << 6)) | chain(2));  // endless
  m.settle(m.now + 500);
  EXPECT_EQ(m.read(kDma + 0x88).value, 8u | 15u << 28);
  m.write(kDma + 0x464, 4);
  EXPECT_THROW(m.start(2, kSrc, kDst, 8 | 3u << 28, kCopy), Stop);
}

TEST(Dma, PacingTimerGivesXOverYTransfersACycle) {
  Machine m;
  m.write(kDma + 0x440, 3u << 16 | 50);
  m.start(0, kSrc, kDst, 300, (kCopy & ~(63u << 17)) | 59u << 17 | chain(0));
  const Cycle begin = m.now;
  EXPECT_NEAR(static_cast<double>(m.settle() - begin), 300 * 50 / 3.0, 20);
}

TEST(Dma, TwoChannelsShareAndHighPriorityGoesFirst) {
  Machine m;
  m.start(0, kSrc, kDst, 400, kCopy | chain(0));
  m.start(1, kSrc + 0x2000, kDst + 0x2000, 400, kCopy | chain(1) | 2);
  m.settle(m.now + 300);
  const auto low = m.read(kDma + 8).value, high = m.read(kDma + 0x48).value;
  EXPECT_NEAR(static_cast<double>(low), static_cast<double>(high), 60) << "one of each a round";
  m.settle();
  m.start(0, kSrc, kDst, 400, kCopy | chain(0));
  m.start(1, kSrc + 0x2000, kDst + 0x2000, 400, kCopy | chain(1) | 2);
  m.start(2, kSrc + 0x4000, kDst + 0x4000, 400, kCopy | chain(2) | 2);
  m.start(3, kSrc + 0x6000, kDst + 0x6000, 400, kCopy | chain(3));
  m.settle(m.now + 600);
  EXPECT_GT(m.read(kDma + 8).value, m.read(kDma + 0x48).value + 50);
  EXPECT_GT(m.read(kDma + 0xc8).value, m.read(kDma + 0x88).value + 50);
}

TEST(Dma, SnifferChecksums) {
  constexpr std::string_view kText = "123456789";  // the check values are those of the CRC catalogues
  Machine m;
  m.bus.poke(kSrc, kText.data(), kText.size());
  const auto sniff = [&](std::uint32_t calc, std::uint32_t seed, std::uint32_t flags, std::uint32_t size,
                         std::uint32_t count) {
    m.write(kDma + 0x454, 1 | calc << 5 | flags);
    m.write(kDma + 0x458, seed);
    m.start(0, kSrc, kDst, count, (kCopy & ~(3u << 2)) | size << 2 | 1u << 25 | chain(0));
    m.settle();
    return m.read(kDma + 0x458).value;
  };
  EXPECT_EQ(sniff(1, 0xffffffff, 3u << 10, 0, 9), 0xcbf43926u);  // CRC-32/ISO-HDLC
  EXPECT_EQ(sniff(0, 0xffffffff, 1u << 11, 0, 9), 0xfc891918u);  // CRC-32/BZIP2
  EXPECT_EQ(sniff(2, 0xffff, 0, 0, 9), 0x29b1u);                 // CRC-16/IBM-3740 (CCITT-FALSE)
  EXPECT_EQ(sniff(3, 0, 1u << 10, 0, 9) >> 16, 0x2189u);         // CRC-16/KERMIT
  EXPECT_EQ(sniff(15, 0, 0, 0, 9), 477u);
  EXPECT_EQ(sniff(15, 0, 0, 2, 2), 0x34333231u + 0x38373635u);
  EXPECT_EQ(sniff(14, 0, 0, 0, 1), 1u);  // '1' = 0x31 has three bits set
  const std::uint32_t words = sniff(1, 0xffffffff, 3u << 10, 2, 2);
  EXPECT_EQ(words, sniff(1, 0xffffffff, 3u << 10, 0, 8)) << "reversed CRC of words is that of their bytes";
  const std::uint32_t swapped = sniff(0, 0xffffffff, 1u << 9, 2, 2);
  EXPECT_EQ(swapped, sniff(0, 0xffffffff, 0, 0, 8));
}

TEST(Dma, BusErrorsHaltTheChannelAndRaiseItsInterrupt) {
  Machine m;
  m.write(kDma + 0x404, 1);
  m.start(0, 0x30000000, kDst, 4, kCopy | chain(0));
  m.settle();
  EXPECT_FALSE(m.dma.busy(0));
  EXPECT_EQ(m.read(kDma + 0xc).value & 0xe0000000, 0xc0000000u);
  EXPECT_EQ(m.line_levels(), 1u << 10);
  m.write(kDma + 0xc, kCopy | chain(0) | 1u << 30);  // clears the flag
  EXPECT_EQ(m.read(kDma + 0xc).value & 0xe0000000, 0u);
}

TEST(Dma, XipStreamDeliversFlashAt8DivPlusLatencyAWord) {
  Machine m;
  m.bootrom_flash();
  m.write(XipControl::kBase + 0x14, 0x10004000);
  m.write(XipControl::kBase + 0x18, 256);
  m.start(5, XipAux::kBase, kDst, 256, (kCopy & ~(63u << 17 | 1u << 4)) | 49u << 17 | chain(5));
  const Cycle begin = m.now;
  const Cycle end = m.settle();
  for (std::uint32_t i = 0; i < 256; ++i) ASSERT_EQ(m.word(kDst + 4 * i), m.pattern_word(0x4000 + 4 * i));
  EXPECT_EQ(m.read(XipControl::kBase + 0x18).value, 0u);
  EXPECT_EQ(m.read(XipControl::kBase + 0x14).value, 0x10004400u);
  EXPECT_EQ(m.read(XipControl::kBase + 8).value, 2u);
  EXPECT_NEAR(static_cast<double>(end - begin), 256 * 26, 150);
}

TEST(Dma, XipStreamYieldsToMissesAndStopsOnRequest) {
  Machine m;
  m.bootrom_flash();
  m.write(XipControl::kBase + 0x14, 0x10004000);
  m.write(XipControl::kBase + 0x18, 64);
  EXPECT_EQ(m.settle(), m.now);
  EXPECT_EQ(m.read(XipControl::kBase + 8).value, 4u) << "two words wait in the FIFO";
  EXPECT_EQ(m.read(XipControl::kBase + 0x1c).value, m.pattern_word(0x4000));
  m.read(0x10010000);  // a miss just then
  const Cycle miss_done = m.now - 1;
  const Cycle arrived = m.settle();
  EXPECT_GE(arrived, miss_done + 9 + 24 + 60);
  m.write(XipControl::kBase + 0x18, 0);
  EXPECT_EQ(m.read(XipAux::kBase).value, m.pattern_word(0x4004));
  EXPECT_EQ(m.read(XipAux::kBase).value, m.pattern_word(0x4008));
  EXPECT_EQ(m.events.horizon(), kNever);
  EXPECT_THROW(m.read(XipAux::kBase), Stop);
}

TEST(Dma, AbortedChannelsCreditsAreClearedBeforeItStartsAgain) {
  for (const bool cleared : {false, true}) {
    Machine m;
    m.bootrom_flash();
    const std::uint32_t paced = (kCopy & ~(63u << 17) & ~(1u << 4)) | XipStream::kDreq << 17;
    m.start(3, XipAux::kBase, kDst, 64, paced | chain(3));  // more than the stream ever brings
    m.write(kDma + 0x464, 1u << 3);
    m.write(kDma + 0x40 * 3 + 0x10, paced & ~1u);
    if (cleared) m.write(kDma + 0x800 + 0x40 * 3, 0);
    if (cleared) {
      EXPECT_NO_THROW(m.start(3, XipAux::kBase, kDst, 64, paced | chain(3)));
    } else {
      EXPECT_THROW(m.start(3, XipAux::kBase, kDst, 64, paced | chain(3)), Stop);
    }
  }
}

TEST(Dma, NothingIsBehindTheLastRegionOfItsMpu) {
  Machine m;
  constexpr std::uint32_t kMpuLar7 = Dma::kBase + 0x540;
  m.write(kMpuLar7, 0x20000001);
  EXPECT_EQ(m.read(kMpuLar7).value, 0x20000001u);
  EXPECT_THROW(m.read(kMpuLar7 + 4), Stop);
  EXPECT_THROW(m.write(kMpuLar7 + 4, 1), Stop);
}

TEST(Dma, MovesPsramToSramThroughTheWindow) {
  Machine m;
  m.psram_qpi();
  m.psram_window();
  for (std::uint32_t i = 0; i < 256; ++i) m.write(0x15001000 + 4 * i, i * 0x01010101);
  m.start(0, 0x15001000, kDst, 256, kCopy | chain(0));
  const Cycle begin = m.now;
  const Cycle end = m.settle();
  for (std::uint32_t i = 0; i < 256; ++i) ASSERT_EQ(m.word(kDst + 4 * i), i * 0x01010101);
  EXPECT_NEAR(static_cast<double>(end - begin), 256 * 18 * 1.04, 256);
  m.start(0, 0x15100000, kDst, 1, kCopy | chain(0));
  EXPECT_THROW(m.settle(), Stop) << "never written";
}

}  // namespace
}  // namespace pico_llama::simulator
