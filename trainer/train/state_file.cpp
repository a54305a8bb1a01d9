#include "trainer/train/state_file.h"

#include <cstring>

#include "formats/failure.h"
#include "trainer/random.h"

namespace pico_llama::trainer {
namespace {

constexpr char kMagic[8] = {'P', 'L', 'T', 'R', 'A', 'I', 'N', '1'};

struct Header {
  char magic[8];
  uint64_t hash;  ///< of all that follows
  uint64_t fingerprint;
  uint64_t parameters;
  uint64_t curve_points;
  uint64_t position;
  uint32_t epoch;
  int32_t step;
};

uint64_t hash_of(std::string_view bytes) {
  uint64_t hash = bytes.size();
  size_t i = 0;
  for (; i + 8 <= bytes.size(); i += 8) {
    uint64_t word;
    std::memcpy(&word, bytes.data() + i, 8);
    hash = mix64(hash ^ word);
  }
  for (; i < bytes.size(); ++i) hash = mix64(hash ^ static_cast<unsigned char>(bytes[i]));
  return hash;
}

constexpr size_t kHashed = offsetof(Header, fingerprint);

template <typename Items>
void append(std::string& out, const Items& items) {
  out.append(reinterpret_cast<const char*>(items.data()), items.size() * sizeof(items[0]));
}

template <typename Items>
void take(std::string_view& bytes, Items& items, size_t count) {
  items.resize(count);
  std::memcpy(items.data(), bytes.data(), count * sizeof(items[0]));
  bytes.remove_prefix(count * sizeof(items[0]));
}

}  // namespace

std::string to_bytes(const StateFile& file) {
  const TrainingState& state = file.state;
  Header header{
      {},          0,         file.fingerprint, state.parameters.size(), file.curve.size(), state.position,
      state.epoch, state.step};
  std::memcpy(header.magic, kMagic, sizeof kMagic);
  std::string out(reinterpret_cast<const char*>(&header), sizeof header);
  append(out, state.parameters);
  append(out, state.first_moment);
  append(out, state.second_moment);
  append(out, file.curve);
  const uint64_t hash = hash_of(std::string_view(out).substr(kHashed));
  std::memcpy(out.data() + offsetof(Header, hash), &hash, sizeof hash);
  return out;
}

StateFile parse_state_file(std::string_view bytes, const std::string& name, uint64_t fingerprint,
                           size_t parameters) {
  const Failure damaged(name + ": is not a whole training state; remove it to start again");
  Header header;
  if (bytes.size() < sizeof header) throw damaged;
  std::memcpy(&header, bytes.data(), sizeof header);
  if (std::memcmp(header.magic, kMagic, sizeof kMagic) != 0) throw damaged;
  if (hash_of(bytes.substr(kHashed)) != header.hash) throw damaged;
  if (header.fingerprint != fingerprint || header.parameters != parameters) {
    throw Failure(name +
                  ": is of another text, tokenizer, shape or recipe; give the same options, or remove it to "
                  "start again");
  }
  StateFile file;
  file.fingerprint = fingerprint;
  file.state.step = header.step;
  file.state.epoch = header.epoch;
  file.state.position = header.position;
  bytes.remove_prefix(sizeof header);
  if (bytes.size() != 3 * parameters * sizeof(float) + header.curve_points * sizeof(CurvePoint))
    throw damaged;
  take(bytes, file.state.parameters, parameters);
  take(bytes, file.state.first_moment, parameters);
  take(bytes, file.state.second_moment, parameters);
  take(bytes, file.curve, header.curve_points);
  return file;
}

}  // namespace pico_llama::trainer
