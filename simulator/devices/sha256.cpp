#include "simulator/devices/sha256.h"

#include <algorithm>
#include <bit>

namespace pico_llama::simulator {
namespace {
constexpr std::uint32_t kCsr = 0x00, kWdata = 0x04, kSum0 = 0x08;
constexpr std::uint32_t kStart = 1, kReady = 2, kSumValid = 4, kError = 0x10, kByteSwap = 1U << 12;
constexpr Register kRegisters[] = {
    {.offset = kCsr, .name = "CSR", .reset = 0x1200, .writable = 0x1300, .ignored = 0x17},
    {.offset = kWdata, .name = "WDATA", .ignored = ~0U},
    {.offset = kSum0, .name = "SUM", .ignored = ~0U, .count = 8},
};
constexpr Cycle kDigestCycles = 57;  // section 12.13.2

// FIPS 180-4, sections 5.3.3 and 4.2.2: fractional bits of the square roots of the first 8 primes, and of the
// cube roots of the first 64.
constexpr std::array<std::uint32_t, 8> kInitial = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                                   0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
constexpr std::uint32_t kRound[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};
}  // namespace

Sha256::Sha256(EventQueue& events) : RegisterDevice("SHA256", kRegisters), events_(events) {}

void Sha256::reset() {
  RegisterDevice::reset();
  start();
  sum_ = {};
  started_ = error_ = false;
}

void Sha256::start() {
  sum_ = kInitial;
  words_ = shift_bytes_ = 0;
  shift_ = 0;
  busy_until_ = 0;
  started_ = true;
}

/// The rest of the present block, in transfers of CSR.DMA_SIZE.
unsigned Sha256::requests(Cycle now) const {
  if (!started_ || !ready(now)) return 0;
  return (64 - 4 * words_ - shift_bytes_) >> (stored(kCsr) >> 8 & 3);
}

void Sha256::take(std::uint32_t value, unsigned bytes, Cycle now) {
  if (!started_) stop(kWdata, "written before CSR.START");
  if (!ready(now)) {
    error_ = true;
    return;
  }
  if (shift_bytes_ + bytes > 4)
    stop(kWdata, "writes of different sizes are mixed within a word: data is dropped (12.13.3)");
  const std::uint64_t mask = (std::uint64_t{1} << 8 * bytes) - 1;
  shift_ |= (value & mask) << 8 * shift_bytes_;
  shift_bytes_ += bytes;
  if (shift_bytes_ < 4) return;
  const auto word = static_cast<std::uint32_t>(shift_);
  block_[words_++] = (stored(kCsr) & kByteSwap) != 0 ? __builtin_bswap32(word) : word;
  shift_ = 0;
  shift_bytes_ = 0;
  if (words_ < block_.size()) return;
  digest();
  words_ = 0;
  busy_until_ = now + kDigestCycles;
  events_.at_cycle(busy_until_, [this, at = busy_until_] { dreq.raise(at); });
}

void Sha256::digest() {
  std::array<std::uint32_t, 64> schedule{};
  std::copy(block_.begin(), block_.end(), schedule.begin());
  for (std::size_t t = 16; t < 64; ++t) {
    const std::uint32_t a = schedule[t - 15], b = schedule[t - 2];
    schedule[t] = schedule[t - 16] + (std::rotr(a, 7) ^ std::rotr(a, 18) ^ a >> 3) + schedule[t - 7] +
                  (std::rotr(b, 17) ^ std::rotr(b, 19) ^ b >> 10);
  }
  auto [a, b, c, d, e, f, g, h] = sum_;
  for (std::size_t t = 0; t < 64; ++t) {
    const std::uint32_t first = h + (std::rotr(e, 6) ^ std::rotr(e, 11) ^ std::rotr(e, 25)) +
                                ((e & f) ^ (~e & g)) + kRound[t] + schedule[t];
    const std::uint32_t second =
        (std::rotr(a, 2) ^ std::rotr(a, 13) ^ std::rotr(a, 22)) + ((a & b) ^ (a & c) ^ (b & c));
    h = g;
    g = f;
    f = e;
    e = d + first;
    d = c;
    c = b;
    b = a;
    a = first + second;
  }
  const std::uint32_t added[8] = {a, b, c, d, e, f, g, h};
  for (std::size_t i = 0; i < 8; ++i) sum_[i] += added[i];
}

std::uint32_t Sha256::on_read(std::uint32_t offset, const Access& access) {
  const bool valid = ready(access.now) && words_ == 0 && shift_bytes_ == 0;
  if (offset == kCsr)
    return stored(kCsr) | (ready(access.now) ? kReady : 0) | (valid ? kSumValid : 0) | (error_ ? kError : 0);
  if (offset == kWdata) return 0;  // write-only
  if (!valid && !early_reads_) stop(offset, "read while CSR.SUM_VLD is 0: undefined");
  return sum_[(offset - kSum0) / 4];
}

void Sha256::on_write(const Write& write, const Access& access) {
  if (write.offset == kWdata) return take(write.bits, access.size, access.now);
  if (write.offset != kCsr) return;
  if ((write.bits & kError) != 0 && access.op != AtomicOp::kClear) error_ = false;
  if ((write.value & kStart) == 0) return;
  start();
  dreq.raise(access.now);
}

}  // namespace pico_llama::simulator
