#include "simulator/devices/pio.h"

#include <map>
#include <random>

#include "bench.h"
#include "pio_reference.h"
#include "simulator/devices/io_bank0.h"

namespace pico_llama::simulator {
namespace {

constexpr std::uint32_t kCtrl = 0x00, kFstat = 0x04, kFdebug = 0x08, kFlevel = 0x0c, kTxf = 0x10, kRxf = 0x20,
                        kIrq = 0x30, kIrqForce = 0x34, kBypass = 0x38, kPadOut = 0x3c, kPadOe = 0x40,
                        kMemory = 0x48, kPutGet = 0x128, kGpioBase = 0x168, kIntr = 0x16c, kInte0 = 0x170;
constexpr std::uint32_t kClkdiv = 0xc8, kExecctrl = 0xcc, kShiftctrl = 0xd0, kAddr = 0xd4, kInstr = 0xd8,
                        kPinctrl = 0xdc, kStride = 0x18;

struct PioTest : testing::Test {
  Bench bench;
  Gpio gpio;
  IoBank0 io{gpio, bench.interrupts};
  PadsBank0 pads{gpio};
  Pio pio{gpio, bench.events, bench.interrupts, [this] { return bench.now; }};

  PioTest() {
    io.reset();
    pads.reset();
    for (unsigned i = 0; i < Pio::kBlocks; ++i) pio.block(i).reset();
    for (unsigned pin = 0; pin < Gpio::kPins; ++pin) bench.write(pads, 4 + 4 * pin, 0x40);
  }
  void select(unsigned pin, unsigned block) { bench.write(io, 8 * pin + 4, Gpio::kFunctionPio0 + block); }
  void load(unsigned block, std::initializer_list<std::uint32_t> program) {
    std::uint32_t offset = kMemory;
    for (const std::uint32_t instruction : program) {
      bench.write(pio.block(block), offset, instruction);
      offset += 4;
    }
  }
  void write(std::uint32_t offset, std::uint32_t value, unsigned block = 0) {
    bench.write(pio.block(block), offset, value);
  }
  std::uint32_t read(std::uint32_t offset, unsigned block = 0) {
    return bench.read(pio.block(block), offset);
  }
  void run(Cycle cycles) {
    const Cycle end = bench.now + cycles;
    while (bench.events.horizon() <= end) {
      bench.now = bench.events.horizon();
      bench.events.run_due(bench.now);
    }
    bench.now = end;
  }
  /// The cycles in which a pin changes, from now on.
  std::vector<Cycle> changes(unsigned pin, Cycle cycles) {
    recorded_.clear();
    pin_ = pin;
    if (!watching_) gpio.watch_levels(~std::uint64_t{0}, [this] { record(); });
    watching_ = true;
    level_ = gpio.level(pin);
    run(cycles);
    return recorded_;
  }
  bool irq(unsigned line) { return (bench.interrupts.levels(0) >> line & 1U) != 0; }

