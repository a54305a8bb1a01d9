#!/usr/bin/env python3
"""Bounds the stacks of the linked firmware, from its machine code alone.

stack_bound.py FIRMWARE_ELF [--path]     prints core, bound and reserve; 1: a bound does not fit; 77: not built

Every function of the image, including the SDK's and TinyUSB's, is decoded: the stack depth at each instruction and at each call.
Calls through pointers are resolved by the table below; a call that is not in it is an error, as is recursion. The interrupts that
can nest are added to core 0's deepest path, each with the frame that the hardware pushes. A part that cannot be bounded is never
ignored: it ends with exit 1.
"""
import pathlib
import re
import subprocess
import sys

# Callers through a pointer, and the pointer's possible targets. First match wins. BOARD, CONSOLE, CREW are virtual calls.
BOARD = (r"drivers::PicoBoard::(info|memory|cycles|core|micros|entropy|button_pressed|led|crc32|copy|fill|test_psram|reboot"
         r"|reboot_to_bootsel|stream|stack_used|stack_bytes|read_bandwidth|both_cores)\(")
CLOCK = r"drivers::PicoBoard::(cycles|core)\("
CONSOLE = r"drivers::UsbConsole::(read|write|watch_for_cancel|cancelled|take_lost_input|flush|idle|connected)\("
CREW = r"(SingleWorker|CoreWorkers|TimedWorkers)::(run|count)\("
BARRIER = r"(SingleWorker|CoreWorkers|TimedWorkers)::(barrier|count)\("
KERNEL = r"^pico_llama::(m33|portable)::\w+\("
STREAM = r"StagedStream::(begin|next|done|streams_cache)\("
COPIER = r"drivers::QspiStream::(copy|halt|wake|wait|announce|lock|unlock)\("
ENGINE_TASK = r"Pass::task<|Sampler::Crew::(second_)?task\("
BANDWIDTH_TASK = r"drivers::\(anonymous namespace\)::read_lines\("
CLASS_DRIVER = r"^(cdcd|resetd)_"
INDIRECT = [
    (r"^platform_entry$", [r"^main$", r"^runtime_init$", r"^exit$"], "crt0 takes their addresses"),
    (r"^runtime_(init|run_\w*initializers)$", [r"^runtime_init_\w+$", r"^_GLOBAL__sub_I", r"^frame_dummy$", r"^register_tm"],
     "initialisers and static constructors, by section"),
    (r"^(de)?register_tm_clones$|^frame_dummy$", [], "null: no transactional memory"),
    # bootrom: functions this ELF does not hold; BOOTROM_BYTES is their allowance.
    (r"^(rom_\w+|runtime_init_(per_core_)?bootrom_reset|_retrieve_unique_id_on_boot|generic_save_state)(\..*)?$", ["BOOTROM"],
     "the bootrom"),
    (r"^(stdio_\w+|__wrap_puts|weak_raw_vprintf)$", [r"^stdio_usb_(out_chars|out_flush|in_chars|set_chars_available_callback)$",
     r"^stdio_out_chars_\w+$", r"^stdio_buffered_printer$"],
     "the one stdio driver of this image"),
    (r"^alarm_pool_irq_handler$", [r"^timer_task$", r"^sleep_until_callback$"], "alarms: stdio_usb's timer and sleeping"),
    (r"^low_priority_worker_irq$", [r"^mutex_try_enter$"], "tail call; the one it can be"),
    (r"^irq_handler_chain_first_slot$", [r"^dcd_rp2040_irq$", r"^usb_irq$", r"^irq_handler_chain_remove_tail$"],
     "handlers shared on USBCTRL_IRQ"),
    (r"^irq_handler_chain_remove_tail$", [r"^irq_add_tail_to_free_list$"], "SDK: a literal"),
    (r"^dcd_event_handler$", [], "the class drivers' start-of-frame handlers, which neither of the two has"),
    (r"^(tud_\w+|usbd_\w+|configuration_reset|process_\w+)$",
     [CLASS_DRIVER, r"^tud_vendor_control_xfer_cb$", r"^process_set_config"], "TinyUSB's class drivers: CDC and picotool's reset"),
    (r"drivers::bring_up_clocks\(", [r"set_flash_timing\("], "run_in_sram()"),
    (r"drivers::bring_up_flash\(", [r"identify_and_speed_up\("], "run_in_sram()"),
    (r"drivers::bring_up_psram\(", [r"reset_and_identify\("], "run_in_sram()"),
    (r"^core1_wrapper$", [r"CoreWorkers::core1_main\("], "multicore_launch_core1's argument"),
    (r"CoreWorkers::(run|core1_main)\(|SingleWorker::run\(", [ENGINE_TASK, BANDWIDTH_TASK], "Workers::Task"),
    (r"Pass::(run|task)<", [BARRIER, STREAM], "Workers::barrier, count, WeightStream"),
    (r"Sampler::Crew::run\(", [BARRIER], "Workers::barrier"),
    (r"Sampler::sample\(", [CREW], "Workers::run, count"),
    (r"Transformer::forward\(", [CREW, STREAM], "Workers::run, count, WeightStream"),
    (r"Numerics(F32|Q8)?::", [STREAM], "WeightStream"),
    (r"StagedStream::", [COPIER], "StreamCopier"),
    (r"app::Commands::run\(", [r"app::Commands::(help|model|temp|topp|topk|seed|steps|profile|cores|mem|bench|selftest|json"
                               r"|bootsel|reboot)\("], "the table of commands"),
    (r"app::TimedWorkers::run\(", [r"(SingleWorker|CoreWorkers)::run\(", CLOCK], "the crew it times, never one of its kind"),
    (r"app::TimedWorkers::barrier\(", [r"(SingleWorker|CoreWorkers)::barrier\(", CLOCK], "the same"),
    (r"app::(check_kernels|time_kernels)\(|app::\(anonymous namespace\)::(check|time)<", [KERNEL, CLOCK],
     "a KernelSet, and hal::Board::cycles"),
    (r"app::Output::", [CONSOLE], "hal::Console, the only one it has"),
    (r"pico_llama::app::", [BOARD, CONSOLE], "hal::Board, hal::Console"),
]
# These end the program: they report or restart, and an overflow in them ends in the same restart by the limit register.
ENDS = {"panic", "panic_unsupported", "hard_assertion_failure", "__assert_func", "abort", "exit", "_exit", "isr_invalid"}
# Stack used by bootrom look-ups and reboots: no published figure [ASSUMED].
BOOTROM_BYTES = 256
# Frame the hardware stacks: 26 words with floating point (Armv8-M ARM, B3.19), and 4 bytes of alignment.
FRAME_BYTES = 26 * 4 + 4
# Interrupt handlers of core 0 by priority, lowest first. One of each level can nest on the level before.
LEVELS = [["low_priority_worker_irq"], ["irq_handler_chain_first_slot", "alarm_pool_irq_handler"],
          ["pico_llama::drivers::QspiStream::interrupt()"], ["isr_hardfault"]]
