#include "trainer/train/state_file.h"

#include <cstring>
#include <utility>

#include "engine/check.h"
#include "formats/failure.h"
#include "trainer/random.h"

namespace pico_llama::trainer {
namespace {

constexpr char kMagic[8] = {'P', 'L', 'T', 'R', 'A', 'I', 'N', '2'};

struct Header {
  char magic[8];
  uint64_t hash;  ///< of all that follows
  uint64_t fingerprint;
  uint64_t run_bytes;
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
  if (count == 0) return;  // an empty vector's data() may be null
  bytes.copy(reinterpret_cast<char*>(items.data()), count * sizeof(items[0]));
  bytes.remove_prefix(count * sizeof(items[0]));
}

template <typename T>
void append_value(std::string& out, const T& value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof value);
}

/// The settings one after the other, then the strings, each with its length.
std::string bytes_of(const StartedRun& run) {
  std::string out;
  for_each_setting(run.recipe, [&out](const auto& setting) { append_value(out, setting); });
  for (const std::string* text : {&run.text, &run.text_options.separator, &run.text_options.field}) {
    append_value(out, static_cast<uint64_t>(text->size()));
    out += *text;
  }
  return out;
}

/// The header and what follows it. Errors: Failure if damaged.
std::pair<Header, std::string_view> parse_header(std::string_view bytes, const std::string& name) {
  Header header;
  if (bytes.size() >= sizeof header) {
    std::memcpy(&header, bytes.data(), sizeof header);
    const std::string_view rest = bytes.substr(sizeof header);
    if (std::memcmp(header.magic, kMagic, sizeof kMagic) == 0 &&
        hash_of(bytes.substr(kHashed)) == header.hash && header.run_bytes <= rest.size())
      return {header, rest};
  }
  fail("{}: is not a whole training state; remove it to start again", name);
}

/// Requires: bytes that bytes_of() made, which the hash has shown.
StartedRun parse_run(std::string_view bytes) {
  StartedRun run;
  const auto take_value = [&bytes](auto& value) {
    CHECK(bytes.size() >= sizeof value);
    bytes.copy(reinterpret_cast<char*>(&value), sizeof value);
    bytes.remove_prefix(sizeof value);
  };
  for_each_setting(run.recipe, take_value);
  for (std::string* text : {&run.text, &run.text_options.separator, &run.text_options.field}) {
    uint64_t size = 0;
    take_value(size);
    CHECK(size <= bytes.size());
    text->assign(bytes.substr(0, size));
    bytes.remove_prefix(size);
  }
  return run;
}

}  // namespace

std::string to_bytes(const StateFile& file) {
  const TrainingState& state = file.state;
  const std::string run = bytes_of(file.run);
  Header header{{},
                0,
                file.fingerprint,
                run.size(),
                state.parameters.size(),
                file.curve.size(),
                state.position,
                state.epoch,
                state.step};
  std::memcpy(header.magic, kMagic, sizeof kMagic);
  std::string out(reinterpret_cast<const char*>(&header), sizeof header);
  out += run;
  append(out, state.parameters);
  append(out, state.first_moment);
  append(out, state.second_moment);
  append(out, file.curve);
  const uint64_t hash = hash_of(std::string_view(out).substr(kHashed));
  std::memcpy(out.data() + offsetof(Header, hash), &hash, sizeof hash);
  return out;
}

StartedRun started_run(std::string_view bytes, const std::string& name) {
  const auto [header, rest] = parse_header(bytes, name);
  return parse_run(rest.substr(0, header.run_bytes));
}

StateFile parse_state_file(std::string_view bytes, const std::string& name, uint64_t fingerprint,
                           size_t parameters) {
  auto [header, rest] = parse_header(bytes, name);
  if (header.fingerprint != fingerprint || header.parameters != parameters)
    fail(
        "{}: is of another text, tokenizer, shape or recipe; give the same options, or remove it to start "
        "again",
        name);
  StateFile file;
  file.run = parse_run(rest.substr(0, header.run_bytes));
  file.fingerprint = fingerprint;
  file.state.step = header.step;
  file.state.epoch = header.epoch;
  file.state.position = header.position;
  rest.remove_prefix(header.run_bytes);
  CHECK(rest.size() == 3 * parameters * sizeof(float) + header.curve_points * sizeof(CurvePoint));
  take(rest, file.state.parameters, parameters);
  take(rest, file.state.first_moment, parameters);
  take(rest, file.state.second_moment, parameters);
  take(rest, file.curve, header.curve_points);
  return file;
}

}  // namespace pico_llama::trainer