 private:
  void record() {
    if (gpio.level(pin_) == level_) return;
    level_ = !level_;
    recorded_.push_back(gpio.change_cycle().value_or(bench.now));
  }
  unsigned pin_ = 0;
  bool level_ = false, watching_ = false;
  std::vector<Cycle> recorded_;
};

std::vector<Cycle> differences(const std::vector<Cycle>& cycles) {
  std::vector<Cycle> result;
  for (std::size_t i = 1; i < cycles.size(); ++i) result.push_back(cycles[i] - cycles[i - 1]);
  return result;
}

TEST_F(PioTest, SquareWaveOfTheDatasheetHasAPeriodOfFour) {
  load(0, {0xe081, 0xe101, 0xe000, 0x0001});  // 11.2.1
  select(0, 0);
  write(kPinctrl, 1U << 26);  // SET_COUNT 1, SET_BASE 0
  write(kCtrl, 1);
  EXPECT_EQ(differences(changes(0, 20)), (std::vector<Cycle>(8, 2)));
}

TEST_F(PioTest, FractionalDividerAlternates) {
  // 11.5.5, figure 53: with 2.5 the periods are 2, 3, 2, 3.
  load(0, {0xe081, 0xe001, 0xe000});
  select(0, 0);
  write(kPinctrl, 1U << 26);
  write(kExecctrl, 2U << 12 | 1U << 7);  // wrap 2 to 1
  write(kClkdiv, 2U << 16 | 0x80 << 8);
  write(kCtrl, 0x101);
  const std::vector<Cycle> periods = differences(changes(0, 24));
  ASSERT_GE(periods.size(), 6U);
  for (std::size_t i = 0; i < periods.size(); ++i)
    EXPECT_EQ(periods[i], (i + periods[0]) % 2 == 0 ? 2U : 3U) << i;
}

TEST_F(PioTest, AutopullAndAutopushLoopBackAWordInTwoCycles) {
  load(0, {0x6020, 0x4020});  // 11.5.4: out x, 32; in x, 32
  write(kShiftctrl, 3U << 16);
  write(kExecctrl, 1U << 12);
  write(kCtrl, 1);
  run(10);
  EXPECT_NE(read(kFdebug) & 1U << 24, 0U);  // stalled on an empty FIFO
  for (std::uint32_t i = 0; i < 4; ++i) write(kTxf, 100 + i);
  run(20);
  for (std::uint32_t i = 0; i < 4; ++i) EXPECT_EQ(read(kRxf), 100 + i);
  EXPECT_NE(read(kFstat) & 0x100, 0U);
  read(kRxf);
  EXPECT_NE(read(kFdebug) & 1U << 8, 0U);  // RXUNDER
}

TEST_F(PioTest, AStalledMachineCostsNoEvents) {
  load(0, {0x80a0});  // pull block
  write(kCtrl, 1);
  run(100);
  EXPECT_EQ(bench.events.horizon(), kNever);
  write(kTxf, 1);
  run(3);
  EXPECT_EQ(read(kFlevel) & 15, 0U);
}

TEST_F(PioTest, InputsPassTwoFlipFlopsUnlessBypassed) {
  for (const bool bypassed : {false, true}) {
    load(0, {0x20a7, 0xe001, 0x2027, 0xe000});  // wait 1 pin 7; set pins, 1; wait 0 pin 7; set pins, 0
    select(0, 0);
    gpio.drive(7, false);
    write(kBypass, bypassed ? 1U << 7 : 0);
    write(kPinctrl, 1U << 26);
    write(kExecctrl, 3U << 12);
    write(kInstr, 0xe081);
    write(kInstr, 0x0000);
    write(kCtrl, 1);
    run(20);
    const Cycle begin = bench.now + 1;
    bench.now = begin;
    gpio.drive(7, true);
    const std::vector<Cycle> rises = changes(0, 20);
    ASSERT_EQ(rises.size(), 1U);
    // Cycle `begin` + 2: WAIT sees it, then SET executes, and the pin shows it one cycle later.
    EXPECT_EQ(rises[0] - begin, bypassed ? 2U : 4U);
    gpio.drive(7, false);
    run(20);
    write(kCtrl, 0);
  }
}

TEST_F(PioTest, SideSetTakesPlaceInTheFirstCycleOfAStall) {
  load(0, {0x90a0});  // pull side 1
  select(5, 0);
  write(kPinctrl, 1U << 29 | 5U << 10);
  write(kInstr, 0xe000);
  bench.write(io, 8 * 5 + 4, (Gpio::kFunctionPio0) | 3U << 14);  // output enabled by OEOVER
  write(kCtrl, 1);
  EXPECT_EQ(changes(5, 10).size(), 1U);
  EXPECT_TRUE(gpio.level(5));
}

TEST_F(PioTest, JoinedFifosAndTheirStatus) {
  write(kShiftctrl, 1U << 30);  // FJOIN_TX
  for (std::uint32_t i = 0; i < 9; ++i) write(kTxf, i);
  EXPECT_EQ(read(kFlevel) & 0xff, 8U);
  EXPECT_EQ(read(kFstat) & 0x01010101, 0x00010101U);  // TX full, RX both full and empty
  EXPECT_NE(read(kFdebug) & 1U << 16, 0U);            // TXOVER
  write(kShiftctrl, 0);
  EXPECT_EQ(read(kFlevel) & 0xff, 0U);  // flushed
}

TEST_F(PioTest, IrqFlagsReachTheNeighbours) {
  load(0, {0xc01a, 0x0001});              // irq next 2; then spin
  load(1, {0x20c2, 0xc009, 0x0002});      // wait 1 irq 2; irq prev 1; spin
  write(kCtrl, 1 | 1U << 20 | 1U << 24);  // and SM0 of PIO1: NEXT_PIO_MASK, NEXTPREV_SM_ENABLE
  EXPECT_EQ(read(kCtrl, 1), 1U);
  run(20);
  EXPECT_EQ(read(kIrq, 1), 0U);  // cleared by the WAIT
  EXPECT_EQ(read(kIrq, 0), 2U);
  write(kInte0, 2U << 8);
  EXPECT_TRUE(irq(15));
  write(kIrq, 2);
  EXPECT_FALSE(irq(15));
  write(kIrqForce, 2);
  EXPECT_TRUE(irq(15));
  EXPECT_EQ(read(kIntr) >> 8, 2U);
}

TEST_F(PioTest, RxFifoStorageByIndex) {
  load(0, {0xa0c3, 0x8019, 0x8092, 0x0003});
  write(kShiftctrl, 1U << 15);
  // mov isr, ~null; mov rxfifo[1], isr
  load(0, {0xa0cb, 0x8019, 0x0002});
  write(kCtrl, 1);
  run(10);
  EXPECT_EQ(read(kPutGet + 4), ~0U);
  EXPECT_THROW(write(kPutGet, 1), Stop);
  write(kShiftctrl, 1U << 14, 1);
  write(kPutGet + 8, 0x1234, 1);
  EXPECT_THROW(read(kPutGet + 8, 1), Stop);
  load(1, {0x809a, 0xa0e7, 0xa027, 0x0003});  // mov osr, rxfifo[2]; nop; mov x, osr
  write(kCtrl, 1, 1);
  run(10);
  write(kInstr, 0xa0c1, 1);  // mov isr, x
  write(kShiftctrl, 0, 1);
  write(kInstr, 0x8020, 1);  // push
  EXPECT_EQ(read(kRxf, 1), 0x1234U);
}

TEST_F(PioTest, ForcedInstructionsExecuteWhileDisabledAndMayStall) {
  write(kInstr, 0xe03f);  // set x, 31
  write(kInstr, 0xa0c1);  // mov isr, x
  write(kInstr, 0x8020);  // push
  EXPECT_EQ(read(kRxf), 31U);
  write(kInstr, 0x80a0);  // pull block: stalls
  EXPECT_NE(read(kExecctrl) >> 31, 0U);
  write(kTxf, 7);
  run(3);
  EXPECT_EQ(read(kExecctrl) >> 31, 0U);
  write(kInstr, 0x0011);  // jmp 17
  EXPECT_EQ(read(kAddr), 17U);
}

TEST_F(PioTest, GpioBaseMovesTheWindow) {
  select(40, 2);
  write(kGpioBase, 0xff, 2);
  EXPECT_EQ(read(kGpioBase, 2), 16U);
  write(kPinctrl, 1U << 26 | 24U << 5, 2);
  write(kInstr, 0xe081, 2);
  write(kInstr, 0xe001, 2);
  EXPECT_TRUE(gpio.level(40));
  EXPECT_EQ(read(kPadOut, 2), 1U << 24);
  EXPECT_EQ(read(kPadOe, 2), 1U << 24);
}

TEST_F(PioTest, WhatIsUndefinedStopsByName) {
  const auto refused = [this](std::uint32_t instruction, const char* part) {
    try {
      write(kInstr, instruction);
      ADD_FAILURE() << "no stop for " << instruction;
    } catch (const Stop& stop) {
      EXPECT_NE(std::string(stop.what()).find(part), std::string::npos) << stop.what();
      EXPECT_NE(std::string(stop.what()).find("PIO0 SM0"), std::string::npos) << stop.what();
    }
  };
  refused(0x4081, "source of IN");
  refused(0xa024, "source of MOV");
  refused(0xa03b, "operation of MOV");
  refused(0xe061, "destination of SET");
  refused(0x20e4, "JMPPIN");
  refused(0xc081, "encoding of IRQ");
  refused(0x8018, "FJOIN_RX_PUT");
  refused(0x8098, "FJOIN_RX_GET");
  refused(0x8001, "PUSH or PULL");
  EXPECT_THROW(write(0x188, 0), Stop);
}

// --- random programs against the reference ----------------------------------------------------------------

class Differ : public PioTest {
 protected:
  std::mt19937 generator;
  PioReference reference;
  std::uint64_t outside = 0;
  unsigned function[Gpio::kPins] = {};
  bool put[3] = {}, get[3] = {};
  std::map<Cycle, std::uint64_t> seen, expected;

