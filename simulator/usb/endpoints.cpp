// The endpoints: the DPRAM state that each token reads and updates.
#include <algorithm>
#include <cstring>

#include "simulator/stop.h"
#include "simulator/usb/controller.h"
#include "simulator/usb/registers.h"

namespace pico_llama::simulator {

using namespace usb_regs;

std::uint32_t UsbController::endpoint_control(unsigned line) const {
  if (line >= 2) return dpram_.word(kEp1InControl + 4 * (line - 2));
  // Endpoint 0 has its bits in SIE_CTRL, at other places.
  const std::uint32_t sie = registers_[kSieCtrl / 4];
  std::uint32_t control = kEpEnable | kEp0Buffer;
  if ((sie & kEp0DoubleBuf) != 0) control |= kEpDoubleBuffered;
  if ((sie & kEp0Int1Buf) != 0) control |= kEpInterruptPerBuff;
  if ((sie & kEp0Int2Buf) != 0) control |= kEpInterruptPerDoubleBuff;
  if ((sie & kEp0IntStall) != 0) control |= kEpInterruptOnStall;
  if ((sie & kEp0IntNak) != 0) control |= kEpInterruptOnNak;
  return control;
}

std::uint32_t UsbController::buffer_control_offset(unsigned line) const {
  return kEp0InBufferControl + 4 * line;
}

std::uint32_t UsbController::selected_half(unsigned line) const {
  return dpram_.word(buffer_control_offset(line)) >> (16 * selected_[line]) & 0xffff;
}

std::uint32_t UsbController::buffer_address(unsigned line) const {
  // Buffer 1 lies 64 bytes after buffer 0 (not so for isochronous endpoints, which are refused).
  return (endpoint_control(line) & kEpBufferAddress) + 64u * selected_[line];
}

bool UsbController::stalled(unsigned line) const {
  if ((dpram_.word(buffer_control_offset(line)) & kBufStall) == 0) return false;
  // A STALL of endpoint 0 counts only while armed, so that the next SETUP ends it.
  return line >= 2 || (registers_[kEpStallArm / 4] >> line & 1) != 0;
}

bool UsbController::ready(unsigned endpoint, bool in) const {
  const unsigned l = line(endpoint, in);
  if (!pulled_up() || (endpoint_control(l) & kEpEnable) == 0) return false;
  if ((registers_[kEpAbort / 4] >> l & 1) != 0) return false;
  return stalled(l) || (selected_half(l) & kBufAvailable) != 0;
}

std::size_t UsbController::waiting_bytes(unsigned endpoint) const {
  return selected_half(line(endpoint, true)) & kBufLength;
}

void UsbController::dpram_written(std::uint32_t offset, Picoseconds now) {
  if (offset < kEp1InControl || offset >= kEp0Buffer) return;
  const unsigned l =
      offset >= kEp0InBufferControl ? (offset - kEp0InBufferControl) / 4 : (offset - kEp1InControl) / 4 + 2;
  if (offset >= kEp0InBufferControl) {
    const std::uint32_t word = dpram_.word(offset);
    if ((word & kBufReset) != 0) {
      selected_[l] = 0;
      dpram_.set_word(offset, word & ~kBufReset);  // self-clearing
    }
  } else if ((dpram_.word(offset) >> kEpTypeLsb & 3) == kEpTypeIsochronous &&
             (dpram_.word(offset) & kEpEnable) != 0) {
    throw Stop("USBCTRL: isochronous endpoints are not modelled");
  }
  if (watcher_ != nullptr && ready(l / 2, l % 2 == 0)) watcher_->endpoint_ready(l / 2, l % 2 == 0, now);
}

bool UsbController::answers(unsigned address, unsigned l) const {
  return plugged_ && pulled_up() && address == (registers_[kAddrEndp / 4] & 0x7f) &&
         (endpoint_control(l) & kEpEnable) != 0;
}

Handshake UsbController::refuse(unsigned l, Handshake handshake, Picoseconds now) {
  const std::uint32_t wanted = handshake == Handshake::kStall ? kEpInterruptOnStall : kEpInterruptOnNak;
  if (handshake == Handshake::kStall) ++counters_.stalls;
  if ((endpoint_control(l) & wanted) != 0) {
    stall_nak_ |= 1u << l;
    update(now);
  }
  return handshake;
}

Handshake UsbController::setup(unsigned address, std::span<const std::uint8_t, 8> packet, Picoseconds now) {
  if (!answers(address, 0)) return Handshake::kSilence;
  ++counters_.setups;
  std::copy(packet.begin(), packet.end(), dpram_.bytes(kSetupPacket));
  registers_[kEpStallArm / 4] = 0;
  latched_status_ |= kSetupRec;
  update(now);
  return Handshake::kAck;  // USB 2.0 section 8.4.6.4: a function always accepts SETUP
}

Handshake UsbController::in(unsigned address, unsigned endpoint, UsbPacket& packet, Picoseconds now) {
  const unsigned l = line(endpoint, true);
  if (!answers(address, l)) return Handshake::kSilence;
  if ((registers_[kEpAbort / 4] >> l & 1) != 0) return refuse(l, Handshake::kNak, now);
  if (stalled(l)) return refuse(l, Handshake::kStall, now);
  const std::uint32_t half = selected_half(l);
  if ((half & kBufAvailable) == 0 || (half & kBufFull) == 0) return refuse(l, Handshake::kNak, now);

  const std::uint32_t from = buffer_address(l);
  packet.size = half & kBufLength;
  packet.data1 = (half & kBufPid) != 0;
  if (packet.size > UsbPacket::kMaxBytes || from + packet.size > UsbDpram::kBytes) {
    throw Stop("USBCTRL: an IN buffer is longer than 64 bytes or lies outside the DPRAM");
  }
  std::memcpy(packet.bytes.data(), dpram_.bytes(from), packet.size);
  counters_.bytes_in += packet.size;
  ++counters_.packets_in;
  latched_status_ |= kAckRec;
  finish_buffer(l, half & ~(kBufAvailable | kBufFull), false, now);
  return Handshake::kAck;
}

Handshake UsbController::out(unsigned address, unsigned endpoint, const UsbPacket& packet, Picoseconds now) {
  const unsigned l = line(endpoint, false);
  if (!answers(address, l)) return Handshake::kSilence;
  if ((registers_[kEpAbort / 4] >> l & 1) != 0) return refuse(l, Handshake::kNak, now);
  if (stalled(l)) return refuse(l, Handshake::kStall, now);
  const std::uint32_t half = selected_half(l);
  if ((half & kBufAvailable) == 0) return refuse(l, Handshake::kNak, now);
  if (packet.data1 != ((half & kBufPid) != 0)) {
    // USB 2.0 section 8.6.4: the receiver has had this packet; it acknowledges and drops it.
    latched_status_ |= kDataSeqError;
    update(now);
    return Handshake::kAck;
  }
  const std::uint32_t room = half & kBufLength;
  const std::uint32_t to = buffer_address(l);
  if (packet.size > room) {
    latched_status_ |= kRxOverflow | kEndpointError;
    update(now);
    return Handshake::kSilence;
  }
  if (to + packet.size > UsbDpram::kBytes) throw Stop("USBCTRL: an OUT buffer lies outside the DPRAM");
  std::memcpy(dpram_.bytes(to), packet.bytes.data(), packet.size);
  counters_.bytes_out += packet.size;
  ++counters_.packets_out;
  const bool is_short = packet.size < room;
  if (is_short) latched_status_ |= kRxShortPacket;
  finish_buffer(l,
                (half & ~(kBufAvailable | kBufLength)) | kBufFull | static_cast<std::uint32_t>(packet.size),
                is_short, now);
  return Handshake::kAck;
}

/// Writes the status back into the buffer control word, switches to the other buffer, raises the interrupt.
void UsbController::finish_buffer(unsigned l, std::uint32_t half, bool short_out, Picoseconds now) {
  const std::uint32_t control = endpoint_control(l);
  const unsigned buffer = selected_[l];
  const std::uint32_t offset = buffer_control_offset(l);
  const unsigned shift = 16 * buffer;
  dpram_.set_word(offset, (dpram_.word(offset) & ~(0xffffu << shift)) | half << shift);
  const bool twin = (control & kEpDoubleBuffered) != 0;
  // After a short packet, too: the description of SIE_STATUS.RX_SHORT_PACKET says that the selection stays,
  // but A2's boot ROM receives each command of 31 bytes in the buffer after that of the last one.
  if (twin) selected_[l] ^= 1;
  if ((half & kBufLast) != 0) latched_status_ |= kTransComplete;
  const bool both = twin && (control & kEpInterruptPerDoubleBuff) != 0 && (buffer == 1 || short_out);
  if ((control & kEpInterruptPerBuff) != 0 || both) raise_buffer(l, buffer);
  update(now);
  if (watcher_ != nullptr && ready(l / 2, l % 2 == 0)) watcher_->endpoint_ready(l / 2, l % 2 == 0, now);
}

void UsbController::raise_buffer(unsigned l, unsigned buffer) {
  const std::uint32_t bit = 1u << l;
  if ((buff_status_ & bit) != 0) {
    queued_[l] = static_cast<std::uint8_t>(1 + buffer);
    return;
  }
  buff_status_ |= bit;
  should_handle_ = buffer == 1 ? should_handle_ | bit : should_handle_ & ~bit;
}

}  // namespace pico_llama::simulator
