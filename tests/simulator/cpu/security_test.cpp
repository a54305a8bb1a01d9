// The Armv8-M Security Extension (simulator/cpu/security.h): Secure code at Machine::kCode, Non-secure code
// at kNonSecure, one gateway between them. Expected values: Armv8-M Architecture Reference Manual, B3 and
// D1.2.
#include "tests/simulator/cpu/machine.h"

namespace pico_llama::simulator {
namespace {

constexpr std::uint32_t kNonSecure = 0x2001'0000, kGateway = 0x2000'2000, kHandlers = 0x2000'3000;
constexpr std::uint32_t kNonSecureVectors = 0x2001'8000, kNonSecureStack = 0x2001'7000;
constexpr std::uint32_t kScs = 0xe000'e000, kNonSecureScs = 0xe002'e000;

class Security : public testing::Test {
 protected:
  /// Each at its address. The Secure code ends at `done`.
  void load(const std::string& secure, const std::string& nonsecure, const std::string& gateway = "nop") {
    machine.load(secure);
    put(kNonSecure, nonsecure);
    put(kGateway, gateway);
    core.idau = [](std::uint32_t, bool) { return Attribution::kNonSecure; };
    region(0, kNonSecure, 0x2001'ffff, 1);
    region(1, kGateway, kGateway + 0x1f, 3);
    core.set_ppb(kScs + 0xdd0, 1);
    core.set_ppb(kNonSecureScs + 0xd08, kNonSecureVectors);
    core.banked.msp = kNonSecureStack;
  }
  void put(std::uint32_t address, const std::string& source) {
    const std::vector<std::uint8_t> code = assemble(source, address);
    machine.bus.poke(address, code.data(), static_cast<std::uint32_t>(code.size()));
    core.invalidate(address, static_cast<std::uint32_t>(code.size()));
  }
  void region(std::uint32_t number, std::uint32_t first, std::uint32_t last, std::uint32_t flags) {
    core.set_ppb(kScs + 0xdd8, number);
    core.set_ppb(kScs + 0xddc, first);
    core.set_ppb(kScs + 0xde0, (last & ~31u) | flags);
  }
  Machine machine;
  Core& core = machine.core;
};

/// r4: the address of the Non-secure code, bit 0 clear.
constexpr const char* kCall = "ldr r4, =0x20010000\n mov r0, #5\n mov r9, sp\n blxns r4\n mov r8, sp\n";

TEST_F(Security, AFunctionCallIntoNonSecureStateReturns) {
  load(kCall, "mov r5, lr\n mov r6, sp\n mrs r7, control\n adds r0, #2\n bx lr");
  machine.run();
  EXPECT_TRUE(core.secure);
  EXPECT_EQ(core.reg(0), 7u);
  EXPECT_EQ(core.reg(5), 0xfeff'ffffu);
  EXPECT_EQ(core.reg(6), kNonSecureStack);
  EXPECT_EQ(core.reg(8), core.reg(9));  // what BLXNS stacked is gone
  EXPECT_EQ(machine.word(Machine::kStack - 4), 0u);
  EXPECT_EQ(machine.word(Machine::kStack - 8) & ~0xffu, Machine::kCode);
}

TEST_F(Security, AnOddTargetStaysInSecureState) {
  load("adr r4, 1f\n adds r4, #1\n blxns r4\n b 2f\n .balign 4\n 1: mov r5, lr\n bx lr\n 2: nop", "nop");
  machine.run();
  EXPECT_TRUE(core.secure);
  EXPECT_EQ(core.reg(5) & ~0xffu, Machine::kCode);
  EXPECT_FALSE(core.was_nonsecure);
}

TEST_F(Security, ThroughAGatewayAndBack) {
  load(kCall, "push {lr}\n ldr r1, =0x20002001\n blx r1\n adds r0, #1\n pop {pc}",
       "sg\n mov r6, lr\n mov r5, sp\n adds r0, #16\n bxns lr");
  machine.run();
  EXPECT_EQ(core.reg(0), 22u);
  EXPECT_EQ(core.reg(6) & 1, 0u);  // the return is to Non-secure state
  EXPECT_EQ(core.reg(5), Machine::kStack - 8);
  EXPECT_TRUE(core.secure);
}

TEST_F(Security, AGatewayIsANopInSecureState) {
  load("mov lr, #1\n sg\n mov r5, lr", "nop");
  machine.run();
  EXPECT_EQ(core.reg(5), 1u);
}

struct Refused {
  const char* secure;
  const char* nonsecure;
  std::uint32_t sfsr, sfar;
};

TEST_F(Security, WhatSecurityForbidsIsASecureFault) {
  const Refused cases[] = {
      {kCall, "ldr r0, =0x20040010\n ldr r0, [r0]", 0x48, 0x2004'0010},
      {kCall, "ldr r0, =0x20040010\n str r0, [r0]", 0x48, 0x2004'0010},
      {kCall, "ldr r0, =0x20001001\n bx r0", 1, 0},        // INVEP: Secure, not callable
      {kCall, "ldr r0, =0x20002005\n bx r0", 1, 0},        // callable, but no SG
      {"ldr r0, =0x20010001\n bx r0", "nop", 1u << 4, 0},  // INVTRAN
      {kCall, "ldr r0, =0x20000000\n ldmia r0, {r1, r2}", 0x48, 0x2000'0000},
  };
  for (const bool enabled : {true, false}) {
    for (const Refused& refused : cases) {
      SCOPED_TRACE(refused.nonsecure);
      load(refused.secure, refused.nonsecure, "sg\n bxns lr");
      const unsigned exception = enabled ? exception::kSecureFault : exception::kHardFault;
      machine.set_word(Machine::kVectors + 4 * exception, kHandlers | 1);
      put(kHandlers, "b .");
      if (enabled) core.set_ppb(kScs + 0xd24, 1u << 19);
      core.run_until(core.now() + 1000);
      EXPECT_EQ(core.reg(15), kHandlers);
      EXPECT_TRUE(core.secure);
      EXPECT_EQ(core.ppb(kScs + 0xde4), refused.sfsr);
      if (refused.sfar != 0) {
        EXPECT_EQ(core.ppb(kScs + 0xde8), refused.sfar);
      }
    }
  }
}

TEST_F(Security, ANonSecureHandlerDoesNotSeeSecureRegisters) {
  // IRQ 3 targets Non-secure state; the Secure program pends it.
  load(
      "ldr r0, =0xe000e200\n movs r1, #8\n mov r4, #4\n mov r7, #7\n mov r11, #11\n mov r12, #12\n mov r9, "
      "sp\n"
      "str r1, [r0]\n dsb\n isb\n mov r8, sp\n",
      "ldr r0, =0x20018400\n stmia r0!, {r1-r12}\n str lr, [r0]\n bx lr");
  machine.set_word(kNonSecureVectors + 4 * 19, kNonSecure | 1);
  core.set_ppb(kScs + 0x380, 8);
  core.set_ppb(kScs + 0x100, 8);
  machine.run();
  for (unsigned i = 0; i < 12; ++i) EXPECT_EQ(machine.word(0x2001'8400 + 4 * i), 0u) << i;
  EXPECT_EQ(machine.word(0x2001'8400 + 48), 0xffff'fff8u);
  EXPECT_EQ(core.reg(4), 4u);
  EXPECT_EQ(core.reg(7), 7u);
  EXPECT_EQ(core.reg(11), 11u);
  EXPECT_EQ(core.reg(12), 12u);
  EXPECT_EQ(core.reg(8), core.reg(9));
  EXPECT_EQ(machine.word(Machine::kStack - 0x48), 0xfefa'125bu);
  EXPECT_EQ(machine.word(Machine::kStack - 0x40), 4u);
  EXPECT_TRUE(core.secure);
}

TEST_F(Security, ATamperedIntegritySignatureIsASecureFault) {
  load("ldr r0, =0xe000e200\n movs r1, #8\n str r1, [r0]\n dsb\n isb\n", "b .");
  machine.set_word(kNonSecureVectors + 4 * 19, kNonSecure | 1);
  machine.set_word(Machine::kVectors + 4 * exception::kSecureFault, kHandlers | 1);
  put(kHandlers, "b .");
  core.set_ppb(kScs + 0x380, 8);
  core.set_ppb(kScs + 0x100, 8);
  core.set_ppb(kScs + 0xd24, 1u << 19);
  core.run_until(core.now() + 1000);
  ASSERT_FALSE(core.secure);
  machine.set_word(Machine::kStack - 0x48, 0xfefa'125a);
  put(kNonSecure, "bx lr");
  core.set_reg(15, kNonSecure);
  core.run_until(core.now() + 1000);
  EXPECT_EQ(core.reg(15), kHandlers);
  EXPECT_EQ(core.ppb(kScs + 0xde4), 2u);  // INVIS
}

TEST_F(Security, ASecureInterruptPreemptsNonSecureCode) {
  load("ldr r4, =0x20010000\n blxns r4\n", "mov r4, #4\n nop\n nop\n mov r6, sp\n bx lr");
  put(kHandlers, "mov r5, lr\n mov r7, sp\n bx lr");
  machine.set_word(Machine::kVectors + 4 * 18, kHandlers | 1);
  core.set_ppb(kScs + 0x100, 4);
  struct AtNop final : CoreObserver {
    explicit AtNop(Core& the_core) : core_(the_core) {}
    bool before(std::uint32_t pc) override { return pc != kNonSecure + 4; }
    void after(std::uint32_t, std::uint32_t) override {}
    Core& core_;
  } at_nop(core);
  core.set_observer(&at_nop);
  core.run_until(core.now() + 1000);
  ASSERT_FALSE(core.secure);
  core.set_irq_lines(4);
  core.set_irq_lines(0);
  machine.run();
  EXPECT_EQ(core.reg(5), 0xffff'ffb9u);
  EXPECT_EQ(core.reg(7), Machine::kStack - 8);  // Secure MSP, below what BLXNS stacked
  EXPECT_EQ(core.reg(6), kNonSecureStack);
  EXPECT_EQ(core.reg(4), 4u);
}

TEST_F(Security, NonSecureCodeCannotEndASecureException) {
  load(kCall, "nop");
  machine.set_word(kNonSecureVectors + 4 * exception::kSvCall, (kNonSecure + 0x100) | 1);
  put(kNonSecure, "svc #0");
  put(kNonSecure + 0x100, "orr lr, #1\n bx lr");
  machine.set_word(Machine::kVectors + 4 * exception::kSecureFault, kHandlers | 1);
  put(kHandlers, "b .");
  core.set_ppb(kScs + 0xd24, 1u << 19);
  core.run_until(core.now() + 1000);
  EXPECT_EQ(core.reg(15), kHandlers);
  EXPECT_EQ(core.ppb(kScs + 0xde4), 4u);  // INVER
}

TEST_F(Security, RegistersAreBanked) {
  load(
      "ldr r0, =0x20016000\n msr msp_ns, r0\n mrs r1, msp_ns\n mrs r2, msp\n mov r0, #1\n msr primask_ns, "
      "r0\n"
      "mrs r3, primask\n mrs r4, primask_ns\n ldr r0, =0xe002ed08\n ldr r5, [r0]\n ldr r0, =0xe000ed08\n"
      "ldr r6, [r0]\n ldr r0, =0x20018200\n msr psplim_ns, r0\n mrs r7, psplim_ns\n mrs r8, psplim\n",
      "nop");
  machine.run();
  EXPECT_EQ(core.reg(1), 0x2001'6000u);
  EXPECT_EQ(core.reg(2), Machine::kStack);
  EXPECT_EQ(core.reg(3), 0u);
  EXPECT_EQ(core.reg(4), 1u);
  EXPECT_EQ(core.reg(5), kNonSecureVectors);
  EXPECT_EQ(core.reg(6), Machine::kVectors);
  EXPECT_EQ(core.reg(7), 0x2001'8200u);
  EXPECT_EQ(core.reg(8), 0u);
}

TEST_F(Security, SecureRegistersReadAsZeroInNonSecureState) {
  load(kCall,
       "ldr r0, =0xe000edd0\n ldr r1, [r0]\n ldr r0, =0xe000e100\n mvn r2, #0\n str r2, [r0]\n ldr r2, [r0]\n"
       "ldr r0, =0xe002ed08\n ldr r3, [r0]\n ldr r0, =0xe000ed08\n ldr r5, [r0]\n bx lr");
  core.set_ppb(kScs + 0x380, 0x10);  // IRQ 4 only
  machine.run();
  EXPECT_EQ(core.reg(1), 0u);
  EXPECT_EQ(core.reg(2), 0x10u);
  EXPECT_EQ(core.reg(3), 0u);
  EXPECT_EQ(core.reg(5), kNonSecureVectors);
}

TEST_F(Security, TestTargetTellsWhoMayAccess) {
  load(
      "ldr r0, =0x20010000\n tt r1, r0\n tta r2, r0\n ldr r0, =0x20002000\n tt r3, r0\n ldr r0, =0x20040000\n"
      "tta r4, r0\n",
      "nop");
  machine.run();
  constexpr std::uint32_t kReadWrite = 3u << 18, kNonSecureToo = 3u << 20, kSecure = 1u << 22,
                          kSrvalid = 1u << 17;
  EXPECT_EQ(core.reg(1), kReadWrite | kNonSecureToo | kSrvalid);
  EXPECT_EQ(core.reg(2), kReadWrite | kNonSecureToo | kSrvalid);
  EXPECT_EQ(core.reg(3), kReadWrite | kSecure | kSrvalid | 1u << 8);
  EXPECT_EQ(core.reg(4), kReadWrite | kSecure);
}

TEST_F(Security, PrisPutsNonSecurePrioritiesBelow) {
  // A Non-secure SVC at priority 0 cannot preempt: 0 becomes 80h, as PRIMASK_NS does.
  load("nop", "nop");
  core.set_ppb(kScs + 0xd0c, 0x05fa'0000 | 1u << 14);
  EXPECT_EQ(core.group_priority({exception::kSvCall, false}), 0x80);
  EXPECT_EQ(core.group_priority({exception::kSvCall, true}), 0);
  core.banked.primask = true;
  EXPECT_EQ(core.execution_priority(), 0x80);
  core.set_ppb(kScs + 0xd0c, 0x05fa'0000);
  EXPECT_EQ(core.execution_priority(), 0);
}

TEST_F(Security, RP2350AttributesItsAddresses) {
  EXPECT_EQ(rp2350_idau(0x42fe, true), Attribution::kExempt);
  EXPECT_EQ(rp2350_idau(0x4300, true), Attribution::kNonSecure);
  EXPECT_EQ(rp2350_idau(0x4300, false), Attribution::kExempt);
  EXPECT_EQ(rp2350_idau(0x7e00, true), Attribution::kCallable);
  EXPECT_EQ(rp2350_idau(0xfe00, true), Attribution::kCallable);  // the ROM's mirrors
  EXPECT_EQ(rp2350_idau(0x1000'0000, true), Attribution::kNonSecure);
  EXPECT_EQ(rp2350_idau(0x5011'0000, false), Attribution::kExempt);
  EXPECT_EQ(rp2350_idau(0xd000'0000, false), Attribution::kExempt);
}

TEST_F(Security, AFloatingPointContextAcrossStatesStopsByName) {
  load("vmov.f32 s0, #1.0\n ldr r4, =0x20010000\n bxns r4\n", "b .");
  EXPECT_THROW(machine.run(), Stop);
}

}  // namespace
}  // namespace pico_llama::simulator
