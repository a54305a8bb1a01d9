#include "firmware/drivers/qspi_stream.h"

#include "hardware/regs/dreq.h"
#include "hardware/regs/intctrl.h"
#include "hardware/structs/dma.h"
#include "hardware/structs/dma_debug.h"
#include "hardware/structs/m33.h"
#include "hardware/structs/xip.h"
#include "hardware/structs/xip_aux.h"
#include "hardware/sync.h"

namespace pico_llama::drivers {
namespace {

// Compile-time constants: code that runs for each piece loads no variables for them.
constexpr unsigned kChannel = QspiStream::kChannel;
constexpr uint32_t kBit = 1u << kChannel;
constexpr unsigned kIrq = DMA_IRQ_1;

QspiStream* self = nullptr;

constexpr uint32_t kControl = DMA_CH0_CTRL_TRIG_EN_BITS | DMA_CH0_CTRL_TRIG_INCR_WRITE_BITS |
                              DMA_CH0_CTRL_TRIG_DATA_SIZE_VALUE_SIZE_WORD << DMA_CH0_CTRL_TRIG_DATA_SIZE_LSB |
                              kChannel << DMA_CH0_CTRL_TRIG_CHAIN_TO_LSB |
                              DREQ_XIP_STREAM << DMA_CH0_CTRL_TRIG_TREQ_SEL_LSB;

}  // namespace

void QspiStream::attach() {
  self = this;
  dma_hw->ch[kChannel].al1_ctrl = kControl;
  dma_hw->ch[kChannel].read_addr = reinterpret_cast<uintptr_t>(&xip_aux_hw->stream);
  hw_set_bits(&dma_hw->inte1, kBit);
}

void QspiStream::interrupt() {
  StagedStream& stream = self->stream_;
  if (dma_hw->intr & kBit) {
    dma_hw->intr = kBit;
    stream.copied();
  }
  if (dma_hw->intf1 & kBit) {
    // Clear the flag before checking: a worker that reports in between sets it again.
    hw_clear_bits(&dma_hw->intf1, kBit);
    stream.more();
  }
}

void QspiStream::copy(std::byte* to, const std::byte* from, uint32_t bytes) {
  xip_ctrl_hw->stream_addr = reinterpret_cast<uintptr_t>(from);
  xip_ctrl_hw->stream_ctr = bytes / 4;
  dma_hw->ch[kChannel].write_addr = reinterpret_cast<uintptr_t>(to);
  dma_hw->ch[kChannel].al1_transfer_count_trig = bytes / 4;
}

void QspiStream::halt() {
  // The stream stops immediately; data in its FIFO is transferred as planned or discarded below.
  xip_ctrl_hw->stream_ctr = 0;
  // Disabled first: by erratum RP2350-E5 an aborted channel that is enabled may start again.
  dma_hw->ch[kChannel].al1_ctrl = kControl & ~DMA_CH0_CTRL_TRIG_EN_BITS;
  dma_hw->abort = kBit;
  while (dma_hw->abort & kBit) {
  }
  while (!(xip_ctrl_hw->stat & XIP_STAT_FIFO_EMPTY_BITS)) (void)xip_ctrl_hw->stream_fifo;
  // The channel may still have DREQ credits for words that were in the FIFO. Source: RP2350
  // datasheet 12.6.4.2.
  dma_debug_hw->ch[kChannel].dbg_ctdreq = 0;
  dma_hw->intr = kBit;
  hw_clear_bits(&dma_hw->intf1, kBit);
  dma_hw->ch[kChannel].al1_ctrl = kControl;
}

// The interrupt is handled on core 0; core 1 triggers it through the DMA's force bit.
void QspiStream::wake() { hw_set_bits(&dma_hw->intf1, kBit); }

// The event register latches an announcement between the caller's check and the WFE.
void QspiStream::wait() { __wfe(); }
void QspiStream::announce() {
  __dsb();  // drains the store buffer before the other core wakes up and checks
  __sev();
}

void QspiStream::lock() {
  m33_hw->nvic_icer[kIrq / 32] = 1u << kIrq % 32;
  __dsb();
  __isb();
}
void QspiStream::unlock() { m33_hw->nvic_iser[kIrq / 32] = 1u << kIrq % 32; }

}  // namespace pico_llama::drivers
