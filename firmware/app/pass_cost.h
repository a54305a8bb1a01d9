/// What a pass over a placed model costs, for the choice of how many tokens ahead are guessed.
#pragma once

#include "engine/drafts/drafter.h"
#include "engine/model/model_image.h"
#include "firmware/app/placement.h"
#include "hal/board.h"

namespace pico_llama::app {

/// Units: clk_sys cycles. An estimate: it decides speed, never a result.
PassCost pass_cost(const ModelImage& image, const Placement& placement, const hal::BoardInfo& board,
                   int cores);

}  // namespace pico_llama::app