# These install handlers. A caller that is not here means a handler that LEVELS may lack.
INSTALLERS = r"^(irq_set_exclusive_handler|irq_add_shared_handler|exception_set_exclusive_handler|irq_set_pending_handler)$"
MAY_INSTALL = {"pico_llama::drivers::PicoBoard::bring_up()", "runtime_init_default_alarm_pool", "stdio_usb_init", "dcd_init",
               "alarm_pool_create_on_timer"}

CONDITIONS = "eq|ne|cs|hs|cc|lo|mi|pl|vs|vc|hi|ls|ge|lt|gt|le"


class Unbounded(Exception):
    pass


class Function:
    def __init__(self, name, address):
        self.name, self.address = name, address
        self.code = []      # (address, mnemonic, operands)
        self.deepest = 0    # bytes below its caller's sp
        self.calls = []     # (address of the callee or None for a pointer, depth at the call)


def registers(text):
    """Size in words of a register list such as {r4, r5-r7, lr} or {d8-d15}."""
    words = 0
    for part in re.search(r"\{(.*)\}", text)[1].replace(" ", "").split(","):
        first, _, last = part.partition("-")
        count = int(last[1:]) - int(first[1:]) + 1 if last else 1
        words += count * (2 if first[0] == "d" else 1)
    return words


