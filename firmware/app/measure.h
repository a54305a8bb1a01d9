/// /selftest and /bench: measurements on a real board, to compare with the simulator's predictions.
#pragma once

#include "firmware/app/model_loader.h"
#include "firmware/app/output.h"
#include "hal/board.h"

namespace pico_llama::app {

/// Tests the hardware and the arithmetic, one line each with "ok" or "FAILED". Returns the number of
/// failures. Tests all of PSRAM, then reloads the model.
int self_test(Output& output, hal::Board& board, ModelLoader& loader, Workers& single, Workers* both);

/// Bandwidths, cycles of each kernel and of each part of a token, with one core and with two.
/// Reloads the model afterwards.
void bench(Output& output, hal::Board& board, ModelLoader& loader, Workers& single, Workers* both);

/// One line per memory: read bandwidth with one core and with both.
void report_bandwidth(Output& output, hal::Board& board);

/// Length of the greedy story whose digest is golden.
inline constexpr int kDigestTokens = 64;
/// Generates the greedy story without output. Returns false if it cannot begin.
bool greedy_digest(Session& session, uint32_t& result);

/// FNV-1a over token ids: the digest that /selftest prints and compares with the golden one.
constexpr uint32_t kDigestStart = 2166136261u;
constexpr uint32_t digest(uint32_t so_far, int32_t token) {
  const auto bits = static_cast<uint32_t>(token);
  for (int shift = 0; shift < 32; shift += 8) so_far = (so_far ^ (bits >> shift & 0xff)) * 16777619u;
  return so_far;
}

}  // namespace pico_llama::app
