#include "simulator/cpu/cpu.h"

#include <fmt/format.h>

#include <cstring>

#include "simulator/cpu/decode.h"

namespace pico_llama::simulator {

void stop_at(const Cpu& cpu, const std::string& why) {
  const std::uint32_t pc = cpu.current != nullptr ? cpu.current->pc : 0;
  const std::uint32_t opcode = cpu.current != nullptr ? cpu.current->opcode : 0;
  throw Stop(fmt::format("core {} at pc {:08x} (opcode {:x}): {}", cpu.number, pc, opcode, why));
}

Cpu::Cpu(Core& the_owner, unsigned the_number, Bus& the_bus, EventQueue& the_events)
    : bus(the_bus), events(the_events), owner(the_owner), number(the_number), systick(*this), rcp(*this) {
  master = number == 0 ? Master::kCore0 : Master::kCore1;
  code_port = Bus::code_port(master);
  bus.attach_code_listener(number, this);
  next = current = cache.slot(0);
}

Cpu::~Cpu() { bus.attach_code_listener(number, nullptr); }

void Cpu::start(std::uint32_t vtor, std::uint32_t sp, std::uint32_t entry) {
  for (auto& reg : r) reg = 0;
  r[14] = 0xffff'ffff;
  set_nzcv(0);
  q = false;
  ge = 0;
  it = 0;
  late = 0;
  gives = paired = pairing::kNone;
  fpu = {};
  const std::uint64_t lines = nvic.irq_lines;
  nvic = {};
  nvic.irq_lines = nvic.irq_pending = lines;
  scs = {};
  scs.vtor = vtor;
  mpu = {};
  systick.reset();
  rcp.reset();
  dcp = {};
  primask = faultmask = npriv = spsel = false;
  basepri = 0;
  exception = 0;
  sp_other = 0;
  msplim = psplim = 0;
  reserved = event_register = false;
  sleep = Sleep::kAwake;
  fpu_free = 0;
  instructions = 0;
  stats = {};
  started_at = now;
  observer_stopped = pass_observer = false;
  r[13] = sp & ~3u;
  update_mpu_checks();
  update_fp_ready();
  update_attention();
  jump(entry);
}

void Cpu::jump(std::uint32_t address) {
  address &= ~1u;
  if (address >= DecodeCache::kEnd) [[unlikely]] {
    // Execute-never regions and empty space: the fetch faults, with the address as return address.
    nowhere = Insn{};
    nowhere.pc = address;
    next = &nowhere;
    return;
  }
  next = cache.slot(address);
}

bool Cpu::condition(unsigned cond) const {
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

void Cpu::run_until(Cycle limit) {
  observer_stopped = false;
  if (observer != nullptr)
    loop<true>(limit);
  else
    loop<false>(limit);
}

/// Executes instructions. Costs about as much as its parts say: one test each for time, attention and kind,
/// a ring entry, the interlock and pairing arithmetic (without branches), and the call.
template <bool kObserved>
void Cpu::loop(Cycle limit) {
  for (;;) try {
      while (now < limit && now < events.horizon()) {
        if (attention) [[unlikely]] {
          if (!attend()) return;
        }
        const Insn* insn = next;
        if constexpr (kObserved) {
          if (!pass_observer && !observer->before(insn->pc)) {
            observer_stopped = pass_observer = true;
            return;
          }
          pass_observer = false;
        }
        [[maybe_unused]] const Cycle before = now;
        current = insn;
        if (insn->kind != Insn::Kind::kReady) [[unlikely]] {
          insn = prepare(insn);
          if (insn == nullptr) continue;  // the boot ROM ran
          current = insn;
        }
        next = insn + insn->halfwords;
        trace[instructions & 31] = {insn->pc, insn->opcode, now};
        ++instructions;

        if (it != 0) [[unlikely]] {
          if (insn->fetch_bank != Insn::kNoBank) fetch_from_bank(insn->fetch_bank, now);
          const bool execute = condition(it >> 4);
          const std::uint8_t it_before = it;
          if (!execute) {
            // Predicated out: a NOP of one cycle, without hazards (jnk0le/random, cortex_m33.md).
            it = (it & 7) == 0 ? 0 : static_cast<std::uint8_t>((it & 0xe0) | (it << 1 & 0x1f));
            now += 1;
            late = 0;
            gives = insn->wide() ? pairing::kNone : pairing::kPlain;
            if constexpr (kObserved) observer->after(insn->pc, static_cast<std::uint32_t>(now - before));
            continue;
          }
          const std::uint32_t old_n = n, old_z = z, old_c = c, old_v = v;
          const unsigned stall = (insn->reads & late) != 0 ? timing::kLateResultStall.cycles : 0;
          now += stall;
          stats.result_stalls += stall;
          paired = pairing::kNone;
          late = insn->late;
          gives = insn->gives;
          insn->run(*this, *insn);
          now += insn->cycles;
          if (insn->keep_flags_in_it) {
            n = old_n;
            z = old_z;
            c = old_c;
            v = old_v;
          }
          // An instruction that took an exception or returned from one has set ITSTATE itself.
          if (it == it_before)
            it = (it & 7) == 0 ? 0 : static_cast<std::uint8_t>((it & 0xe0) | (it << 1 & 0x1f));
          if constexpr (kObserved) observer->after(insn->pc, static_cast<std::uint32_t>(now - before));
          continue;
        }

        const unsigned stall = (insn->reads & late) != 0 ? timing::kLateResultStall.cycles : 0;
        now += stall;
        stats.result_stalls += stall;
        if (insn->fetch_bank != Insn::kNoBank) fetch_from_bank(insn->fetch_bank, now);
        paired = insn->wants & gives;
        late = insn->late;
        const bool joined = paired != pairing::kNone;
        gives = joined ? pairing::kNone : insn->gives;
        stats.paired += joined;
        insn->run(*this, *insn);
        now += insn->cycles - joined;
        if constexpr (kObserved) observer->after(insn->pc, static_cast<std::uint32_t>(now - before));
      }
      return;
    } catch (const Fault& fault) {
      handle_fault(fault);
    }
}

std::uint32_t Cpu::fetch_word(std::uint32_t address) {
  if (mpu.enabled() && !mpu.allows(address, Mpu::Use::kExecute, privileged(), execution_priority() < 0))
    throw Fault{exception::kMemManage, cfsr::kIaccviol, 0};
  if (address - Bus::kSramBase < Bus::kSramSize) {  // its time: fetch_from_bank(), whenever it is executed
    std::uint32_t word = 0;
    std::memcpy(&word, bus.sram() + (address - Bus::kSramBase), sizeof word);
    return word;
  }
  const Reply reply = bus.fetch(address, {.master = master, .size = 4, .now = now});
  now += reply.stall;
  stats.fetch_stalls += reply.stall;
  if (reply.fault != BusFault::kNone) throw Fault{exception::kBusFault, cfsr::kIbuserr, 0};
  return reply.value;
}

const Insn* Cpu::prepare(const Insn* insn) {
  if (insn->kind == Insn::Kind::kPageEnd) {
    jump(insn->pc);
    current = insn = next;
    if (insn->kind == Insn::Kind::kReady) return insn;
  }
  const std::uint32_t address = insn->pc;
  if (address >= DecodeCache::kEnd || (address >= Bus::kRomSize && address < Bus::kXipBase))
    throw address >> 29 == 2 || address >> 29 >= 5 ? Fault{exception::kMemManage, cfsr::kIaccviol, 0}
                                                   : Fault{exception::kBusFault, cfsr::kIbuserr, 0};
  if (address < Bus::kRomSize && rom != nullptr) {
    const Cycle before = now;
    rom->execute(owner);
    late = 0;
    gives = pairing::kNone;
    if (now == before) now += 1;  // a call takes time, or a wait would never end
    return nullptr;
  }
  // Slots belong to this core's cache; handlers see them as constants.
  Insn& slot = *cache.slot(address);
  const std::uint32_t word_address = address & ~3u;
  const std::uint32_t first = fetch_word(word_address);
  std::uint32_t hw1 = (address & 2) != 0 ? first >> 16 : first & 0xffff;
  std::uint32_t opcode = hw1;
  const bool wide = hw1 >= 0xe800;
  if (wide) {
    const std::uint32_t hw2 = (address & 2) != 0 ? fetch_word(word_address + 4) & 0xffff : first >> 16;
    opcode = hw1 << 16 | hw2;
  }
  const bool in_sram = address >= Bus::kSramBase;
  if (slot.kind == Insn::Kind::kUndecoded || slot.opcode != opcode) {
    slot = Insn{};
    slot.pc = address;
    slot.opcode = opcode;
    slot.halfwords = wide ? 2 : 1;
    slot.gives = wide ? pairing::kNone : pairing::kPlain;
    if (in_sram && ((address & 2) == 0 || wide))
      slot.fetch_bank = static_cast<std::uint8_t>(SramBanks::bank_of(((address + 2) & ~3u) - Bus::kSramBase));
    if (wide)
      decode32(slot);
    else
      decode16(slot);
    // With the MPU on every fetch is checked; else decoded SRAM and ROM stand until they are written.
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

void Cpu::code_written(std::uint32_t granule_address) {
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
