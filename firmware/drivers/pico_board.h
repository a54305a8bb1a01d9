/// hal::Board on the RP2350: brings up all devices in order.
#pragma once

#include "firmware/drivers/core_workers.h"
#include "firmware/drivers/qspi_stream.h"
#include "hal/board.h"

namespace pico_llama::drivers {

class PicoBoard final : public hal::Board {
 public:
  /// Clocks, flash, PSRAM, LED, button. Requires: called once, from core 0, before core 1 runs.
  void bring_up();

  /// To be called around the first load of the model. begin_model() is false if that hung or faulted on the
  /// last boot (cautious_start.h): do not load then.
  bool begin_model();
  void end_model();

  const hal::BoardInfo& info() override { return info_; }
  const hal::MemoryMap& memory() override { return memory_; }
  uint64_t micros() override;
  uint32_t cycles() override;
  int core() override;
  uint64_t entropy() override;
  bool button_pressed() override;
  void led(bool on) override;
  hal::LedState check_led() override;
  uint32_t crc32(std::span<const std::byte> bytes) override;
  void copy(std::span<std::byte> to, std::span<const std::byte> from) override;
  void fill(std::span<std::byte> to, uint32_t word) override;
  uint32_t read_bandwidth(hal::Memory memory, int cores, uint32_t bytes) override;
  hal::PsramState test_psram() override;
  StagedStream& stream() override;
  uint32_t stack_used(int core) override;
  uint32_t stack_bytes(int core) override;
  std::span<const std::byte> boot_rom() override;
  [[noreturn]] void reboot() override;
  [[noreturn]] void reboot_to_bootsel() override;

  CoreWorkers& both_cores() { return workers_; }

 private:
  hal::BoardInfo info_;
  hal::MemoryMap memory_;
  CoreWorkers workers_;
};

}  // namespace pico_llama::drivers