  std::uint32_t random() { return static_cast<std::uint32_t>(generator()); }
  std::uint32_t below(std::uint32_t limit) { return random() % limit; }
  bool chance(double p) { return std::uniform_real_distribution<>(0, 1)(generator) < p; }

  std::uint32_t instruction(unsigned block) {
    static constexpr std::uint32_t kInSources[] = {0, 1, 2, 3, 6, 7}, kMovSources[] = {0, 1, 2, 3, 5, 6, 7},
                                   kSetTargets[] = {0, 1, 2, 4};
    const std::uint32_t field = chance(0.6) ? below(32) & 0x18 : below(32);
    std::uint32_t operation = below(8), operand = 0;
    if (operation == 1 && chance(0.5)) operation = 3;
    switch (operation) {
      case 1:
        operand = below(256);
        if ((operand & 0x60) == 0x60) operand &= 0xe3;
        break;
      case 2:
        operand = kInSources[below(6)] << 5 | below(32);
        break;
      case 3:
        operand = below(256);
        if (operand >> 5 == 7 && chance(0.7))
          operand &= 0x1f;  // EXEC of random data soon meets a reserved encoding
        break;
      case 4:
        if (put[block] && chance(0.5))
          operand = chance(0.5) ? 0x10 : 0x18 | below(4);
        else if (get[block] && chance(0.5))
          operand = chance(0.5) ? 0x90 : 0x98 | below(4);
        else
          operand = below(4) << 5 | (put[block] || get[block] ? 0x80 : below(2) << 7);
        break;
      case 5: {
        std::uint32_t target = below(8);
        if (target == 4 && chance(0.8)) target = 1;
        operand = target << 5 | below(3) << 3 | kMovSources[below(7)];
        break;
      }
      case 6:
        operand = below(128);
        break;
      case 7:
        operand = kSetTargets[below(4)] << 5 | below(32);
        break;
      default:
        operand = below(256);
        break;
    }
    return operation << 13 | field << 8 | operand;
  }

