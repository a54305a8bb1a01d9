#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engine/model/q4_layout.h"
#include "tools/packer/input_moments.h"

namespace pico_llama::packer {

/// 8 rows as rows_q4 has them.
struct Q4Block {
  float scale = 0;
  std::vector<std::int8_t> codes;    ///< (8, groups)
  std::vector<std::int8_t> weights;  ///< (8, padded columns), -8..7
};

/// Rounds rows so that their products with the calibration inputs change least: the rounding error of each
/// column is compensated by later columns (GPTQ, Frantar and others 2022, arXiv 2210.17323, in the LDLQ form,
/// Chee and others 2023, arXiv 2307.13304), then rows are refined weight by weight and scale by scale while
/// that helps. Deterministic on every machine.
class Q4Quantizer {
 public:
  /// moments: of the inputs; nullptr: every direction counts alike. identity: what an error counts for
  /// itself, as a part of the mean moment. Cost: columns^3 / 3.
  Q4Quantizer(std::uint32_t columns, const Moments* moments, double identity);

  /// rows: (8, columns). Cost: some columns^2 a row.
  Q4Block quantize(std::span<const float> rows) const;

 private:
  void round_forward(std::span<const float> w, float scale, std::span<std::int8_t> codes,
                     std::span<std::int8_t> weights) const;
  void improve(std::span<const float> w, float scale, std::span<std::int8_t> codes,
               std::span<std::int8_t> weights) const;

  std::size_t n_;  ///< columns, to whole groups
  int max_code_;
  std::vector<float> h_;  ///< (n, n) moments, mean of the diagonal 1; empty without any
  std::vector<float> m_;  ///< (n, n) row i: what column i's error adds to the columns after it; or empty
  std::vector<float> d_;  ///< (n) what an error counts once the columns after it have made up for it
};

}  // namespace pico_llama::packer
