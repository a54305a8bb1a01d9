#include "firmware/drivers/pico_board.h"

#include <cstring>

#include "firmware/chips/clk_sys.h"
#include "firmware/chips/rp2350.h"
#include "firmware/drivers/button.h"
#include "firmware/drivers/cautious_start.h"
#include "firmware/drivers/clocks.h"
#include "firmware/drivers/dma.h"
#include "firmware/drivers/flash.h"
#include "firmware/drivers/last_stop.h"
#include "firmware/drivers/led.h"
#include "firmware/drivers/psram.h"
#include "firmware/drivers/trng.h"
#include "hardware/dma.h"
#include "hardware/irq.h"
#include "hardware/regs/addressmap.h"
#include "hardware/structs/m33.h"
#include "hardware/timer.h"
#include "hardware/watchdog.h"
#include "pico/bootrom.h"
#include "pico/platform.h"

// From firmware/memmap.ld.
extern "C" {
extern std::byte __model_start__[];
extern std::byte __model_end__[];
extern std::byte __upper_code_start__[];
extern std::byte __upper_code_end__[];
extern const std::byte __upper_code_source__[];
extern uint32_t __StackBottom[], __StackTop[], __StackOneBottom[], __StackOneTop[];
}

namespace pico_llama::drivers {
namespace {

using chips::Rp2350;

#if defined(PIMORONI_PICO_PLUS2_W_PSRAM_CS_PIN)
constexpr int kPsramSelectPin = PIMORONI_PICO_PLUS2_W_PSRAM_CS_PIN;
#elif defined(PIMORONI_PICO_PLUS2_PSRAM_CS_PIN)
constexpr int kPsramSelectPin = PIMORONI_PICO_PLUS2_PSRAM_CS_PIN;
#elif defined(PIMORONI_PGA2350_PSRAM_CS_PIN)
constexpr int kPsramSelectPin = PIMORONI_PGA2350_PSRAM_CS_PIN;
#else
constexpr int kPsramSelectPin = -1;
#endif

constexpr uint32_t kClkSysHz = PICO_LLAMA_CLK_SYS_MHZ * 1'000'000u;
static_assert(chips::clk_sys_fault(kClkSysHz) == chips::ClkSysFault::kNone,
              "PICO_LLAMA_CLK_SYS_MHZ is no clock of chips/clk_sys.h, and clk_sys.cmake has let it pass");

constexpr uint32_t kPaint = 0x57ac4b17;

/// In the bank of core 1's stack, where its code is (firmware/memmap.ld).
QspiStream __scratch_x("stream") qspi_stream;

std::span<uint32_t> stack_of(int core) {
  return core == 0 ? std::span(__StackBottom, __StackTop) : std::span(__StackOneBottom, __StackOneTop);
}

/// Fills the unused part of both stacks with a pattern, from which stack_used() finds the high-water mark.
void paint_stacks() {
  const auto here = reinterpret_cast<uint32_t*>(__builtin_frame_address(0));
  for (uint32_t& word : stack_of(0)) {
    if (&word >= here - 32) break;  // this function's frame, and an interrupt's
    word = kPaint;
  }
  for (uint32_t& word : stack_of(1)) word = kPaint;
}

/// A bandwidth test: each worker reads its own half, one word of each 8-byte line, through the cache.
struct ReadTask {
  const std::byte* start;
  uint32_t bytes_each;
};

void __not_in_flash_func(read_lines)(void* context, int worker) {
  const auto& task = *static_cast<const ReadTask*>(context);
  const auto* word = reinterpret_cast<const volatile uint32_t*>(task.start + worker * task.bytes_each);
  const auto* const end = word + task.bytes_each / 4;
  for (; word < end; word += 8) {
    (void)word[0];
    (void)word[2];
    (void)word[4];
    (void)word[6];
  }
}

}  // namespace

void PicoBoard::bring_up() {
  paint_stacks();
  // The SDK's start-up code copies .data and the scratch banks, but not our own section.
  std::memcpy(__upper_code_start__, __upper_code_source__,
              static_cast<size_t>(__upper_code_end__ - __upper_code_start__));
  m33_hw->demcr |= M33_DEMCR_TRCENA_BITS;
  m33_hw->dwt_cyccnt = 0;
  m33_hw->dwt_ctrl |= M33_DWT_CTRL_CYCCNTENA_BITS;

  info_.board_name = PICO_LLAMA_BOARD;
  info_.version = PICO_LLAMA_VERSION;
  info_.last_stop = take_last_stop();
  // Defaults in case a stage is skipped.
  info_.clocks = clocks_as_found();
  info_.flash = flash_as_found();
  if (begin_stage(Stage::kClocks)) info_.clocks = bring_up_clocks(kClkSysHz);
  if (begin_stage(Stage::kFlash)) info_.flash = bring_up_flash(info_.clocks.clk_sys_hz);
  if constexpr (kPsramSelectPin >= 0) {
    info_.psram.verdict = hal::PsramVerdict::kSkipped;
    if (begin_stage(Stage::kPsram))
      info_.psram = bring_up_psram(info_.clocks.clk_sys_hz, static_cast<unsigned>(kPsramSelectPin));
  }
  info_.led = hal::LedState::kSkipped;
  if (begin_stage(Stage::kLed)) info_.led = start_led();
  end_stage();
  start_button();

  memory_.sram = {__model_start__, __model_end__};
  memory_.psram = psram_window(info_.psram);
  if (info_.flash.bytes > chips::Cartridge::kFlashOffset) {
    memory_.model_slot = {reinterpret_cast<const std::byte*>(chips::Cartridge::kAddress),
                          info_.flash.bytes - chips::Cartridge::kFlashOffset};
  }
  dma_channel_claim(QspiStream::kChannel);
  irq_set_exclusive_handler(DMA_IRQ_1, QspiStream::interrupt);
  irq_set_priority(DMA_IRQ_1, PICO_HIGHEST_IRQ_PRIORITY);
  qspi_stream.attach();
  workers_.launch();
}

bool PicoBoard::begin_model() {
  const bool go_on = begin_stage(Stage::kModel);
  info_.skipped = skipped_stage();
  return go_on;
}
void PicoBoard::end_model() { end_stage(); }

uint64_t PicoBoard::micros() { return time_us_64(); }
uint32_t PicoBoard::cycles() { return m33_hw->dwt_cyccnt; }
int PicoBoard::core() { return static_cast<int>(get_core_num()); }
uint64_t PicoBoard::entropy() { return trng_bits(); }
bool PicoBoard::button_pressed() { return drivers::button_pressed(); }
void PicoBoard::led(bool on) { set_led(on); }
hal::LedState PicoBoard::check_led() { return drivers::check_led(); }
uint32_t PicoBoard::crc32(std::span<const std::byte> bytes) { return dma_crc32(bytes); }

void PicoBoard::copy(std::span<std::byte> to, std::span<const std::byte> from) { dma_copy(to, from); }
void PicoBoard::fill(std::span<std::byte> to, uint32_t word) { dma_fill(to, word); }

uint32_t PicoBoard::read_bandwidth(hal::Memory memory, int cores, uint32_t bytes) {
  const std::byte* start = nullptr;
  switch (memory) {
    case hal::Memory::kSram:
      start = memory_.sram.data();
      break;
    case hal::Memory::kFlash:
      start = reinterpret_cast<const std::byte*>(Rp2350::kXipCachedBase);
      break;
    case hal::Memory::kPsram:
      // The half that the checksum pass initialised at bring-up.
      if (!memory_.psram.empty()) {
        start = reinterpret_cast<const std::byte*>(Rp2350::kXipCachedBase + Rp2350::kChipSelect1Offset) +
                memory_.psram.size() / 2;
      }
      break;
  }
  if (start == nullptr) return 0;
  ReadTask task{start, bytes / static_cast<uint32_t>(cores)};
  const uint64_t begin = micros();
  if (cores == 1) {
    read_lines(&task, 0);
  } else {
    workers_.run(read_lines, &task);
  }
  const uint64_t us = micros() - begin;
  return us == 0 ? 0 : static_cast<uint32_t>(uint64_t{bytes} * 1000 / us);
}

StagedStream& PicoBoard::stream() { return qspi_stream.stream(); }

hal::PsramState PicoBoard::test_psram() {
  hal::PsramState state = info_.psram;
  if (state.verdict == hal::PsramVerdict::kReady) test_all_of_psram(state);
  return state;
}

uint32_t PicoBoard::stack_bytes(int core) { return static_cast<uint32_t>(stack_of(core).size_bytes()); }

uint32_t PicoBoard::stack_used(int core) {
  const std::span<uint32_t> stack = stack_of(core);
  size_t untouched = 0;
  while (untouched < stack.size() && stack[untouched] == kPaint) ++untouched;
  return static_cast<uint32_t>((stack.size() - untouched) * 4);
}

std::span<const std::byte> PicoBoard::boot_rom() {
  constexpr size_t kBytes = 32 * 1024;  // RP2350 datasheet 2.2.1
  uintptr_t base = ROM_BASE;
  asm("" : "+r"(base));  // it is 0: the compiler takes a read there for that of a null pointer
  return {reinterpret_cast<const std::byte*>(base), kBytes};
}

void PicoBoard::reboot() {
  qspi_stream.stream().stop();
  watchdog_reboot(0, 0, 10);
  for (;;) __wfe();
}

void PicoBoard::reboot_to_bootsel() {
  qspi_stream.stream().stop();
  rom_reset_usb_boot(0, 0);
  for (;;) __wfe();
}

}  // namespace pico_llama::drivers