  std::uint32_t clkdiv() {
    const std::uint32_t whole = 1 + (chance(0.5) ? 0 : below(4));
    return whole << 16 | (chance(0.5) ? 0 : below(256) << 8);
  }

  void configure() {
    for (unsigned pin = 0; pin < Gpio::kPins; ++pin) {
      function[pin] = below(3);
      select(pin, function[pin]);
      gpio.drive(pin, false);
    }
    for (unsigned b = 0; b < 3; ++b) {
      PioReference::Block& block = reference.block[b];
      const unsigned mode = below(5);
      put[b] = mode == 3 || mode == 2;
      get[b] = mode == 4 || mode == 2;
      block.gpiobase = chance(0.5) ? 16 : 0;
      write(kGpioBase, static_cast<std::uint32_t>(block.gpiobase), b);
      block.bypass = chance(0.5) ? 0 : random();
      write(kBypass, block.bypass, b);
      for (unsigned i = 0; i < 32; ++i) write(kMemory + 4 * i, block.memory[i] = instruction(b), b);
      for (unsigned s = 0; s < 4; ++s) {
        PioReference::StateMachine& m = block.sm[s];
        write(kClkdiv + kStride * s, m.clkdiv = clkdiv(), b);
        std::uint32_t shift = random() & 0x3fff001f;
        if (put[b] || get[b])
          shift = (shift & ~(1U << 16)) | (put[b] ? 1U << 15 : 0) | (get[b] ? 1U << 14 : 0);
        else if (chance(0.4))
          shift |= 1U << (30 + below(2));
        reference.write_shiftctrl(static_cast<int>(b), static_cast<int>(s), shift);
        write(kShiftctrl + kStride * s, shift, b);
        m.execctrl = random() & 0x7ffff000;
        m.execctrl = (m.execctrl & ~0xf80U) | below(32) << 7;
        if (chance(0.7)) m.execctrl &= ~(3U << 17);
        const std::uint32_t kind = below(3);
        const auto depth =
            static_cast<std::uint32_t>(kind == 0 ? reference.tx_size(m) : reference.rx_size(m));
        m.execctrl = (m.execctrl & ~0x7fU) | kind << 5 | (kind == 2 ? below(24) : below(depth + 1));
        write(kExecctrl + kStride * s, m.execctrl, b);
        m.pinctrl = (random() & 0xfffff) | below(33) << 20 | below(6) << 26 | below(6) << 29;
        write(kPinctrl + kStride * s, m.pinctrl, b);
      }
    }
  }

