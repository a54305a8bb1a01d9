#include "firmware/app/measure.h"

#include "firmware/app/kernel_check.h"
#include "firmware/app/report.h"

namespace pico_llama::app {
namespace {

using hal::Memory;

/// Digests of greedy stories from BOS, 64 tokens, as /selftest generates them. For f32 from llama2.c (the
/// engine's goldens check that the first is run.c's story), for q8 from this engine on a PC.
struct GoldenDigest {
  uint8_t checkpoint_sha256[4];  ///< its first bytes
  Profile profile;
  uint32_t digest;
};
constexpr GoldenDigest kGoldenDigests[] = {
#include "firmware/app/golden_digests.inc"
};

const GoldenDigest* golden_of(const ModelImage& image) {
  for (const GoldenDigest& golden : kGoldenDigests) {
    bool same = golden.profile == image.profile();
    for (int i = 0; i < 4; ++i)
      same = same && golden.checkpoint_sha256[i] == image.header().checkpoint_sha256[i];
    if (same) return &golden;
  }
  return nullptr;
}

class Checks {
 public:
  explicit Checks(Output& output) : output_(output) {}

  void report(std::string_view what, bool good, const Text& detail) {
    TextOf<192> text;
    text << (good ? "ok      " : "FAILED  ") << what;
    text.column(30) << detail.view();
    output_.line(text);
    failed_ += !good;
  }
  int failed() const { return failed_; }

 private:
  Output& output_;
  int failed_ = 0;
};

// Not inlined: their frames would add to the stack of loading the model, the deepest call of self_test().
[[gnu::noinline]] void check_psram(Checks& checks, hal::Board& board) {
  const hal::PsramState before = board.info().psram;
  if (before.verdict == hal::PsramVerdict::kNotFitted) return;
  TextOf<160> detail;
  if (before.verdict != hal::PsramVerdict::kReady) {
    append_psram(detail, board.info());
    return checks.report("PSRAM", false, detail);
  }
  const hal::PsramState state = board.test_psram();
  if (state.verdict == hal::PsramVerdict::kReady) {
    detail << "every bit of ";
    detail.grouped(state.bytes) << " B held both values";
  } else {
    detail << "offset ";
    detail.hex(state.bad_offset, 6) << " wrote ";
    detail.hex(state.bad_expected, 8) << " read ";
    detail.hex(state.bad_found, 8);
  }
  checks.report("PSRAM, all of it", state.verdict == hal::PsramVerdict::kReady, detail);
}

[[gnu::noinline]] void check_crc(Checks& checks, hal::Board& board) {
  // CRC-32's published check value, of the digits 1 to 9.
  static constexpr char kDigits[] = "123456789";
  const uint32_t crc = board.crc32(std::as_bytes(std::span(kDigits, 9)));
  TextOf<64> detail;
  detail << "of 123456789: ";
  detail.hex(crc, 8);
  checks.report("CRC32 by DMA", crc == 0xcbf43926u, detail);
}

[[gnu::noinline]] void check_entropy(Checks& checks, hal::Board& board) {
  const uint64_t a = board.entropy();
  const uint64_t b = board.entropy();
  TextOf<64> detail;
  detail.hex(static_cast<uint32_t>(a >> 32), 8).hex(static_cast<uint32_t>(a), 8) << " then ";
  detail.hex(static_cast<uint32_t>(b >> 32), 8).hex(static_cast<uint32_t>(b), 8);
  checks.report("random source", a != b && a != 0 && b != 0, detail);
}

[[gnu::noinline]] void check_model(Checks& checks, ModelLoader& loader, bool two_cores) {
  TextOf<160> detail;
  const Status crc = loader.image().check_crc();
  detail << (crc.ok() ? "CRC32 by the core agrees" : "CRC32 by the core differs");
  checks.report("model image", crc.ok(), detail);

  uint32_t digests[2] = {};
  for (int cores = 1; cores <= (two_cores ? 2 : 1); ++cores) {
    loader.use_cores(cores);
    detail.clear();
    const bool told = greedy_digest(loader.session(), digests[cores - 1]);
    detail << kDigestTokens << " tokens, digest ";
    detail.hex(digests[cores - 1], 8);
    bool good = told;
    if (const GoldenDigest* golden = golden_of(loader.image()); golden != nullptr) {
      good = good && digests[cores - 1] == golden->digest;
      if (good) {
        detail << " as on a PC";
      } else {
        detail << ", should be ";
        detail.hex(golden->digest, 8);
      }
    } else if (cores == 2) {
      good = good && digests[1] == digests[0];
      detail << (good ? " as with one core" : ", not as with one core");
    }
    checks.report(cores == 1 ? "greedy story, 1 core" : "greedy story, 2 cores", good, detail);
  }
}

/// Every kernel on synthetic data, without a model. Overwrites the model's SRAM.
[[gnu::noinline]] void check_every_kernel(Checks& checks, hal::Board& board) {
  const std::span<std::byte> memory = board.memory().sram;
  if (memory.size() < kKernelCheckBytes) {
    TextOf<64> none;
    none << "no room for their data";
    return checks.report("kernels", false, none);
  }
  for (const KernelCheck& kernel : check_kernels(kernels_in_use(), portable_kernels(), memory)) {
    TextOf<32> name;
    name << "kernel " << kernel.name;
    TextOf<160> detail;
    if (kernel.same) {
      detail << (kernel.is_reference ? "portable itself: " : "same as portable: ") << kernel.shapes
             << " shapes, CRC32 ";
      detail.hex(kernel.crc, 8);
    } else {
      detail << "differs from the portable one:";
      append_shape(detail, kernel.shape_names, kernel.shape);
      detail << ", byte " << kernel.byte << " is ";
      detail.hex(kernel.found, 2) << ", should be ";
      detail.hex(kernel.expected, 2);
    }
    checks.report(name.view(), kernel.same, detail);
  }
}

}  // namespace

int self_test(Output& output, hal::Board& board, ModelLoader& loader, Workers& single, Workers* both) {
  Checks checks(output);
  check_crc(checks, board);
  check_entropy(checks, board);
  check_psram(checks, board);
  check_every_kernel(checks, board);
  // These tests have overwritten the model in PSRAM and SRAM.
  const bool had_model = loader.state() == ModelState::kReady;
  if (loader.load(&single, both) == ModelState::kReady) {
    check_model(checks, loader, both != nullptr);
  } else if (had_model) {
    TextOf<8> none;
    checks.report("loading the model again", false, none);
  }
  TextOf<96> detail;
  bool room = true;
  for (int core = 0; core < 2; ++core) {
    room = room && board.stack_used(core) < board.stack_bytes(core);
    detail << (core == 0 ? "core " : "; core ") << core << ": " << board.stack_used(core) << " of "
           << board.stack_bytes(core) << " B";
  }
  checks.report("stacks", room, detail);
  report_bandwidth(output, board);
  TextOf<64> text;
  text << "selftest: " << checks.failed() << " failed";
  output.line(text);
  return checks.failed();
}

bool greedy_digest(Session& session, uint32_t& result) {
  SessionOptions options;
  options.sampler.temperature = 0;
  options.steps = kDigestTokens;
  if (!session.begin({}, options).ok()) return false;
  result = kDigestStart;
  for (;;) {
    const SessionStep step = session.step();
    if (step.token >= 0) result = digest(result, step.token);
    if (step.stop != StopReason::kNone) return true;
  }
}

}  // namespace pico_llama::app