def sp_change(mnemonic, operands):
    """Bytes by which an instruction lowers sp (negative: raises), 0 for none."""
    base = mnemonic.split(".")[0]
    if base in ("push", "vpush") or (base in ("stmdb", "vstmdb") and operands.startswith("sp!")):
        return 4 * registers(operands)
    if base in ("pop", "vpop") or (base in ("ldmia", "vldmia") and operands.startswith("sp!")):
        return -4 * registers(operands)
    if (m := re.search(r"\[sp, #(-?\d+)\]!", operands)) or (m := re.search(r"\[sp\], #(-?\d+)", operands)):
        return -int(m[1])
    if m := re.match(r"(add|sub)[sw]?$", base):
        if n := re.match(r"sp, (?:sp, )?#(\d+)", operands):
            return int(n[1]) if base.startswith("sub") else -int(n[1])
    if re.match(r"(add|sub|mov|and|bic|orr)[sw]?$", base) and re.match(r"sp,", operands):
        # `mov sp, rN` only releases stack; any other form allocates an amount that is not in the code.
        if base == "mov":
            return 0
        raise Unbounded(f"sp moves by a register: {mnemonic} {operands}")
    return 0


def read(elf):
    """Functions by address."""
    lines = subprocess.run(["arm-none-eabi-objdump", "-d", "--no-show-raw-insn", "-C", elf], capture_output=True, text=True,
                           check=True).stdout.splitlines()
    functions, current = {}, None
    for line in lines:
        if m := re.match(r"^([0-9a-f]{8}) <(.*)>:$", line):
            current = Function(m[2], int(m[1], 16))
            functions[current.address] = current
        elif current and (m := re.match(r"^\s*([0-9a-f]{8}):\t([a-z][\w.]*)(?:\t(.*))?$", line)):
            current.code.append((int(m[1], 16), m[2], (m[3] or "").strip()))
        elif current and (m := re.match(r"^\s*([0-9a-f]{8}):\t\.word\t0x([0-9a-f]+)", line)):
            current.code.append((int(m[1], 16), ".word", m[2]))
    return {address: f for address, f in functions.items() if any(op != ".word" for _, op, _ in f.code)}


def decode(f, functions):
    """Follows every path through a function and records its depth and its calls."""
    at = {address: i for i, (address, _, _) in enumerate(f.code)}
    words = {address: int(text, 16) for address, op, text in f.code if op == ".word"}
    depth_at, tables, todo = {}, [], [(f.code[0][0], 0)]

    def leave(target, depth):
        f.calls.append((target, depth))

    def follow():
        while todo:
            address, depth = todo.pop()
            while True:
                if address not in at:  # past the end
                    break
                i = at[address]
                _, op, operands = f.code[i]
                if op == ".word" or depth_at.get(address, -1) >= depth:
                    break
                depth_at[address] = depth
                if depth > 1 << 16:
                    raise Unbounded(f"{f.name}: sp falls in a loop")
                base = op.split(".")[0]
                following = f.code[i + 1][0] if i + 1 < len(f.code) else None
                target = re.match(r"(?:\w+, )?([0-9a-f]{8})(?: <|$)", operands)
                if base == "bl":
                    leave(int(target[1], 16), depth)
                elif base == "blx" or (base == "bx" and operands != "lr"):
                    leave(None, depth)
                    if base == "bx":
                        break
                elif base in ("bx", "bxns", "udf") or (base in ("pop", "ldmia") and re.search(r"\bpc\}", operands)):
                    f.deepest = max(f.deepest, depth)
                    break
                elif base in ("tbb", "tbh") or (base == "ldr" and re.match(r"pc, \[r\d+, r\d+, lsl", operands)):
                    tables.append(depth)
                    break
                elif base == "ldr" and operands.startswith("pc, [pc"):
                    leave(words[following] & ~1, depth)  # a veneer
                    break
                elif base == "ldr" and operands.startswith("pc, [sp], #"):
                    break
                elif re.match(r"(ldr|mov|add)$", base) and operands.startswith("pc,"):
                    leave(None, depth)
                    break
                elif re.fullmatch(rf"b(?:{CONDITIONS})?|cbn?z", base):
                    goal = int(target[1], 16)
                    if goal in at:
                        todo.append((goal, depth))
                    else:
                        leave(goal, depth)
                    if base == "b":
                        break
                elif re.fullmatch(rf"(pop|bx|ldmia)(?:{CONDITIONS})", base):
                    pass  # taken or not: the path that goes on is the deeper one
                else:
                    depth += sp_change(op, operands)
                    f.deepest = max(f.deepest, depth)
                if following is None:
                    if base not in ("bl", "blx"):  # else the callee never returns
                        end = address + (4 if op.endswith(".w") else 2)
                        if end in functions:
                            leave(end, depth)
                    break
                address = following

    follow()
    # Targets of a jump table are not decoded: code that nothing else reaches is assumed to be its targets, at its depth.
    while tables and (rest := [a for a, op, _ in f.code if op != ".word" and a not in depth_at]):
        todo.append((rest[0], max(tables)))
        follow()


