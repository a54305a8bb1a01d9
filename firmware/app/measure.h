/// /selftest and /bench: what a person with a board pastes back to settle what the simulator only predicts.
#pragma once

#include "firmware/app/model_loader.h"
#include "firmware/app/output.h"
#include "hal/board.h"

namespace pico_llama::app {

/// Checks the machine and the arithmetic; one line each with "ok" or "FAILED". Returns the number that
/// failed. Tests all of PSRAM, and loads the model again after.
int self_test(Output& output, hal::Board& board, ModelLoader& loader, Workers& single, Workers* both);

/// Bandwidths, cycles of each kernel and of each part of a token, with one core and with two. Loads the model
/// again after.
void bench(Output& output, hal::Board& board, ModelLoader& loader, Workers& single, Workers* both);

/// One line a memory: how fast one core reads it, and two at once.
void report_bandwidth(Output& output, hal::Board& board);

/// Tokens of the story that golden digests are of.
inline constexpr int kDigestTokens = 64;
/// Tells the greedy story without showing it. Returns false when it could not begin.
bool greedy_digest(Session& session, uint32_t& result);

/// FNV-1a over token ids: what /selftest prints for the greedy story, and golden digests are.
constexpr uint32_t kDigestStart = 2166136261u;
constexpr uint32_t digest(uint32_t so_far, int32_t token) {
  const auto bits = static_cast<uint32_t>(token);
  for (int shift = 0; shift < 32; shift += 8) so_far = (so_far ^ (bits >> shift & 0xff)) * 16777619u;
  return so_far;
}

}  // namespace pico_llama::app
