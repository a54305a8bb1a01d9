#include "simulator/debug/gdb_server.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <map>
#include <thread>

namespace pico_llama::simulator {
namespace {

/// Registers and a little memory, without a machine.
class FakeTarget : public DebugTarget {
 public:
  unsigned cores() const override { return 2; }
  std::uint32_t reg(unsigned core, unsigned number) override { return registers[core][number]; }
  void set_reg(unsigned core, unsigned number, std::uint32_t value) override {
    registers[core][number] = value;
  }
  bool read(unsigned, std::uint32_t address, std::span<std::uint8_t> bytes) override {
    for (std::uint8_t& byte : bytes) {
      if (address >= memory.size()) return false;
      byte = memory[address++];
    }
    return true;
  }
  bool write(unsigned, std::uint32_t address, std::span<const std::uint8_t> bytes) override {
    if (address + bytes.size() > memory.size()) return false;
    std::copy(bytes.begin(), bytes.end(), memory.begin() + address);
    return true;
  }
  void set_breakpoint(std::uint32_t address, bool on) override { breakpoints[address] = on; }
  void set_watchpoint(WatchKind kind, std::uint32_t address, std::uint32_t bytes, bool on) override {
    watch = {static_cast<std::uint32_t>(kind), address, bytes, on ? 1u : 0u};
  }
  DebugStop resume(std::optional<unsigned> step, const std::function<bool()>&) override {
    stepped = step;
    return next;
  }
  void reset() override { ++resets; }
  std::string describe() override { return "state"; }

  std::array<std::array<std::uint32_t, 64>, 2> registers{};
  std::array<std::uint8_t, 64> memory{};
  std::map<std::uint32_t, bool> breakpoints;
  std::array<std::uint32_t, 4> watch{};
  std::optional<unsigned> stepped;
  DebugStop next{};
  int resets = 0;
};

class Gdb : public testing::Test {
 protected:
  std::string ask(std::string_view packet) {
    return server.answer(packet, [] { return false; }).value_or("(end)");
  }
  FakeTarget target;
  GdbServer server{target};
};

TEST_F(Gdb, RegistersOfBothCores) {
  target.registers[0][15] = 0x1000'0234;
  target.registers[1][0] = 0x1122'3344;
  target.registers[0][DebugTarget::kSingle0 + 1] = 0xaabb'ccdd;
  const std::string all = ask("g");
  EXPECT_EQ(all.size(), 8u * (16 + 1 + 32 + 9));
  EXPECT_EQ(all.substr(15 * 8, 8), "34020010");
  EXPECT_EQ(ask("p11"), "00000000ddccbbaa") << "d0 is s0 and s1";
  EXPECT_EQ(ask("Hg2"), "OK");
  EXPECT_EQ(ask("p0"), "44332211");
  EXPECT_EQ(ask("P0=78563412"), "OK");
  EXPECT_EQ(target.registers[1][0], 0x1234'5678u);
  EXPECT_EQ(ask("G" + std::string(8 * 58, '0')), "OK");
  EXPECT_EQ(target.registers[1][0], 0u);
}

TEST_F(Gdb, MemoryIsReadAndWritten) {
  EXPECT_EQ(ask("M10,3:616263"), "OK");
  EXPECT_EQ(ask("m10,4"), "61626300");
  EXPECT_EQ(ask("m1000,4"), "E01");
  EXPECT_EQ(ask("M3f,2:0000"), "E01");
}

TEST_F(Gdb, BreakpointsWatchpointsAndStops) {
  EXPECT_EQ(ask("Z0,10000200,2"), "OK");
  EXPECT_TRUE(target.breakpoints.at(0x1000'0200));
  EXPECT_EQ(ask("z0,10000200,2"), "OK");
  EXPECT_FALSE(target.breakpoints.at(0x1000'0200));
  EXPECT_EQ(ask("Z3,20000000,4"), "OK");
  const std::array<std::uint32_t, 4> read_watch = {1, 0x2000'0000, 4, 1};
  EXPECT_EQ(target.watch, read_watch);
  target.next = {
      .reason = DebugStop::Reason::kWatch, .core = 1, .watch = WatchKind::kRead, .address = 0x2000'0000};
  EXPECT_EQ(ask("vCont;c"), "T05thread:2;rwatch:20000000;");
  EXPECT_FALSE(target.stepped);
  target.next = {.reason = DebugStop::Reason::kStep, .core = 1};
  EXPECT_EQ(ask("vCont;s:2;c"), "T05thread:2;");
  EXPECT_EQ(target.stepped, 1u);
  target.next = {.reason = DebugStop::Reason::kFault, .core = 0};
  EXPECT_EQ(ask("c"), "T0bthread:1;");
}

TEST_F(Gdb, ThreadsAndFeatures) {
  EXPECT_EQ(ask("qfThreadInfo"), "m1,2");
  EXPECT_EQ(ask("qsThreadInfo"), "l");
  EXPECT_EQ(ask("qThreadExtraInfo,2"), "636f72652031");
  EXPECT_EQ(ask("T2"), "OK");
  EXPECT_EQ(ask("T3"), "E01");
  const std::string xml = ask("qXfer:features:read:target.xml:0,ffff");
  EXPECT_EQ(xml.substr(0, 6), "l<?xml");
  EXPECT_EQ(ask("qXfer:features:read:target.xml:0,10").substr(0, 1), "m");
}

TEST_F(Gdb, MalformedPacketsAreErrorsOrUnsupported) {
  for (const char* packet : {"p",
                             "pzz",
                             "p1000",
                             "P0",
                             "P0=12",
                             "m",
                             "m1",
                             "mx,4",
                             "M0,4",
                             "M0,4:12",
                             "Z0",
                             "Z0,",
                             "Zx,0,0",
                             "Hgx",
                             "T",
                             "vCont;s:9",
                             "qThreadExtraInfo,",
                             "qRcmd,0",
                             "G12",
                             "qXfer:features:read:target.xml:x"}) {
    const std::string reply = ask(packet);
    EXPECT_TRUE(reply == "E01" || reply.empty()) << packet << " -> " << reply;
  }
  EXPECT_EQ(ask("vMustReplyEmpty"), "");
  EXPECT_EQ(ask(""), "");
}

TEST_F(Gdb, MonitorResets) {
  EXPECT_EQ(ask("qRcmd,7265736574"), "72657365740a");
  EXPECT_EQ(target.resets, 1);
}

TEST_F(Gdb, PacketsAreAcknowledgedAndBadChecksumsRefused) {
  int pair[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
  const std::string sent = "+$p0#00$p0#a0$k#6b";
  ASSERT_EQ(write(pair[0], sent.data(), sent.size()), static_cast<ssize_t>(sent.size()));
  EXPECT_EQ(server.serve(pair[1]), GdbServer::End::kKilled);
  close(pair[1]);
  char buffer[256];
  std::string got;
  for (ssize_t n = 0; (n = read(pair[0], buffer, sizeof buffer)) > 0;)
    got.append(buffer, static_cast<std::size_t>(n));
  close(pair[0]);
  EXPECT_EQ(got, "-+$00000000#80+$OK#9a");
}

}  // namespace
}  // namespace pico_llama::simulator