  std::uint64_t reference_levels() const {
    std::uint64_t levels = 0;
    for (unsigned pin = 0; pin < Gpio::kPins; ++pin) {
      const PioReference::Block& block = reference.block[function[pin]];
      const int place = static_cast<int>(pin) - block.gpiobase;
      const bool driven = place >= 0 && place < 32 && (block.oe >> place & 1) != 0;
      const bool level = driven ? (block.out >> place & 1) != 0 : (outside >> pin & 1) != 0;
      if (level) levels |= std::uint64_t{1} << pin;
    }
    return levels;
  }

  std::uint32_t word(unsigned b) { return chance(0.3) ? random() : instruction(b) << 16 | instruction(b); }

  void act() {
    const unsigned b = below(3), s = below(4);
    const int rb = static_cast<int>(b), rs = static_cast<int>(s);
    PioReference::Block& block = reference.block[b];
    PioReference::StateMachine& m = block.sm[s];
    switch (below(20)) {
      case 0: {
        const std::uint32_t flags = random() & 255;
        block.irq &= ~flags;
        write(kIrq, flags, b);
        break;
      }
      case 1: {
        const std::uint32_t flags = 1U << below(8);
        block.irq |= flags;
        write(kIrqForce, flags, b);
        break;
      }
      case 2:
        if (chance(0.5)) {
          const std::uint32_t forced = instruction(b);
          write(kInstr + kStride * s, forced, b);
          reference.write_instr(rb, rs, forced);
        }
        break;
      case 3:
        if (chance(0.3)) {
          const std::uint32_t ctrl =
              (random() & 0x07000000) | (random() & random() & 0x00ff0ff0) | 15 | below(16);
          write(kCtrl, ctrl, b);
          reference.write_ctrl(rb, ctrl);
        }
        break;
      case 4: {
        const std::uint32_t clear = random();
        block.fdebug &= ~clear;
        write(kFdebug, clear, b);
        break;
      }
      case 5:
        if (chance(0.2)) write(kClkdiv + kStride * s, m.clkdiv = clkdiv(), b);
        break;
      case 6:
        if (chance(0.2)) {
          const std::uint32_t place = below(32);
          write(kMemory + 4 * place, block.memory[place] = instruction(b), b);
        }
        break;
      case 7:
      case 8:
      case 9:
      case 10:
      case 11: {
        const bool any = !m.rx.empty();
        const std::uint32_t got = read(kRxf + 4 * s, b), wanted = reference.read_rx(rb, rs);
        if (any) {
          ASSERT_EQ(got, wanted) << "RXF" << s << " of PIO" << b;
        }
        break;
      }
      default: {
        const std::uint32_t value = word(b);
        write(kTxf + 4 * s, value, b);
        reference.write_tx(rb, rs, value);
        break;
      }
    }
  }

