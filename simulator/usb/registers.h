#pragma once
#include <cstdint>

/// Registers of the USB controller, named as the datasheet names them.
/// Source: RP2350 datasheet section 12.7.5 (SDK hardware/regs/usb.h, usb_device_dpram.h).
namespace pico_llama::simulator::usb_regs {

// Offsets in the register window.
inline constexpr std::uint32_t kAddrEndp = 0x00;
inline constexpr std::uint32_t kAddrEndp15 = 0x3c;
inline constexpr std::uint32_t kMainCtrl = 0x40;
inline constexpr std::uint32_t kSofWr = 0x44;
inline constexpr std::uint32_t kSofRd = 0x48;
inline constexpr std::uint32_t kSieCtrl = 0x4c;
inline constexpr std::uint32_t kSieStatus = 0x50;
inline constexpr std::uint32_t kIntEpCtrl = 0x54;
inline constexpr std::uint32_t kBuffStatus = 0x58;
inline constexpr std::uint32_t kBuffCpuShouldHandle = 0x5c;
inline constexpr std::uint32_t kEpAbort = 0x60;
inline constexpr std::uint32_t kEpAbortDone = 0x64;
inline constexpr std::uint32_t kEpStallArm = 0x68;
inline constexpr std::uint32_t kNakPoll = 0x6c;
inline constexpr std::uint32_t kEpStatusStallNak = 0x70;
inline constexpr std::uint32_t kUsbMuxing = 0x74;
inline constexpr std::uint32_t kUsbPwr = 0x78;
inline constexpr std::uint32_t kUsbphyDirect = 0x7c;
inline constexpr std::uint32_t kUsbphyDirectOverride = 0x80;
inline constexpr std::uint32_t kUsbphyTrim = 0x84;
inline constexpr std::uint32_t kLinestateTuning = 0x88;
inline constexpr std::uint32_t kIntr = 0x8c;
inline constexpr std::uint32_t kInte = 0x90;
inline constexpr std::uint32_t kIntf = 0x94;
inline constexpr std::uint32_t kInts = 0x98;
inline constexpr std::uint32_t kSofTimestampRaw = 0x100;
inline constexpr std::uint32_t kSofTimestampLast = 0x104;
inline constexpr std::uint32_t kEpTxError = 0x10c;
inline constexpr std::uint32_t kEpRxError = 0x110;
inline constexpr std::uint32_t kDevSmWatchdog = 0x114;

// MAIN_CTRL
inline constexpr std::uint32_t kControllerEn = 1u << 0;
inline constexpr std::uint32_t kHostNDevice = 1u << 1;
inline constexpr std::uint32_t kPhyIso = 1u << 2;
// SIE_CTRL
inline constexpr std::uint32_t kResume = 1u << 12;
inline constexpr std::uint32_t kPulldownEn = 1u << 15;
inline constexpr std::uint32_t kPullupEn = 1u << 16;
inline constexpr std::uint32_t kTransceiverPd = 1u << 18;
inline constexpr std::uint32_t kEp0IntNak = 1u << 27;
inline constexpr std::uint32_t kEp0Int2Buf = 1u << 28;
inline constexpr std::uint32_t kEp0Int1Buf = 1u << 29;
inline constexpr std::uint32_t kEp0DoubleBuf = 1u << 30;
inline constexpr std::uint32_t kEp0IntStall = 1u << 31;
/// SIE_CTRL's fields for host mode and for direct control of the pins, neither of which is modelled.
inline constexpr std::uint32_t kSieCtrlHostOrDirect = 0x0700'2f5f;
// SIE_STATUS
inline constexpr std::uint32_t kVbusDetected = 1u << 0;
inline constexpr std::uint32_t kLineStateLsb = 2;
inline constexpr std::uint32_t kSuspended = 1u << 4;
inline constexpr std::uint32_t kResumeReceived = 1u << 11;
inline constexpr std::uint32_t kRxShortPacket = 1u << 12;
inline constexpr std::uint32_t kConnected = 1u << 16;
inline constexpr std::uint32_t kSetupRec = 1u << 17;
inline constexpr std::uint32_t kTransComplete = 1u << 18;
inline constexpr std::uint32_t kBusReset = 1u << 19;
inline constexpr std::uint32_t kEndpointError = 1u << 23;
inline constexpr std::uint32_t kCrcError = 1u << 24;
inline constexpr std::uint32_t kBitStuffError = 1u << 25;
inline constexpr std::uint32_t kRxOverflow = 1u << 26;
inline constexpr std::uint32_t kRxTimeout = 1u << 27;
inline constexpr std::uint32_t kStallRec = 1u << 29;
inline constexpr std::uint32_t kAckRec = 1u << 30;
inline constexpr std::uint32_t kDataSeqError = 1u << 31;
// USB_MUXING and USB_PWR
inline constexpr std::uint32_t kToPhy = 1u << 0;
inline constexpr std::uint32_t kVbusDetect = 1u << 2;
inline constexpr std::uint32_t kVbusDetectOverrideEn = 1u << 3;
// INTR, INTE, INTF, INTS
inline constexpr std::uint32_t kIntTransComplete = 1u << 3;
inline constexpr std::uint32_t kIntBuffStatus = 1u << 4;
inline constexpr std::uint32_t kIntErrorDataSeq = 1u << 5;
inline constexpr std::uint32_t kIntErrorRxTimeout = 1u << 6;
inline constexpr std::uint32_t kIntErrorRxOverflow = 1u << 7;
inline constexpr std::uint32_t kIntErrorBitStuff = 1u << 8;
inline constexpr std::uint32_t kIntErrorCrc = 1u << 9;
inline constexpr std::uint32_t kIntStall = 1u << 10;
inline constexpr std::uint32_t kIntVbusDetect = 1u << 11;
inline constexpr std::uint32_t kIntBusReset = 1u << 12;
inline constexpr std::uint32_t kIntDevConnDis = 1u << 13;
inline constexpr std::uint32_t kIntDevSuspend = 1u << 14;
inline constexpr std::uint32_t kIntDevResumeFromHost = 1u << 15;
inline constexpr std::uint32_t kIntSetupReq = 1u << 16;
inline constexpr std::uint32_t kIntDevSof = 1u << 17;
inline constexpr std::uint32_t kIntAbortDone = 1u << 18;
inline constexpr std::uint32_t kIntEpStallNak = 1u << 19;
inline constexpr std::uint32_t kIntRxShortPacket = 1u << 20;
inline constexpr std::uint32_t kIntEndpointError = 1u << 21;

// Dual-port RAM of a device, section 12.7.3.3: EPn control from endpoint 1, buffer control from endpoint 0,
// IN before OUT.
inline constexpr std::uint32_t kSetupPacket = 0x000;
inline constexpr std::uint32_t kEp1InControl = 0x008;
inline constexpr std::uint32_t kEp0InBufferControl = 0x080;
inline constexpr std::uint32_t kEp0Buffer = 0x100;
inline constexpr std::uint32_t kDataBuffers = 0x180;
// Endpoint control
inline constexpr std::uint32_t kEpEnable = 1u << 31;
inline constexpr std::uint32_t kEpDoubleBuffered = 1u << 30;
inline constexpr std::uint32_t kEpInterruptPerBuff = 1u << 29;
inline constexpr std::uint32_t kEpInterruptPerDoubleBuff = 1u << 28;
inline constexpr std::uint32_t kEpTypeLsb = 26;
inline constexpr std::uint32_t kEpTypeIsochronous = 1;
inline constexpr std::uint32_t kEpInterruptOnStall = 1u << 17;
inline constexpr std::uint32_t kEpInterruptOnNak = 1u << 16;
inline constexpr std::uint32_t kEpBufferAddress = 0xffc0;  ///< bits 5:0 are ignored
// Buffer control, of buffer 0; those of buffer 1 are 16 bits further up, but for RESET and STALL.
inline constexpr std::uint32_t kBufFull = 1u << 15;
inline constexpr std::uint32_t kBufLast = 1u << 14;
inline constexpr std::uint32_t kBufPid = 1u << 13;
inline constexpr std::uint32_t kBufReset = 1u << 12;
inline constexpr std::uint32_t kBufStall = 1u << 11;
inline constexpr std::uint32_t kBufAvailable = 1u << 10;
inline constexpr std::uint32_t kBufLength = 0x3ff;

}  // namespace pico_llama::simulator::usb_regs
