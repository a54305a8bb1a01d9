/// Instructions a second of the virtual cores, both interleaved as on the board, with time charged; and a
/// calibration loop that measures the host in the same run.
///   build/host/bench/simulator/simulator_cpu_bench
#include <benchmark/benchmark.h>

#include "tests/simulator/cpu/machine.h"

namespace pico_llama::simulator {
namespace {

/// 32-bit multiply-adds that depend on each other: 4 host cycles or so each, on any x86-64 of the last
/// decade.
void calibration(benchmark::State& state) {
  std::uint32_t value = 1;
  std::int64_t steps = 0;
  for (auto _ : state) {
    for (int i = 0; i < 1'000'000; ++i) {
      value = value * 1664525u + 1013904223u;
      benchmark::DoNotOptimize(value);
    }
    steps += 1'000'000;
  }
  state.counters["steps/s"] = benchmark::Counter(static_cast<double>(steps), benchmark::Counter::kIsRate);
}
BENCHMARK(calibration);

/// An inner loop of int8 x int16 products, as the q8 kernels have it.
constexpr const char* kDotProduct =
    "outer: movw r0, #0\n movt r0, #0x2004\n add r1, r0, #0x4000\n movs r2, #255\n movs r3, #0\n movs r4, "
    "#0\n"
    "inner: ldmia r0!, {r5, r6}\n ldr r7, [r1], #4\n sxtb16 r8, r7\n sxtb16 r9, r7, ror #8\n"
    "smlad r3, r5, r8, r3\n smlad r4, r6, r9, r4\n subs r2, #1\n bne inner\n b outer\n";
/// Branches, calls, byte loads and stores, as in a tokenizer or printf.
constexpr const char* kControl =
    "outer: movw r0, #0\n movt r0, #0x2004\n movs r2, #200\n"
    "inner: ldrb r3, [r0]\n cmp r3, #32\n bls skip\n adds r3, #1\n strb r3, [r0]\n"
    "skip: bl leaf\n adds r0, #1\n subs r2, #1\n bne inner\n b outer\n"
    "leaf: push {r4, lr}\n lsls r4, r3, #2\n eors r4, r2\n pop {r4, pc}\n";
/// f32 dot product.
constexpr const char* kFloat =
    "outer: movw r0, #0\n movt r0, #0x2004\n add r1, r0, #0x4000\n movs r2, #250\n vmov s0, r2\n "
    "vcvt.f32.u32 s0, s0\n"
    "vmov.f32 s7, #0.5\n vmov.f32 s8, #3.0\n vdiv.f32 s0, s7, s8\n vmov.f32 s3, s0\n"
    "inner: vldr s1, [r0]\n vldr s2, [r1]\n vmul.f32 s4, s0, s3\n vadd.f32 s5, s4, s0\n vmul.f32 s4, s5, s3\n"
    "adds r0, #4\n adds r1, #4\n subs r2, #1\n bne inner\n b outer\n";

void both_cores(benchmark::State& state, const char* source) {
  Machine m;
  m.load(source);
  const auto other = assemble(source, Machine::kCode + 0x1000);
  m.bus.poke(Machine::kCode + 0x1000, other.data(), static_cast<std::uint32_t>(other.size()));
  m.core1.start(Machine::kVectors, Machine::kStack - 0x1000, Machine::kCode + 0x1001);
  m.core1.set_ppb(0xe000'ed88, 0x00f0'ffff);
  Cycle limit = m.core.now();
  for (auto _ : state) {
    for (int slice = 0; slice < 10'000; ++slice) {
      limit += 48;
      m.core.run_until(limit);
      m.core1.run_until(limit);
    }
  }
  const double instructions = static_cast<double>(m.core.stats().instructions + m.core1.stats().instructions);
  state.counters["instructions/s"] = benchmark::Counter(instructions, benchmark::Counter::kIsRate);
  state.counters["cycles/instruction"] = static_cast<double>(2 * limit) / instructions;
}
BENCHMARK_CAPTURE(both_cores, dot_product, kDotProduct);
BENCHMARK_CAPTURE(both_cores, control, kControl);
BENCHMARK_CAPTURE(both_cores, f32, kFloat);

}  // namespace
}  // namespace pico_llama::simulator

BENCHMARK_MAIN();
