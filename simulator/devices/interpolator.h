#pragma once
#include <array>
#include <cstdint>

namespace pico_llama::simulator {

/// One of SIO's interpolators (datasheet section 3.1.10): two lanes of shift, mask, sign-extend, add, with
/// blend mode in INTERP0 and clamp mode in INTERP1.
class Interpolator {
 public:
  explicit Interpolator(bool can_blend) : can_blend_(can_blend) {}
  void reset() { *this = Interpolator(can_blend_); }

  /// `offset` from the interpolator's first register (ACCUM0), 0x00..0x3c.
  std::uint32_t read(std::uint32_t offset);
  void write(std::uint32_t offset, std::uint32_t value);

 private:
  struct Results {
    std::array<std::uint32_t, 3> value{};
    std::array<bool, 2> overflow{};
    std::array<std::uint32_t, 2> shifted{};  ///< shift, mask and sign extension applied, nothing added
  };
  Results work_out() const;
  void pop(const Results& results);

  bool can_blend_;
  std::array<std::uint32_t, 2> accum_{};
  std::array<std::uint32_t, 3> base_{};
  std::array<std::uint32_t, 2> ctrl_{};
};

}  // namespace pico_llama::simulator
