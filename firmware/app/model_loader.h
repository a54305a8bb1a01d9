/// From bytes in flash that may be anything to a session that can tell stories.
#pragma once

#include <cstdint>
#include <span>

#include "engine/session.h"
#include "firmware/app/cartridge.h"
#include "firmware/app/placement.h"
#include "hal/board.h"

namespace pico_llama::app {

enum class ModelState : uint8_t {
  kNone,      ///< erased flash where the cartridge would be
  kBroken,    ///< something is there that cannot be used: why() says it
  kTooLarge,  ///< a good model that this board has no room for: placement() has the numbers
  kReady,
};

class ModelLoader {
 public:
  explicit ModelLoader(hal::Board& board) : board_(board) {}

  /// Finds, checks, places and copies. `single` and `both` are the crews of one core and of two; `both` may
  /// be null.
  ModelState load(Workers* single, Workers* both);
  /// Which of the cartridge's images the next load() takes, from 0; the first, until this is called.
  void choose(int index) { chosen_ = index; }
  int chosen() const { return chosen_; }

  ModelState state() const { return state_; }
  /// Why the state is kBroken.
  const Status& why() const { return why_; }
  const ModelImage& image() const { return image_; }
  const Placement& placement() const { return placement_; }
  std::span<const PlacementItem> items() const { return items_; }
  /// True when PSRAM lost bits of the weights while they were copied, and was given up for it.
  bool psram_gave_up() const { return psram_gave_up_; }
  uint32_t load_milliseconds() const { return load_milliseconds_; }

  /// Requires: state() is kReady.
  Session& session() { return session_; }
  /// 1 or 2; takes effect for the next story. Forgets the current one.
  void use_cores(int cores);
  int cores() const { return cores_; }

 private:
  ModelState check(std::span<const std::byte> slot);
  bool plan(bool with_psram);
  bool copy_weights();
  Status bind(Workers& workers);
  void bind_stream(int worker_count);

  hal::Board& board_;
  Workers* crews_[2] = {};
  ModelState state_ = ModelState::kNone;
  Status why_;
  ModelImage image_;
  Placement placement_;
  std::span<PlacementItem> items_;
  std::span<std::byte> state_memory_;
  std::span<std::byte> kv_memory_;
  std::span<std::byte> stream_memory_;
  std::byte* sram_weights_ = nullptr;
  std::byte* psram_weights_ = nullptr;
  Session session_;
  int cores_ = 1;
  int chosen_ = 0;
  uint32_t load_milliseconds_ = 0;
  bool psram_gave_up_ = false;
};

}  // namespace pico_llama::app
