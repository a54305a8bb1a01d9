#include "tools/simulate/stats.h"

#include <nlohmann/json.hpp>

#include "simulator/bus/qmi.h"
#include "simulator/bus/xip_cache.h"
#include "simulator/dma/dma.h"
#include "simulator/usb/controller.h"

namespace pico_llama::simulate {
namespace {

using namespace simulator;
using Json = nlohmann::ordered_json;

Json core_stats(const CoreStats& core) {
  return {{"cycles", core.cycles},
          {"instructions", core.instructions},
          {"paired_instructions", core.paired},
          {"sleep_cycles", core.sleep_cycles},
          {"stall_cycles",
           {{"result", core.result_stalls},
            {"fpu", core.fpu_stalls},
            {"branch", core.branch_cycles},
            {"data", core.data_stalls},
            {"fetch", core.fetch_stalls},
            {"exception", core.exception_cycles}}},
          {"exceptions", core.exceptions}};
}

Json chip_stats(const Qmi::Counters& chip, Cycle cycles) {
  const double busy = cycles == 0 ? 0 : static_cast<double>(chip.busy_cycles) / static_cast<double>(cycles);
  return {{"bytes_read", chip.bytes_read},   {"bytes_written", chip.bytes_written},
          {"transfers", chip.transfers},     {"chained", chip.chained},
          {"busy_cycles", chip.busy_cycles}, {"busy_share", busy}};
}

}  // namespace

std::string stats_json(Board& board, const UsbHost& host, double real_seconds) {
  const Cycle cycles = board.now();
  const XipCache::Counters& cache = board.xip_cache.counters();
  const UsbController::Counters& usb = board.usb.counters();
  Json stats;
  stats["cycles"] = cycles;
  stats["simulated_seconds"] = static_cast<double>(board.time()) / static_cast<double>(kPicosecondsPerSecond);
  stats["clk_sys_hz"] = board.timebase.clk_sys_hz();
  stats["instructions"] = board.cores[0].stats().instructions + board.cores[1].stats().instructions;
  stats["cores"] = {core_stats(board.cores[0].stats()), core_stats(board.cores[1].stats())};
  stats["xip_cache"] = {{"hits", cache.hits},
                        {"misses", cache.misses},
                        {"uncached", cache.uncached},
                        {"write_backs", cache.write_backs},
                        {"stall_cycles", cache.stall_cycles}};
  stats["qspi"] = {{"flash", chip_stats(board.qmi.counters(0), cycles)},
                   {"psram", chip_stats(board.qmi.counters(1), cycles)}};
  const Dma::Counters& dma = board.dma.counters();
  stats["dma"] = {{"transfers", dma.transfers}, {"bytes", dma.bytes}, {"stall_cycles", dma.stall_cycles}};
  stats["usb"] = {{"bytes_in", usb.bytes_in},
                  {"bytes_out", usb.bytes_out},
                  {"packets_in", usb.packets_in},
                  {"packets_out", usb.packets_out},
                  {"setups", usb.setups},
                  {"stalls", usb.stalls},
                  {"repeated_packets", host.repeated_packets()}};
  stats["led"] = {{"lit", board.led.lit()},
                  {"changes", board.led.changes()},
                  {"lit_seconds", static_cast<double>(board.led.lit_time(board.time())) /
                                      static_cast<double>(kPicosecondsPerSecond)}};
  if (real_seconds >= 0) stats["real_seconds"] = real_seconds;
  return stats.dump(2) + "\n";
}

}  // namespace pico_llama::simulate
