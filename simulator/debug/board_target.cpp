#include "simulator/debug/board_target.h"

#include <algorithm>
#include <utility>

namespace pico_llama::simulator {
namespace {

// Each core's private peripherals (system control space and the like) are not on the bus.
bool is_private(std::uint32_t address) { return address >= 0xe000'0000 && address < 0xe010'0000; }

constexpr SpecialReg kSpecials[] = {SpecialReg::kFpscr,   SpecialReg::kMsp,     SpecialReg::kPsp,
                                    SpecialReg::kPrimask, SpecialReg::kBasepri, SpecialReg::kFaultmask,
                                    SpecialReg::kControl, SpecialReg::kMsplim,  SpecialReg::kPsplim};

}  // namespace

BoardTarget::BoardTarget(Board& board, std::function<RunResult()> run_slice)
    : board_(board), run_slice_(std::move(run_slice)), observers_{Observer{*this, 0}, Observer{*this, 1}} {
  for (unsigned c = 0; c < kCores; ++c) board_.cores[c].set_observer(&observers_[c]);
}

BoardTarget::~BoardTarget() {
  for (unsigned c = 0; c < kCores; ++c) board_.cores[c].set_observer(nullptr);
}

std::uint32_t BoardTarget::reg(unsigned core, unsigned number) {
  const Core& c = board_.cores[core];
  if (number < 16) return c.reg(number);
  if (number == kXpsr) return c.special(SpecialReg::kXpsr);
  return number < kFpscr ? c.single(number - kSingle0) : c.special(kSpecials[number - kFpscr]);
}

void BoardTarget::set_reg(unsigned core, unsigned number, std::uint32_t value) {
  Core& c = board_.cores[core];
  if (number < 16) return c.set_reg(number, value);
  if (number == kXpsr) return c.set_special(SpecialReg::kXpsr, value);
  if (number < kFpscr) return c.set_single(number - kSingle0, value);
  c.set_special(kSpecials[number - kFpscr], value);
}

bool BoardTarget::read(unsigned core, std::uint32_t address, std::span<std::uint8_t> bytes) {
  Access access{.master = Master::kDebugger, .size = 4, .now = board_.now()};
  for (std::size_t i = 0; i < bytes.size();) {
    const std::uint32_t at = address + static_cast<std::uint32_t>(i);
    const std::uint32_t word_address = at & ~3u;
    std::uint32_t word = 0;
    if (is_private(at)) {
      word = board_.cores[core].ppb(word_address);
    } else {
      const Reply reply = board_.bus.read(word_address, access);
      if (reply.fault != BusFault::kNone) return false;
      word = reply.value;
    }
    for (unsigned lane = at & 3; lane < 4 && i < bytes.size(); ++lane, ++i) {
      bytes[i] = static_cast<std::uint8_t>(word >> (8 * lane));
    }
  }
  return true;
}

bool BoardTarget::write(unsigned, std::uint32_t address, std::span<const std::uint8_t> bytes) {
  for (std::size_t i = 0; i < bytes.size();) {
    const std::uint32_t at = address + static_cast<std::uint32_t>(i);
    // Whole words where possible: registers accept nothing else.
    const bool whole = at % 4 == 0 && bytes.size() - i >= 4;
    std::uint32_t value = bytes[i];
    if (whole)
      value =
          bytes[i] | bytes[i + 1] << 8 | bytes[i + 2] << 16 | static_cast<std::uint32_t>(bytes[i + 3]) << 24;
    const std::uint8_t size = whole ? 4 : 1;
    const Access access{.master = Master::kDebugger, .size = size, .now = board_.now()};
    if (is_private(at) || board_.bus.write(at, value, access).fault != BusFault::kNone) return false;
    i += size;
  }
  for (unsigned c = 0; c < kCores; ++c) {
    board_.cores[c].invalidate(address, static_cast<std::uint32_t>(bytes.size()));
  }
  return true;
}

void BoardTarget::set_breakpoint(std::uint32_t address, bool on) {
  if (on) {
    breakpoints_.insert(address & ~1u);
  } else {
    breakpoints_.erase(address & ~1u);
  }
}

void BoardTarget::set_watchpoint(WatchKind kind, std::uint32_t address, std::uint32_t bytes, bool on) {
  const Watch watch{kind, address, bytes};
  if (on) {
    watches_.push_back(watch);
  } else {
    watches_.erase(std::remove(watches_.begin(), watches_.end(), watch), watches_.end());
  }
}

bool BoardTarget::stop(DebugStop stop) {
  if (!stopped_) stopped_ = std::move(stop);
  board_.request_stop();
  return false;
}

bool BoardTarget::Observer::before(std::uint32_t pc) {
  std::optional<DebugStop>& due = target_.after_this_[core_];
  if (due) return target_.stop(*std::exchange(due, std::nullopt));
  if (target_.breakpoints_.count(pc) != 0) {
    return target_.stop({.reason = DebugStop::Reason::kBreakpoint, .core = core_});
  }
  if (!target_.watches_.empty()) target_.check_watches(core_, pc);
  return true;
}

void BoardTarget::Observer::after(std::uint32_t, std::uint32_t) {
  if (target_.step_ != core_ || target_.after_this_[core_]) return;
  target_.after_this_[core_] = DebugStop{.reason = DebugStop::Reason::kStep, .core = core_};
}

void BoardTarget::check_watches(unsigned core, std::uint32_t pc) {
  std::array<std::uint8_t, 4> code{};
  if (!read(core, pc, code)) return;
  const auto operand =
      decoder_.decode(code, pc, [&](unsigned number) { return board_.cores[core].reg(number); });
  if (!operand) return;
  for (const Watch& watch : watches_) {
    const bool kind = watch.kind == WatchKind::kAccess || operand->write == (watch.kind == WatchKind::kWrite);
    if (!kind || operand->address >= watch.address + watch.bytes ||
        watch.address >= operand->address + operand->bytes) {
      continue;
    }
    after_this_[core] = DebugStop{
        .reason = DebugStop::Reason::kWatch, .core = core, .watch = watch.kind, .address = watch.address};
    return;
  }
}

DebugStop BoardTarget::resume(std::optional<unsigned> step, const std::function<bool()>& interrupted) {
  step_ = step;
  stopped_.reset();
  after_this_ = {};
  while (!stopped_) {
    const RunResult result = run_slice_();
    if (stopped_) break;
    const unsigned core = step.value_or(0);
    if (result.end == RunEnd::kStop) {
      return {.reason = DebugStop::Reason::kFault, .core = core, .message = result.message};
    }
    if (result.end == RunEnd::kRequest) {  // the caller ended the run: a limit, or the user quit
      return {.reason = DebugStop::Reason::kEnded, .core = core, .message = result.message};
    }
    if (interrupted()) return {.reason = DebugStop::Reason::kInterrupt, .core = core};
  }
  return *stopped_;
}

}  // namespace pico_llama::simulator
