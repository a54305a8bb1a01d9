#include "simulator/cpu/core.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cstring>

#include "simulator/cpu/alu.h"
#include "simulator/cpu/decode.h"

namespace pico_llama::simulator {

void stop_at(const Core& core, const std::string& why) {
  const std::uint32_t pc = core.current != nullptr ? core.current->pc : 0;
  const std::uint32_t opcode = core.current != nullptr ? core.current->opcode : 0;
  throw Stop(fmt::format("core {} at pc {:08x} (opcode {:x}): {}", core.number, pc, opcode, why));
}

Core::Core(unsigned the_number, Bus& the_bus, EventQueue& the_events)
    : bus(the_bus),
      events(the_events),
      number(the_number),
      systick(*this, true),
      systick_ns(*this, false),
      rcp(*this) {
  coprocessors[4] = &dcp;
  coprocessors[5] = &dcp_nonsecure;
  coprocessors[7] = &rcp;
  master = number == 0 ? Master::kCore0 : Master::kCore1;
  code_port = Bus::code_port(master);
  bus.attach_code_listener(number, this);
  next = current = cache.slot(0);
}

Core::~Core() { bus.attach_code_listener(number, nullptr); }

void Core::start(std::uint32_t vtor, std::uint32_t sp, std::uint32_t entry) {
  for (auto& reg : r) reg = 0;
  r[14] = 0xffff'ffff;
  set_nzcv(0);
  q = false;
  ge = 0;
  it = 0;
  late = 0;
  pair_older = paired = pairing::kNone;
  fpu = {};
  const std::uint64_t lines = nvic.irq_lines;
  nvic = {};
  nvic.irq_lines = nvic.irq_pending = lines;
  scs = {};
  scs.vtor = vtor;
  mpu = {};
  sau = {};
  banked = {};
  if (!secure) cache.exchange_pages();
  secure = true;
  was_nonsecure = false;
  cache.invalidate_all();
  systick.reset();
  systick_ns.reset();
  rcp.reset();
  dcp = dcp_nonsecure = {};
  primask = faultmask = npriv = spsel = false;
  basepri = 0;
  exception = 0;
  sp_other = 0;
  msplim = psplim = 0;
  reserved = event_register = false;
  sleep = Sleep::kAwake;
  fpu_free = 0;
  instructions = 0;
  counters = {};
  started_at = clock;
  observer_stopped = pass_observer = false;
  r[13] = sp & ~3u;
  security_changed();
  request_service();
  jump(entry);
}

void Core::skip_to(Cycle cycle) {
  if (cycle > clock && sleep != Sleep::kAwake) counters.sleep_cycles += cycle - clock;
  clock = cycle;
}

void Core::send_event() {
  event_register = true;
  request_service();
}

void Core::set_rom_calls(RomCalls* calls) {
  rom = calls;
  cache.invalidate(0, Bus::kRomSize);
}

void Core::set_reg(unsigned index, std::uint32_t value) {
  if (index == 15)
    jump(value);
  else
    r[index] = index == 13 ? value & ~3u : value;
}

std::uint32_t Core::special(SpecialReg which) const {
  switch (which) {
    case SpecialReg::kXpsr:
      return xpsr();
    case SpecialReg::kMsp:
      return msp();
    case SpecialReg::kPsp:
      return psp();
    case SpecialReg::kMsplim:
      return msplim;
    case SpecialReg::kPsplim:
      return psplim;
    case SpecialReg::kPrimask:
      return primask;
    case SpecialReg::kFaultmask:
      return faultmask;
    case SpecialReg::kBasepri:
      return basepri;
    case SpecialReg::kControl:
      return control();
    case SpecialReg::kFpscr:
      return fpu.fpscr;
    case SpecialReg::kVtor:
      return scs.vtor;
  }
  return 0;
}

void Core::set_special(SpecialReg which, std::uint32_t value) {
  switch (which) {
    case SpecialReg::kXpsr:
      set_nzcv(value);
      q = (value >> 27 & 1) != 0;
      ge = static_cast<std::uint8_t>(value >> 16 & 15);
      it = static_cast<std::uint8_t>((value >> 25 & 3) | (value >> 8 & 0xfc));
      break;
    case SpecialReg::kMsp:
      set_msp(value);
      break;
    case SpecialReg::kPsp:
      set_psp(value);
      break;
    case SpecialReg::kMsplim:
      msplim = value & ~7u;
      break;
    case SpecialReg::kPsplim:
      psplim = value & ~7u;
      break;
    case SpecialReg::kPrimask:
      primask = (value & 1) != 0;
      break;
    case SpecialReg::kFaultmask:
      faultmask = (value & 1) != 0;
      break;
    case SpecialReg::kBasepri:
      basepri = static_cast<std::uint8_t>(value & Nvic::kPriorityMask);
      break;
    case SpecialReg::kControl:
      set_control(value);
      break;
    case SpecialReg::kFpscr:
      fpu.fpscr = value & FpuState::kFpscrMask;
      break;
    case SpecialReg::kVtor:
      scs.vtor = value & ~127u;
      break;
  }
  request_service();
}

CoreStats Core::stats() const {
  CoreStats stats = counters;
  stats.instructions = instructions;
  stats.cycles = clock - started_at;
  return stats;
}

std::vector<TraceEntry> Core::trace() const {
  std::vector<TraceEntry> result;
  const std::uint64_t first = instructions < kTraceEntries ? 0 : instructions - kTraceEntries;
  for (std::uint64_t i = first; i < instructions; ++i) {
    const TracedCode& code = trace_code[i % kTraceEntries];
    result.push_back({code.pc, code.opcode, trace_cycles[i % kTraceEntries]});
  }
  return result;
}

void Core::jump(std::uint32_t address) {
  address &= ~1u;
  leave_sequence();
  if (address >= DecodeCache::kEnd) [[unlikely]] {
    // Execute-never regions and empty space: the fetch faults, with the address as return address.
    nowhere = Insn{};
    nowhere.pc = address;
    next = &nowhere;
    return;
  }
  next = cache.slot(address);
}

bool Core::condition(unsigned cond) const {
  bool result = false;
  switch (cond >> 1) {
    case 0:
      result = z == 0;
      break;
    case 1:
      result = c != 0;
      break;
    case 2:
      result = (n >> 31) != 0;
      break;
    case 3:
      result = v != 0;
      break;
    case 4:
      result = c != 0 && z != 0;
      break;
    case 5:
      result = (n >> 31) == v;
      break;
    case 6:
      result = z != 0 && (n >> 31) == v;
      break;
    case 7:
      return true;
  }
  return ((cond & 1) != 0) != result;
}

void Core::run_until(Cycle limit) {
  observer_stopped = false;
  const EventQueue::Watch watch(events, sequence_end);
  if (observer != nullptr)
    loop<true>(limit);
  else
    loop<false>(limit);
}

template <bool kObserved>
void Core::loop(Cycle limit) {
  for (;;) try {
      for (;;) {
        sequence_end = std::min(limit, events.horizon());
        if (clock >= sequence_end) return;
        if (needs_service) [[unlikely]] {
          if (!service()) return;
        }
        if constexpr (kObserved) {
          if (!pass_observer && !observer->before(next->pc)) {
            observer_stopped = pass_observer = true;
            return;
          }
          pass_observer = false;
        } else if (next->kind == Insn::Kind::kReady && it == 0) {
          if (!current->linked && next == current + current->halfwords) DecodeCache::link(*current, *next);
          if (continues_sequence(*next) && banks_remember()) [[likely]] {
            run_sequence(next);
            continue;
          }
        } else if (next->kind == Insn::Kind::kFetched && it == 0) {
          run_fetched();
          continue;
        }
        step<kObserved>();
      }
    } catch (const Fault& fault) {
      handle_fault(fault);
    }
}

[[gnu::always_inline]] inline bool Core::run_inlined(const Insn& insn, Cycle& issue) {
  const Inlined kind = insn.inlined_here;
  if (kind == Inlined::kDualMultiply) {
    const std::int64_t sum = dual_product_sum(r[insn.rn], r[insn.rm]) +
                             (insn.ra == 15 ? 0 : std::int64_t{static_cast<std::int32_t>(r[insn.ra])});
    r[insn.rd] = static_cast<std::uint32_t>(sum);
    if (sum != static_cast<std::int32_t>(sum)) q = true;
    return true;
  }
  if (kind == Inlined::kExtendBytes) {
    r[insn.rd] = extend_bytes(std::rotr(r[insn.rm], insn.shift));
    return true;
  }
  if (kind == Inlined::kLoadWord) {
    const std::uint32_t address = r[insn.rn] + insn.imm;
    const std::uint32_t offset = address - Bus::kSramBase;
    if (offset > Bus::kSramSize - 4 || (address & 3) != 0 || mpu_checks) return false;
    r[insn.rd] = load_from_sram(offset, issue, issue);
    return true;
  }
  if (kind == Inlined::kLoadTwo) {
    const std::uint32_t base = r[insn.rn], moved = base + insn.imm;
    const std::uint32_t address = (insn.shift & 2) != 0 ? moved : base;
    const std::uint32_t offset = address - Bus::kSramBase;
    if (offset > Bus::kSramSize - 8 || (address & 3) != 0 || mpu_checks) return false;
    const std::uint32_t first = load_from_sram(offset, issue, issue);
    const std::uint32_t second = load_from_sram(offset + 4, issue + 1, issue);
    if ((insn.shift & 1) != 0) r[insn.rn] = moved;
    r[insn.rd] = first;
    r[insn.ra] = second;
    return true;
  }
  return false;
}

/// Straight-line code: instructions that are linked, up to a jump or sequence_end. The interlock and the
/// pairing of each with the one before it were computed when they were linked. Cost of one: a test each for
/// time and the end of the sequence, a trace entry, the fetch's bank, and, for those that are not inlined,
/// the call.
void Core::run_sequence(Insn* insn) {
  // Its low bits are those of `instructions`, the index of the trace.
  const auto tally_before = static_cast<std::uint32_t>(instructions % kTraceEntries);
  std::uint32_t tally = tally_before;
  const auto leave = [&] {
    bus.note_bank_accesses(clock);
    const std::uint32_t counted = tally - tally_before;
    instructions += counted & tally::kField;
    counters.result_stalls += counted >> tally::kStallShift & tally::kField;
    counters.paired += counted >> tally::kPairShift;
    if (forgotten) return;
    late = current->late;
    pair_older = current->paired != pairing::kNone ? pairing::kNone : current->pair_older;
  };
  forgotten = false;
  // In registers: the next instruction's time depends on them. The members have them when a handler runs.
  Cycle issue = clock, code_port_free = fetch_next;
  try {
    for (;;) {
      Insn* const following = insn + insn->halfwords;
      __builtin_prefetch(insn + 8);
      trace_one(tally, *insn, issue);
      tally += insn->tally;
      issue += insn->stall;
      if (insn->fetch_bank != Insn::kNoBank) issue = fetched<true>(insn->fetch_bank, issue, code_port_free);
      if (run_inlined(*insn, issue)) {
        issue += insn->cost;
        if (issue >= sequence_end) {
          current = insn;
          next = following;
          fetch_next = code_port_free;
          break;
        }
      } else {
        current = insn;
        next = following;
        fetch_next = code_port_free;
        paired = insn->paired;
        clock = issue;
        bus.note_bank_accesses(issue);
        insn->run(*this, *insn);
        issue = clock + insn->cost;
        if (issue >= sequence_end || !insn->linked) break;
      }
      insn = following;
    }
  } catch (...) {
    leave();
    throw;
  }
  clock = issue;
  leave();
}

/// Outside an IT block.
[[gnu::always_inline]] inline void Core::issue_after_previous(const Insn& insn) {
  const unsigned stall = insn.wait_for(late);
  clock += stall;
  counters.result_stalls += stall;
  paired = insn.pairs_with(pair_older, late);
  late = insn.late;
  if (insn.fetch_bank != Insn::kNoBank) fetch_from_bank(insn.fetch_bank, clock);
  const bool joined = paired != pairing::kNone;
  pair_older = joined ? pairing::kNone : insn.pair_older;
  counters.paired += joined;
  insn.run(*this, insn);
  clock += insn.cycles - joined;
}

/// Straight-line code in an XIP window: every word is fetched, with its time, and compared with the decoded
/// one.
void Core::run_fetched() {
  do {
    current = next;
    const Insn& insn = *prepare_at(*current, current->pc);
    next = current + insn.halfwords;
    trace_one(instructions, insn, clock);
    ++instructions;
    issue_after_previous(insn);
  } while (clock < sequence_end && next->kind == Insn::Kind::kFetched);
}

template <bool kObserved>
void Core::step() {
  Insn* insn = next;
  [[maybe_unused]] const Cycle before = clock;
  current = insn;
  if (insn->kind != Insn::Kind::kReady) {
    insn = prepare(insn);
    if (insn == nullptr) return;  // the boot ROM ran
    current = insn;
  }
  next = insn + insn->halfwords;
  trace_one(instructions, *insn, clock);
  ++instructions;

  const bool in_it_block = it != 0;
  if (in_it_block && insn->fetch_bank != Insn::kNoBank) fetch_from_bank(insn->fetch_bank, clock);
  if (in_it_block && !condition(it >> 4)) {
    // Predicated out: a NOP of one cycle, without hazards (jnk0le/random, cortex_m33.md).
    advance_it();
    clock += 1;
    late = 0;
    pair_older = insn->wide() ? pairing::kNone : pairing::kPlain;
    if constexpr (kObserved) observer->after(insn->pc, static_cast<std::uint32_t>(clock - before));
    return;
  }
  if (in_it_block) {
    const unsigned stall = insn->wait_for(late);
    clock += stall;
    counters.result_stalls += stall;
    late = insn->late;
    const std::uint32_t old_n = n, old_z = z, old_c = c, old_v = v;
    const std::uint8_t it_before = it;
    paired = pairing::kNone;
    pair_older = insn->pair_older;
    insn->run(*this, *insn);
    clock += insn->cycles;
    if (insn->keep_flags_in_it) {
      n = old_n;
      z = old_z;
      c = old_c;
      v = old_v;
    }
    // An instruction that took an exception or returned from one has set ITSTATE itself.
    if (it == it_before) advance_it();
  } else {
    issue_after_previous(*insn);
  }
  if constexpr (kObserved) observer->after(insn->pc, static_cast<std::uint32_t>(clock - before));
}

std::uint32_t Core::fetch_word(std::uint32_t address) {
  if (mpu.enabled() && !mpu.allows(address, Mpu::Use::kExecute, privileged(), execution_priority() < 0))
    throw Fault{exception::kMemManage, cfsr::kIaccviol, 0};
  if (address - Bus::kSramBase < Bus::kSramSize) {  // its time: fetch_from_bank(), whenever it is executed
    std::uint32_t word = 0;
    std::memcpy(&word, bus.sram() + (address - Bus::kSramBase), sizeof word);
    return word;
  }
  std::uint32_t word = 0, stall = 0;
  if (address >> 28 == 1 && bus.fetch_hit(address, master, clock, word, stall)) [[likely]] {
    if (stall != 0) {
      clock += stall;
      counters.fetch_stalls += stall;
    }
    return word;
  }
  const Reply reply = bus.fetch_elsewhere(address, {.master = master, .size = 4, .now = clock});
  clock += reply.stall;
  counters.fetch_stalls += reply.stall;
  if (reply.fault != BusFault::kNone) throw Fault{exception::kBusFault, cfsr::kIbuserr, 0};
  return reply.value;
}

Insn* Core::prepare(Insn* insn) {
  if (insn->kind == Insn::Kind::kPageEnd) {
    jump(insn->pc);
    current = insn = next;
    if (insn->kind == Insn::Kind::kReady) return insn;
  }
  const std::uint32_t address = insn->pc;
  if (insn->kind == Insn::Kind::kFetched) return prepare_at(*insn, address);
  if (address >= DecodeCache::kEnd || (address >= Bus::kRomSize && address < Bus::kXipBase))
    throw address >> 29 == 2 || address >> 29 >= 5 ? Fault{exception::kMemManage, cfsr::kIaccviol, 0}
                                                   : Fault{exception::kBusFault, cfsr::kIbuserr, 0};
  if (address < Bus::kRomSize && rom != nullptr) {
    const Cycle before = clock;
    rom->execute(*this);
    late = 0;
    pair_older = pairing::kNone;
    if (clock == before) clock += 1;  // charge at least one cycle, so that a polling loop makes progress
    return nullptr;
  }
  return prepare_at(*cache.slot(address), address);
}

Insn* Core::prepare_at(Insn& slot, std::uint32_t address) {
  const bool only_gateway = address < fetch_checks_below && check_fetch(address);
  const std::uint32_t word_address = address & ~3u;
  const std::uint32_t first = fetch_word(word_address);
  std::uint32_t hw1 = (address & 2) != 0 ? first >> 16 : first & 0xffff;
  std::uint32_t opcode = hw1;
  const bool wide = hw1 >= 0xe800;
  if (wide) {
    const std::uint32_t hw2 = (address & 2) != 0 ? fetch_word(word_address + 4) & 0xffff : first >> 16;
    opcode = hw1 << 16 | hw2;
  }
  if (only_gateway && opcode != kSecureGateway) throw Fault{exception::kSecureFault, sfsr::kInvep, 0};
  const bool in_sram = address >= Bus::kSramBase;
  if (slot.kind == Insn::Kind::kUndecoded || slot.opcode != opcode) {
    slot = Insn{};
    slot.pc = address;
    slot.opcode = opcode;
    slot.halfwords = wide ? 2 : 1;
    slot.pair_older = wide ? pairing::kNone : pairing::kPlain;
    if (in_sram && ((address & 2) == 0 || wide))
      slot.fetch_bank = static_cast<std::uint8_t>(SramBanks::bank_of(((address + 2) & ~3u) - Bus::kSramBase));
    if (wide)
      decode32(slot);
    else
      decode16(slot);
    slot.cost = slot.cycles;
    // With the MPU on, every fetch is checked; otherwise decoded SRAM and ROM remain valid until written.
    slot.kind =
        (in_sram || address < Bus::kRomSize) && !mpu.enabled() ? Insn::Kind::kReady : Insn::Kind::kFetched;
    if (in_sram) {
      const auto mark = static_cast<std::uint8_t>(1u << number);
      bus.code_map()[(address - Bus::kSramBase) >> Bus::kCodeGranuleBits] |= mark;
      const std::uint32_t last = address + 2u * slot.halfwords - 1 - Bus::kSramBase;
      if (last < Bus::kSramSize) bus.code_map()[last >> Bus::kCodeGranuleBits] |= mark;
    }
  }
  return &slot;
}

void Core::code_written(std::uint32_t granule_address) {
  cache.invalidate(granule_address, Bus::kCodeGranule);
  if (reserved && ((reserved_address ^ granule_address) & ~(Bus::kCodeGranule - 1)) == 0) {
    std::uint32_t value = 0;
    bus.peek(reserved_address, &value, reserved_size);
    if (value != reserved_value)
      reserved = false;
    else  // a neighbour was written: keep watching
      bus.code_map()[(granule_address - Bus::kSramBase) >> Bus::kCodeGranuleBits] |=
          static_cast<std::uint8_t>(1u << number);
  }
}

}  // namespace pico_llama::simulator
