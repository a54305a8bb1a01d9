#pragma once
#include "simulator/bus/xip_cache.h"
#include "simulator/bus/xip_stream.h"

namespace pico_llama::simulator {

/// XIP_CTRL (datasheet section 4.4.5): the APB registers of cache and stream.
class XipControl : public Device {
 public:
  static constexpr std::uint32_t kBase = 0x400c'8000;
  XipControl(XipCache& cache, XipStream& stream) : cache_(cache), stream_(stream) {}
  std::string_view name() const override { return "xip_ctrl"; }
  Reply read(std::uint32_t offset, const Access& access) override;
  Reply write(std::uint32_t offset, std::uint32_t value, const Access& access) override;

 private:
  XipCache& cache_;
  XipStream& stream_;
};

/// XIP_AUX (datasheet section 4.4.6): the stream's FIFO and the QMI's direct-mode FIFOs on the fast AHB.
class XipAux : public Device {
 public:
  static constexpr std::uint32_t kBase = 0x5050'0000;
  XipAux(XipStream& stream, Qmi& qmi) : stream_(stream), qmi_(qmi) {}
  std::string_view name() const override { return "xip_aux"; }
  bool has_atomic_aliases() const override { return false; }
  Reply read(std::uint32_t offset, const Access& access) override;
  Reply write(std::uint32_t offset, std::uint32_t value, const Access& access) override;

 private:
  XipStream& stream_;
  Qmi& qmi_;
};

}  // namespace pico_llama::simulator
