#include "tests/simulator/cpu/machine.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

namespace pico_llama::simulator {

std::vector<std::uint8_t> assemble(const std::string& source, std::uint32_t address) {
  static int count = 0;
  const auto stem = (std::filesystem::temp_directory_path() /
                     ("pico_llama_asm_" + std::to_string(getpid()) + "_" + std::to_string(count++)))
                        .string();
  {
    std::ofstream file(stem + ".s");
    file << ".syntax unified\n.thumb\n.cpu cortex-m33\n.fpu fpv5-sp-d16\n.text\n" << source << '\n';
  }
  char hex[16];
  std::snprintf(hex, sizeof hex, "0x%x", address);  // ld reads a bare number as hexadecimal
  const std::string link = "arm-none-eabi-as -o " + stem + ".o " + stem +
                           ".s && arm-none-eabi-ld -Ttext=" + hex + " -e 0 -o " + stem + ".elf " + stem +
                           ".o && arm-none-eabi-objcopy -O binary -j .text " + stem + ".elf " + stem + ".bin";
  const int status = std::system(link.c_str());
  EXPECT_EQ(status, 0) << "cannot assemble:\n" << source;
  std::ifstream file(stem + ".bin", std::ios::binary);
  std::vector<std::uint8_t> bytes((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  for (const char* suffix : {".s", ".o", ".elf", ".bin"}) std::filesystem::remove(stem + suffix);
  return bytes;
}

Machine::Machine() {
  core.set_other_core(&core1);
  core1.set_other_core(&core);
}

void Machine::load(const std::string& source, std::uint32_t address) {
  const auto code = assemble(source + "\ndone: b.w done\n", address);
  // The assembler may pad the section: `done` is where its branch to itself (f7ff bffe) is.
  constexpr std::uint8_t kSelf[] = {0xff, 0xf7, 0xfe, 0xbf};
  const auto at = std::find_end(code.begin(), code.end(), std::begin(kSelf), std::end(kSelf));
  ASSERT_NE(at, code.end());
  done_ = address + static_cast<std::uint32_t>(at - code.begin());
  bus.poke(address, code.data(), static_cast<std::uint32_t>(code.size()));
  core.invalidate(address, static_cast<std::uint32_t>(code.size()));
  core.start(kVectors, kStack, address | 1);
  core.set_ppb(0xe000'ed88, 0x00f0'ffff);  // CPACR: FPU and coprocessors
  started_at_ = core.now();
}

void Machine::run(Cycle limit) {
  // A paired instruction takes no time, so run_until() alone could not stop right before `done`.
  struct StopAtDone final : CoreObserver {
    explicit StopAtDone(std::uint32_t done) : done_(done) {}
    bool before(std::uint32_t pc) override { return pc != done_; }
    void after(std::uint32_t, std::uint32_t) override {}
    std::uint32_t done_;
  } stop_at_done(done_);
  core.set_observer(&stop_at_done);
  const Cycle end = core.now() + limit;
  while (core.reg(15) != done_) {
    ASSERT_LT(core.now(), end) << "pc " << std::hex << core.reg(15);
    if (core.sleeping()) {
      ASSERT_NE(events.horizon(), kNever) << "asleep for ever";
      core.skip_to(events.horizon());
    } else {
      core.run_until(end);
    }
    events.run_due(core.now());
  }
  core.set_observer(nullptr);
}

std::uint32_t Machine::word(std::uint32_t address) {
  std::uint32_t value = 0;
  EXPECT_TRUE(bus.peek(address, &value, 4));
  return value;
}
void Machine::set_word(std::uint32_t address, std::uint32_t value) {
  EXPECT_TRUE(bus.poke(address, &value, 4));
}

}  // namespace pico_llama::simulator