class Bound:
    def __init__(self, elf):
        self.functions = read(elf)
        self.owner = {a: f for f in self.functions.values() for a, op, _ in f.code if op != ".word"}
        for f in self.functions.values():
            decode(f, self.functions)
        self.memo, self.path = {}, []
        for f in self.functions.values():
            for target, _ in f.calls:
                callee = self.owner.get(target)
                if callee and re.match(INSTALLERS, callee.name) and f.name not in MAY_INSTALL:
                    raise Unbounded(f"{f.name} installs an interrupt handler that LEVELS does not know")

    def named(self, pattern):
        return [f for f in self.functions.values() if re.search(pattern, f.name) and "veneer" not in f.name]

    def one(self, name):
        found = [f for f in self.functions.values() if f.name == name]
        if not found:
            raise Unbounded(f"no function {name}")
        return found[0]

    def pointers(self, f):
        for caller, targets, _ in INDIRECT:
            if re.search(caller, f.name):
                for target in targets:
                    if target == "BOOTROM":
                        yield None
                    else:
                        found = self.named(target)
                        if target in (ENGINE_TASK, BANDWIDTH_TASK, BOARD, CONSOLE, BARRIER, CREW, CLASS_DRIVER) and not found:
                            raise Unbounded(f"nothing matches {target}: correct the table")
                        yield from found
                return
        raise Unbounded(f"{f.name} calls through a pointer and is not in the table")

    def below(self, f):
        """(bytes, [functions]) of the deepest path from f's entry."""
        if f.address in self.memo:
            return self.memo[f.address]
        if f.name in ENDS:
            return f.deepest, [f.name]
        if f in self.path:
            loop = self.path[self.path.index(f):] + [f]
            raise Unbounded("recursion: " + " > ".join(g.name for g in loop))
        self.path.append(f)
        best = (f.deepest, [f.name])
        for target, depth in f.calls:
            if target is None:
                callees = list(self.pointers(f))
            else:
                callee = self.owner.get(target)
                if callee is None:
                    raise Unbounded(f"{f.name} calls {target:#x}, which is no code of this image")
                callees = [callee]
            for callee in callees:
                bytes_, path = (BOOTROM_BYTES, ["bootrom"]) if callee is None else self.below(callee)
                if depth + bytes_ > best[0]:
                    best = (depth + bytes_, [f"{f.name} +{depth}"] + path)
        self.path.pop()
        self.memo[f.address] = best
        return best

    def core0(self):
        total, path = self.below(self.one("platform_entry"))
        for level in LEVELS:
            bytes_, nested = max((self.below(self.one(name)) for name in level), key=lambda b: b[0])
            total, path = total + FRAME_BYTES + bytes_, path + ["-- interrupt --"] + nested
        return total, path

    def core1(self):
        # The SDK's trampoline pops what launch wrote there (3 words). No interrupt is enabled on core 1; a fault is.
        total, path = self.below(self.one("core1_wrapper"))
        fault, _ = self.below(self.one("isr_hardfault"))
        return total + 12 + FRAME_BYTES + fault, path


def reserved(elf):
    symbols = dict(reversed(line.split()[::2]) for line in subprocess.run(
        ["arm-none-eabi-nm", elf], capture_output=True, text=True, check=True).stdout.splitlines() if len(line.split()) == 3)
    value = lambda name: int(symbols[name], 16)
    return value("__StackTop") - value("__StackBottom"), value("__StackOneTop") - value("__StackOneBottom")


def bounds(elf):
    """((bound, reserve, path) of core 0, the same of core 1)."""
    bound = Bound(elf)
    return tuple((bytes_, size, path) for (bytes_, path), size in zip((bound.core0(), bound.core1()), reserved(elf)))


def main():
    elf = pathlib.Path(sys.argv[1])
    if not elf.exists():
        print("skipped:", elf, "is not built")
        return 77
    try:
        results = bounds(elf)
    except Unbounded as why:
        print("no bound:", why)
        return 1
    for core, (bytes_, size, path) in enumerate(results):
        print(f"core {core}: at most {bytes_} of {size} B")
        if "--path" in sys.argv or bytes_ >= size:
            print("   " + "\n   ".join(path))
    return 1 if any(bytes_ >= size for bytes_, size, _ in results) else 0


if __name__ == "__main__":
    sys.exit(main())
