/// From untrusted bytes in flash to a session that generates stories.
#pragma once

#include <cstdint>
#include <span>

#include "engine/session.h"
#include "firmware/app/cartridge.h"
#include "firmware/app/placement.h"
#include "hal/board.h"

namespace pico_llama::app {

enum class ModelState : uint8_t {
  kNone,      ///< the cartridge's flash is erased
  kBroken,    ///< not a usable image; why() has the reason
  kTooLarge,  ///< valid, but it does not fit this board; placement() has the numbers
  kReady,
};

class ModelLoader {
 public:
  explicit ModelLoader(hal::Board& board) : board_(board) {}

  /// Finds, validates, places and copies the model. `single` and `both`: workers of one core and of two;
  /// `both` may be null.
  ModelState load(Workers* single, Workers* both);
  /// Selects the image of the cartridge for the next load(), counted from 0, the default.
  void choose(int index) { chosen_ = index; }
  int chosen() const { return chosen_; }

  ModelState state() const { return state_; }
  /// Why the state is kBroken.
  const Status& why() const { return why_; }
  const ModelImage& image() const { return image_; }
  const Placement& placement() const { return placement_; }
  std::span<const PlacementItem> items() const { return items_; }
  /// True if weights copied to PSRAM did not verify, so PSRAM is not used.
  bool psram_gave_up() const { return psram_gave_up_; }
  uint32_t load_milliseconds() const { return load_milliseconds_; }

  /// Requires: state() is kReady.
  Session& session() { return session_; }
  /// 1 or 2, from the next story on. Ends the current one.
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