  void compare() {
    for (unsigned b = 0; b < 3; ++b) {
      const PioReference::Block& block = reference.block[b];
      ASSERT_EQ(read(kIrq, b), block.irq);
      ASSERT_EQ(read(kFdebug, b), block.fdebug);
      ASSERT_EQ(read(kPadOut, b), block.out);
      ASSERT_EQ(read(kPadOe, b), block.oe);
      const std::uint32_t levels = read(kFlevel, b);
      for (unsigned s = 0; s < 4; ++s) {
        const PioReference::StateMachine& m = block.sm[s];
        ASSERT_EQ(read(kAddr + kStride * s, b), static_cast<std::uint32_t>(m.pc))
            << "SM" << s << " of PIO" << b << " in cycle " << bench.now << ": delay " << m.delay << ", EXEC "
            << m.exec_pending << ", forced " << m.force_pending << ", stalled " << m.in_progress
            << ", CLKDIV " << m.clkdiv << ", " << m.countdown << " cycles left, enabled " << m.enable;
        ASSERT_EQ(levels >> 8 * s & 15, m.tx.size());
        ASSERT_EQ(levels >> (8 * s + 4) & 15, m.rx.size());
        ASSERT_EQ(read(kExecctrl + kStride * s, b) >> 31, m.force_pending ? 1U : 0U);
      }
    }
  }

  /// Returns how many cycles were compared: fewer than `cycles` where the program executed data that is a
  /// reserved encoding.
  Cycle run_seed(std::uint32_t seed, Cycle cycles, double compare_chance) {
    generator.seed(seed);
    configure();
    gpio.watch_levels(~std::uint64_t{0}, [this] {
      std::uint64_t levels = 0;
      for (unsigned pin = 0; pin < Gpio::kPins; ++pin) levels |= std::uint64_t{gpio.level(pin)} << pin;
      seen[gpio.change_cycle().value_or(bench.now)] = levels;
    });
    for (int b = 0; b < 3; ++b) {
      write(kCtrl, 15, static_cast<unsigned>(b));
      reference.write_ctrl(b, 15);
    }
    std::uint64_t before = 0;
    Cycle cycle = 1;
    try {
      for (; cycle <= cycles; ++cycle) {
        bench.now = cycle;
        while (chance(0.1)) {
          const unsigned pin = below(Gpio::kPins);
          outside ^= std::uint64_t{1} << pin;
          gpio.drive(pin, (outside >> pin & 1) != 0);
        }
        const std::uint64_t levels = reference_levels();
        if (levels != before) expected[cycle] = levels;
        before = levels;
        reference.cycle(levels);
        bench.events.run_due(cycle);
        while (chance(0.2)) act();
        if (HasFatalFailure()) break;
        if (chance(compare_chance)) compare();
        if (HasFatalFailure()) break;
      }
    } catch (const Stop& stop) {
      const std::string text = stop.what();
      EXPECT_TRUE(text.find("reserved") != std::string::npos || text.find("RX FIFO") != std::string::npos ||
                  text.find("FJOIN") != std::string::npos || text.find("JMPPIN") != std::string::npos)
          << text;
    }
    // Where the levels of the pins changed, and to what.
    std::uint64_t last = 0;
    for (auto it = seen.begin(); it != seen.end();) {
      const bool same = it->second == last;
      last = it->second;
      it = same || it->first >= cycle ? seen.erase(it) : std::next(it);
    }
    expected.erase(expected.lower_bound(cycle), expected.end());
    EXPECT_EQ(seen, expected);
    return cycle - 1;
  }
};

class PioRandom : public Differ, public testing::WithParamInterface<unsigned> {};

TEST_P(PioRandom, ProgramsAgreeWithTheReference) {
  // A board of its own for each program: this object holds one.
  const double compare_chance = GetParam() % 2 == 0 ? 1.0 : 0.02;
  run_seed(GetParam(), 4000, compare_chance);
}

INSTANTIATE_TEST_SUITE_P(Seeds, PioRandom, testing::Range(0U, 200U));

/// The same, with one count of all cycles: the number that the comparison covers must not shrink unnoticed.
class OneProgram : public Differ {
 public:
  void TestBody() override {}
  using Differ::run_seed;
};

TEST(PioRandomTotal, MoreThanAHundredThousandCycles) {
  Cycle total = 0;
  for (std::uint32_t seed = 1000; seed < 1150 && !testing::Test::HasFailure(); ++seed) {
    OneProgram program;
    total += program.run_seed(seed, 2000, 0.1);
  }
  EXPECT_GE(total, 100'000U);
}

}  // namespace
}  // namespace pico_llama::simulator
