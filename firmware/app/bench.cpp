#include "firmware/app/kernel_check.h"
#include "firmware/app/measure.h"
#include "firmware/app/report.h"
#include "firmware/app/timed_workers.h"

namespace pico_llama::app {
namespace {

using hal::Memory;

/// The loaded model's widths, or stories260K's without a model.
KernelWidths widths_of(const ModelLoader& loader) {
  if (loader.state() != ModelState::kReady) return {};
  const Config& c = loader.image().config();
  KernelWidths widths{.dim = c.dim,
                      .hidden_dim = c.hidden_dim,
                      .kv_mul = c.kv_mul(),
                      .head_size = c.head_size(),
                      .position = c.seq_len / 2 - 1};
  return widths;
}

/// Not inlined, so that this frame is released before the model is reloaded, the deepest call.
[[gnu::noinline]] void report_kernels(Output& output, hal::Board& board, const KernelWidths& widths) {
  if (board.memory().sram.size() < kKernelCheckBytes) return output.error("no room for the kernels' data");
  for (const KernelCost& kernel : time_kernels(kernels_in_use(), widths, board, board.memory().sram)) {
    TextOf<160> text;
    text << "kernel " << kernel.name;
    text.column(22);
    TextOf<16> cycles;
    cycles.grouped(kernel.cycles);
    text.right(cycles.view(), 9) << " cycles, ";
    text.fixed(static_cast<int64_t>(kernel.cycles) * 100 / kernel.work, 2) << ' ' << kernel.unit << ":";
    append_shape(text, kernel.shape_names, kernel.shape);
    output.line(text);
  }
}

/// Cycles of each part of a token at a position whose cache is filled. Requires: the session runs on `crew`.
void report_token(Output& output, Session& session, TimedWorkers& crew, int position) {
  static constexpr int32_t kToken = kTokenBos;
  crew.take();
  session.transformer().forward({&kToken, 1}, position);
  const PassCycles parts = crew.take();
  TextOf<256> text;
  text << "token, " << crew.count() << (crew.count() == 1 ? " core, " : " cores, ") << "position " << position
       << ": ";
  text.grouped(parts.sum()) << " cycles: embedding ";
  text.grouped(parts.embedding);
  if (parts.barriers == crew.barriers_of_pass()) {
    for (size_t i = 0; i < parts.layers.size(); ++i) {
      if (parts.layers[i] == 0) continue;  // f32 has no hidden input
      text << "; " << PassCycles::kLayerParts[i] << ' ';
      text.grouped(parts.layers[i]);
    }
  }
  text << "; classifier ";
  text.grouped(parts.classifier);
  output.line(text);
}

void report_story(Output& output, hal::Board& board, Session& session, int cores) {
  uint32_t digest_of_story = 0;
  const uint64_t start = board.micros();
  if (!greedy_digest(session, digest_of_story)) return;
  const uint64_t us = board.micros() - start;
  TextOf<128> text;
  text << "story, " << cores << (cores == 1 ? " core: " : " cores: ");
  text.fixed(static_cast<int64_t>(kDigestTokens * 10'000'000ull / (us ? us : 1)), 1)
      << " tok/s over " << kDigestTokens << " greedy tokens, digest ";
  text.hex(digest_of_story, 8);
  if (session.drafted() != 0) {
    text << "; ";
    append_guesses(text, kDigestTokens, session.passes(), session.accepted(), session.drafted());
  }
  output.line(text);
}

}  // namespace

void report_bandwidth(Output& output, hal::Board& board) {
  static constexpr uint32_t kReadBytes = 128 * 1024;  // eight times the XIP cache
  for (const Memory memory : {Memory::kSram, Memory::kFlash, Memory::kPsram}) {
    if (memory == Memory::kPsram && board.memory().psram.empty()) continue;
    TextOf<96> text;
    text << "read " << name_of(memory) << ":";
    for (const int cores : {1, 2}) {
      text << (cores == 1 ? " one core " : ", two cores ");
      text.fixed((board.read_bandwidth(memory, cores, kReadBytes) + 50) / 100, 1) << " MB/s";
    }
    output.line(text);
  }
}

void bench(Output& output, hal::Board& board, ModelLoader& loader, Workers& single, Workers* both) {
  report_bandwidth(output, board);
  report_kernels(output, board, widths_of(loader));
  // The kernels' data has overwritten the model: reload it.
  const bool ready = loader.state() == ModelState::kReady;
  const bool shared_input = ready && loader.image().profile() != Profile::kF32;
  const auto layers = static_cast<uint32_t>(ready ? loader.image().config().n_layers : 0);
  TimedWorkers timed_single(single, board, layers, shared_input);
  TimedWorkers timed_both(both != nullptr ? *both : single, board, layers, shared_input);
  if (loader.load(&timed_single, both != nullptr ? &timed_both : nullptr) == ModelState::kReady) {
    Session& session = loader.session();
    const int last = session.transformer().context() - 1;
    const int early = last < 63 ? last : 63;
    // Attention's time depends on the cache's contents: fill it up to the last position, or a part of it
    // would hold what the kernels were timed on. The contents are kept when the workers change.
    static constexpr int32_t kTokens[kPrefillBlock] = {kTokenBos, kTokenBos, kTokenBos, kTokenBos,
                                                       kTokenBos, kTokenBos, kTokenBos, kTokenBos};
    for (int position = 0; position < last; position += kPrefillBlock) {
      const auto count = static_cast<size_t>(std::min<int>(kPrefillBlock, last - position));
      session.transformer().forward(std::span(kTokens).first(count), position, false);
    }
    for (const int cores : {1, 2}) {
      loader.use_cores(cores);
      if (loader.cores() != cores) continue;
      for (const int position : {early, last})
        report_token(output, session, cores == 1 ? timed_single : timed_both, position);
    }
  } else {
    output.line("no model: no tokens to time");
  }
  if (loader.load(&single, both) != ModelState::kReady) return;
  for (const int cores : {1, 2}) {
    loader.use_cores(cores);
    if (loader.cores() == cores) report_story(output, board, loader.session(), cores);
  }
}

}  // namespace pico_llama::app
