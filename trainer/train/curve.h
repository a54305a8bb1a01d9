#pragma once
#include <string>
#include <vector>

#include "trainer/train/state_file.h"

namespace pico_llama::trainer {

/// step,training_loss,held_out_loss,learning_rate
std::string curve_csv(const std::vector<CurvePoint>& curve);

/// As an SVG plot: both losses over the steps, with labelled axes.
std::string curve_svg(const std::vector<CurvePoint>& curve);

}  // namespace pico_llama::trainer
