#include "simulator/board.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <cstring>

#include "simulator/board_parts.h"
#include "simulator/devices/random.h"
#include "simulator/report.h"
#include "simulator/stop.h"

namespace pico_llama::simulator {
namespace {

// Two cores run at most this far apart. Small: what one does the other sees soon; large: fast.
constexpr Cycle kSlack = 32;
constexpr Cycle kNoLimit = kNever;

constexpr std::uint32_t kFlashBase = 0x10000000, kFlashEnd = 0x11000000;

}  // namespace

Board::Board(const BoardOptions& options) : parts_(std::make_unique<Parts>(options)) {}
Board::~Board() = default;

void Board::load(const formats::MemoryImage& image) {
  Parts& p = *parts_;
  for (const formats::MemoryImage::Segment& segment : image.segments) {
    const std::uint64_t end = std::uint64_t{segment.address} + segment.bytes.size();
    if (segment.address >= kFlashBase && segment.address < kFlashEnd) {
      if (end - kFlashBase > p.flash.bytes()) {
        throw formats::FileError(
            fmt::format("{}: data up to {:#010x} does not fit this board's {} MB of flash", image.path,
                        end - 1, p.flash.bytes() >> 20));
      }
      for (const auto& [first, last, path] : p.loaded) {
        if (segment.address < last && end > first) {
          throw formats::FileError(
              fmt::format("{}: overlaps {} at {:#010x}", image.path, path, std::max(segment.address, first)));
        }
      }
      // The chip is blank to begin with, so what the files leave out of a sector is erased, as on the drive
      // (section 5.5.2).
      std::memcpy(p.flash.data() + (segment.address - kFlashBase), segment.bytes.data(),
                  segment.bytes.size());
      p.loaded.push_back({segment.address, static_cast<std::uint32_t>(end), image.path});
    } else {
      p.ram_segments.push_back(segment);
    }
  }
  p.symbols.merge(image.symbols);
}

void Board::reset(ResetKind kind) {
  Parts& p = *parts_;
  if (p.running) return p.request_reset(kind);  // from an event or an observer: between two instructions
  p.pending_reset.reset();
  p.apply_reset(kind);
}

RunResult Board::run(const RunLimits& limits) {
  Parts& p = *parts_;
  p.stop_requested = false;
  p.running = true;
  bool time_is_up = limits.time <= p.time();
  EventQueue::Id timeout = 0;
  if (!time_is_up && limits.time != ~Picoseconds{0}) {
    timeout = p.events.at_time(limits.time, [&time_is_up] { time_is_up = true; });
  }
  RunResult result;
  try {
    while (true) {
      if (p.pending_reset) {
        const ResetKind kind = *p.pending_reset;
        p.pending_reset.reset();
        if (p.reset_observer) p.reset_observer(kind);
        p.apply_reset(kind);
      }
      if (p.stop_requested) {
        result.end = RunEnd::kRequest;
        break;
      }
      if (p.boot.outcome == Bootrom::Outcome::kBootsel) {
        result = {RunEnd::kBootsel, p.boot.reason};
        break;
      }
      if (time_is_up || p.now() >= limits.cycle) break;
      if (!p.step(limits.cycle)) {
        result = {RunEnd::kDeadlock, "both cores sleep and nothing is left that could wake them"};
        break;
      }
    }
  } catch (const Stop& stop) {
    p.runner = p.runner == nullptr ? p.cores[0] : p.runner;
    const std::uint32_t pc = p.runner->reg(15);
    result = {RunEnd::kStop, fmt::format("{}\n  at pc {:#010x} in {} on core {}, cycle {}\n{}", stop.what(),
                                         pc, p.symbols.describe(pc), p.runner == p.cores[1] ? 1 : 0,
                                         p.runner->now(), describe_state())};
  }
  p.runner = nullptr;
  p.running = false;
  p.events.cancel(timeout);
  return result;
}

void Board::request_stop() {
  parts_->stop_requested = true;
  parts_->interrupt_runner();
}

void Board::set_uart_sink(const std::function<void(unsigned, std::uint8_t)>& sink) {
  parts_->uart0.set_sink([sink](std::uint8_t byte) { sink(0, byte); });
  parts_->uart1.set_sink([sink](std::uint8_t byte) { sink(1, byte); });
}

void Board::uart_receive(unsigned uart, std::uint8_t byte) {
  (uart == 0 ? parts_->uart0 : parts_->uart1).receive(byte, time());
}

void Board::set_button(bool pressed) {
  parts_->button = pressed;
  parts_->update_button();
}

void Board::drive_gpio(unsigned pin, bool level) { parts_->gpio.drive(pin, level); }
void Board::release_gpio(unsigned pin) { parts_->gpio.release(pin); }
bool Board::gpio(unsigned pin) const { return parts_->gpio.level(pin); }
void Board::set_reset_observer(std::function<void(ResetKind)> observer) {
  parts_->reset_observer = std::move(observer);
}
void Board::set_warning_sink(std::function<void(std::string_view)> sink) { parts_->warn = std::move(sink); }

const BoardOptions& Board::options() const { return parts_->options; }
Core& Board::core(unsigned number) { return *parts_->cores[number]; }
Bus& Board::bus() { return parts_->bus; }
EventQueue& Board::events() { return parts_->events; }
Timebase& Board::timebase() { return parts_->timebase; }
InterruptLines& Board::interrupts() { return parts_->interrupts; }
UsbController& Board::usb() { return parts_->usb; }
Dma& Board::dma() { return parts_->dma; }
XipCache& Board::xip_cache() { return parts_->cache; }
Qmi& Board::qmi() { return parts_->qmi; }
FlashChip& Board::flash() { return parts_->flash; }
PsramChip* Board::psram() { return parts_->has_psram() ? &parts_->psram : nullptr; }
const formats::SymbolTable& Board::symbols() const { return parts_->symbols; }
Cycle Board::now() const { return parts_->now(); }
Picoseconds Board::time() const { return parts_->time(); }
bool Board::in_bootsel() const { return parts_->boot.outcome == Bootrom::Outcome::kBootsel; }
bool Board::core1_in_bootrom() const { return parts_->bootrom.core1_waiting(); }

std::string Board::describe_state() const {
  std::string text = describe_core(*parts_->cores[0], 0, parts_->symbols);
  if (core1_in_bootrom()) return text + "core 1 waits in the boot ROM for its entry point\n";
  return text + describe_core(*parts_->cores[1], 1, parts_->symbols);
}

// --- running ---------------------------------------------------------------------------------------------

bool Board::Parts::step(Cycle limit) {
  const bool idle0 = core0.sleeping();
  const bool idle1 = core1_held || bootrom.core1_waiting() || core1.sleeping();
  if (idle0 && idle1) {
    const Cycle until = std::min(events.horizon(), limit);
    if (until == kNoLimit) return false;
    core0.skip_to(std::max(core0.now(), until));
    core1.skip_to(std::max(core1.now(), until));
  } else if (idle0 || idle1) {
    // The other one runs freely until something happens; waking the sleeper is something (see Waker).
    Core& awake = idle0 ? core1 : core0;
    Core& asleep = idle0 ? core0 : core1;
    if (awake.now() < std::min(events.horizon(), limit)) run_core(awake, limit);
    if (asleep.now() < awake.now() && (&asleep == &core1 ? is_idle1() : asleep.sleeping()))
      asleep.skip_to(awake.now());
  } else {
    const bool first = core0.now() <= core1.now();
    Core& behind = first ? core0 : core1;
    const Core& ahead = first ? core1 : core0;
    if (behind.now() < events.horizon()) run_core(behind, std::min(ahead.now() + kSlack, limit));
  }
  events.run_due(now());
  return true;
}

void Board::Parts::run_core(Core& core, Cycle limit) {
  runner = &core;
  core.run_until(limit);
  runner = nullptr;
  if (core.stopped_by_observer()) stop_requested = true;
}

void Board::Parts::interrupt_runner() {
  // An event that is due now: run_until() returns after this instruction.
  if (runner != nullptr) events.at_time(timebase.time_at(runner->now()), [] {});
}

void Board::Parts::Waker::before(Core& core) {
  // A sleeper's clock stands where it went to sleep or was last taken along; it wakes now.
  was_sleeping_ = core.sleeping();
  if (was_sleeping_ && parts_.runner != nullptr && parts_.runner != &core) {
    core.skip_to(std::max(core.now(), parts_.runner->now()));
  }
}

void Board::Parts::Waker::after(Core& core) {
  if (was_sleeping_ && !core.sleeping() && parts_.runner != &core) parts_.interrupt_runner();
}

void Board::Parts::Waker::set_irq_lines(std::uint64_t levels) {
  Core& core = *parts_.cores[number_];
  before(core);
  core.set_irq_lines(levels);
  after(core);
}

void Board::Parts::Waker::send_event() {
  Core& core = *parts_.cores[number_];
  before(core);
  core.send_event();
  after(core);
}

}  // namespace pico_llama::simulator
