/// The image of tests/target/exceptions on qemu-system-arm -M mps2-an505 and on Core: the same text.
#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "simulator/cpu/core.h"

namespace pico_llama::simulator {
namespace {

constexpr std::uint32_t kBase = 0x1000'0000;

/// Plain memory where mps2-an505 has its first.
class Memory final : public XipPort {
 public:
  explicit Memory(std::vector<std::uint8_t> image) : bytes(std::move(image)) { bytes.resize(64 * 1024); }
  Reply read(std::uint32_t address, const Access& access) override {
    if (address - kBase + access.size > bytes.size()) return {.fault = BusFault::kUnmapped};
    Reply reply;
    std::memcpy(&reply.value, &bytes[address - kBase], access.size);
    return reply;
  }
  Reply write(std::uint32_t address, std::uint32_t value, const Access& access) override {
    if (address - kBase + access.size > bytes.size()) return {.fault = BusFault::kUnmapped};
    std::memcpy(&bytes[address - kBase], &value, access.size);
    return {};
  }
  std::uint32_t word(std::uint32_t address) const {
    std::uint32_t value;
    std::memcpy(&value, &bytes[address - kBase], 4);
    return value;
  }
  std::vector<std::uint8_t> bytes;
};

/// Answers the semihosting calls: SYS_WRITE0 and SYS_EXIT.
class Semihosting final : public CoreObserver {
 public:
  Semihosting(Core& core, Memory& memory) : core_(core), memory_(memory) {}
  bool before(std::uint32_t pc) override {
    return pc < kBase || pc - kBase + 2 > memory_.bytes.size() ||
           (memory_.word(pc & ~3u) >> (8 * (pc & 2)) & 0xffff) != 0xbeab;
  }
  void after(std::uint32_t, std::uint32_t) override {}
  /// False at the end.
  bool serve() {
    if (core_.reg(0) == 0x18) return false;
    if (core_.reg(0) == 4)
      for (std::uint32_t at = core_.reg(1); memory_.bytes[at - kBase] != 0; ++at)
        text += static_cast<char>(memory_.bytes[at - kBase]);
    core_.set_reg(15, core_.reg(15) + 2);
    return true;
  }
  std::string text;

 private:
  Core& core_;
  Memory& memory_;
};

std::string on_qemu() {
  std::string text;
  FILE* pipe = popen(
      "timeout 60 qemu-system-arm -M mps2-an505 -nographic -monitor none -serial none "
      "-semihosting-config enable=on,target=native -kernel " EXCEPTIONS_ELF " 2>&1",
      "r");
  std::array<char, 256> part{};
  while (pipe != nullptr && std::fgets(part.data(), part.size(), pipe) != nullptr) text += part.data();
  if (pipe != nullptr) pclose(pipe);
  return text;
}

TEST(Exceptions, MatchQemuMps2An505) {
  std::ifstream file(EXCEPTIONS_BIN, std::ios::binary);
  ASSERT_TRUE(file.good()) << EXCEPTIONS_BIN;
  Memory memory(std::vector<std::uint8_t>((std::istreambuf_iterator<char>(file)), {}));
  const Timebase timebase(150'000'000);
  EventQueue events(timebase);
  Bus bus;
  bus.attach_xip(&memory);
  Core core(0, bus, events);
  Semihosting semihosting(core, memory);
  core.set_observer(&semihosting);
  core.start(kBase, memory.word(kBase), memory.word(kBase + 4));
  for (int calls = 0; calls < 10; ++calls) {
    core.run_until(core.now() + 1'000'000);
    ASSERT_TRUE(core.stopped_by_observer()) << "no semihosting call; pc " << std::hex << core.reg(15);
    if (!semihosting.serve()) break;
  }
  EXPECT_NE(semihosting.text.find("\nend\n"), std::string::npos);
  EXPECT_EQ(semihosting.text, on_qemu());
}

}  // namespace
}  // namespace pico_llama::simulator
