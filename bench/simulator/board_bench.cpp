/// Instructions a second of the whole virtual board, with time charged and every device present:
/// an SDK program that keeps both cores busy, the firmware telling stories, and a board whose cores sleep.
/// A calibration loop measures the host in the same run; each rate is also given per iteration of it.
///   cmake -G Ninja -S tests/target/sdk -B build/sdk-tests
///   cmake --build build/sdk-tests --target both_cores both_cores_flash
///   build/host/bench/simulator/simulator_board_bench
/// From the top folder: images are looked for where run.sh and the SDK tests build them.
#include <benchmark/benchmark.h>

#include <ctime>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "simulator/board.h"
#include "simulator/usb/host.h"

namespace pico_llama::simulator {
namespace {

constexpr Picoseconds kMillisecond = 1'000'000'000;

/// 32-bit multiply-adds that depend on each other: 4 host cycles or so each, on any x86-64 of the last
/// decade.
std::uint32_t calibration_steps(std::uint32_t value, int steps) {
  for (int i = 0; i < steps; ++i) {
    value = value * 1664525u + 1013904223u;
    benchmark::DoNotOptimize(value);
  }
  return value;
}

void calibration(benchmark::State& state) {
  std::int64_t steps = 0;
  for (auto _ : state) {
    calibration_steps(1, 1'000'000);
    steps += 1'000'000;
  }
  state.counters["steps/s"] = benchmark::Counter(static_cast<double>(steps), benchmark::Counter::kIsRate);
}
BENCHMARK(calibration);

/// Iterations a second of processor time, measured next to the rate that it is compared with.
double calibration_rate() {
  constexpr int kSteps = 20'000'000;
  const std::clock_t begin = std::clock();
  calibration_steps(1, kSteps);
  return kSteps * static_cast<double>(CLOCKS_PER_SEC) / static_cast<double>(std::clock() - begin);
}

struct Progress {
  double instructions, cycles, seconds;
};
Progress progress(Board& board) {
  const CoreStats a = board.cores[0].stats(), b = board.cores[1].stats();
  return {static_cast<double>(a.instructions + b.instructions), static_cast<double>(board.now()),
          static_cast<double>(board.time()) * 1e-12};
}

/// Runs the board for `step` of its time per iteration and reports its cost.
void measure(benchmark::State& state, Board& board, Picoseconds step) {
  const double steps_per_second = calibration_rate();
  const Progress before = progress(board);
  const std::clock_t begin = std::clock();
  for (auto _ : state) {
    RunLimits limits;
    limits.time = board.time() + step;
    const RunResult result = board.run(limits);
    if (result.end != RunEnd::kLimit) {
      state.SkipWithError(("the run ended: " + result.message).c_str());
      return;
    }
  }
  const double seconds = static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC;
  const Progress after = progress(board);
  using benchmark::Counter;
  const double instructions = after.instructions - before.instructions;
  state.counters["instructions/s"] = Counter(instructions, Counter::kIsRate);
  state.counters["per_calibration_step"] = instructions / seconds / steps_per_second;
  state.counters["simulated_s/s"] = Counter(after.seconds - before.seconds, Counter::kIsRate);
  state.counters["instructions/cycle"] = instructions / (after.cycles - before.cycles);
}

/// The board with an SDK program on it, until it has printed "round"; nothing where it has not been built.
std::unique_ptr<Board> both_cores_busy(benchmark::State& state, const std::string& name) {
  const std::string elf = "build/sdk-tests/" + name + ".elf";
  if (!std::filesystem::exists(elf)) {
    state.SkipWithError((elf + " is not built").c_str());
    return nullptr;
  }
  auto board = std::make_unique<Board>();
  board->load(formats::read_memory_image(elf));
  board->reset();
  std::string printed;
  board->set_uart_sink([&printed, b = board.get()](unsigned, std::uint8_t byte) {
    printed.push_back(static_cast<char>(byte));
    if (printed.find("round 2") != std::string::npos) b->request_stop();
  });
  RunLimits limits;
  limits.time = 1000 * kMillisecond;
  board->run(limits);
  board->set_uart_sink([](unsigned, std::uint8_t) {});
  if (printed.find("round 2") == std::string::npos) {
    state.SkipWithError(("both_cores has not come far enough: " + printed).c_str());
    return nullptr;
  }
  return board;
}

/// Both cores compute out of SRAM; core 0 now and then prints out of flash.
void sdk_both_cores(benchmark::State& state) {
  if (const auto board = both_cores_busy(state, "both_cores")) measure(state, *board, 20 * kMillisecond);
}
BENCHMARK(sdk_both_cores)->Unit(benchmark::kMillisecond);

/// The same with the code in flash: every word is fetched through the cache.
void sdk_both_cores_in_flash(benchmark::State& state) {
  if (const auto board = both_cores_busy(state, "both_cores_flash"))
    measure(state, *board, 20 * kMillisecond);
}
BENCHMARK(sdk_both_cores_in_flash)->Unit(benchmark::kMillisecond);

/// The same program once both cores have gone to sleep: idle time costs nothing.
void sdk_both_cores_asleep(benchmark::State& state) {
  const auto board = both_cores_busy(state, "both_cores");
  if (!board) return;
  board->uart_receive(0, 's');
  RunLimits limits;
  limits.time = board->time() + 100 * kMillisecond;
  board->run(limits);
  if (!board->cores[0].sleeping() || !board->cores[1].sleeping()) {
    state.SkipWithError("the cores do not sleep");
    return;
  }
  // Nothing at all is left to happen, so a run would end at once: something must stay due for time to pass.
  board->events.at_time(~Picoseconds{0} / 2, [] {});
  measure(state, *board, 1000 * kMillisecond);
}
BENCHMARK(sdk_both_cores_asleep)->Unit(benchmark::kMicrosecond);

/// A terminal that requests another story at every prompt, and ends the run once the first has begun.
class Reader final : public SerialProgram {
 public:
  Reader(UsbHost& host, Board& board) : host_(host), board_(board) {}
  std::size_t room() const override { return 4096; }
  void receive(std::span<const std::uint8_t> bytes, Picoseconds now) override {
    for (const std::uint8_t byte : bytes) printed_.push_back(static_cast<char>(byte));
    if (printed_.ends_with("\n> ")) {
      asked_ = true;
      printed_.clear();
      constexpr std::string_view kPrompt = "Once upon a time\r";
      host_.send({reinterpret_cast<const std::uint8_t*>(kPrompt.data()), kPrompt.size()}, now);
    } else if (asked_ && !in_story_ && printed_.size() > 100) {
      in_story_ = true;
      board_.request_stop();
    }
  }
  bool in_story() const { return in_story_; }
  const std::string& printed() const { return printed_; }

 private:
  UsbHost& host_;
  Board& board_;
  std::string printed_;
  bool asked_ = false;
  bool in_story_ = false;
};

/// The firmware and a model, story after story over USB: both cores, SRAM, XIP, the USB host beside them.
void firmware_stories(benchmark::State& state) {
  Board board;
  for (const char* image : {"build/firmware/firmware.uf2", "build/stories260K-q8.uf2"}) {
    if (!std::filesystem::exists(image)) {
      state.SkipWithError((std::string(image) + " is not there: run.sh makes it").c_str());
      return;
    }
    board.load(formats::read_memory_image(image));
  }
  board.warn = [](std::string_view) {};
  board.reset();
  UsbHost host(board.usb, board.events);
  Reader reader(host, board);
  host.set_program(&reader);
  host.set_port_wanted(true, board.time());
  RunLimits limits;
  limits.time = 10'000 * kMillisecond;
  const RunResult result = board.run(limits);
  if (!reader.in_story()) {
    state.SkipWithError(("no story: " + reader.printed() + result.message).c_str());
    return;
  }
  measure(state, board, 20 * kMillisecond);
}
BENCHMARK(firmware_stories)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace pico_llama::simulator

BENCHMARK_MAIN();
