#include "formats/sentencepiece.h"

#include <bit>
#include <cstring>
#include <string_view>

#include "formats/failure.h"
#include "formats/raw_vocabulary.h"

namespace pico_llama::formats {
namespace {

/// One field of a message: its number and its value, as the wire type has it.
struct Field {
  std::uint32_t number = 0;
  std::uint64_t integer = 0;    ///< wire types 0, 1 and 5
  std::string_view bytes = {};  ///< wire type 2
};

/// The fields of a protocol buffer message, one after the other.
class Message {
 public:
  Message(std::string_view bytes, const std::string& name) : bytes_(bytes), name_(name) {}

  /// False at the end.
  bool next(Field& field) {
    if (bytes_.empty()) return false;
    const std::uint64_t key = varint();
    field = {static_cast<std::uint32_t>(key >> 3), 0, {}};
    switch (key & 7) {
      case 0:
        field.integer = varint();
        return true;
      case 1:
        std::memcpy(&field.integer, take(8).data(), 8);
        return true;
      case 2:
        field.bytes = take(varint());
        return true;
      case 5:
        std::memcpy(&field.integer, take(4).data(), 4);
        return true;
      default:
        fail("{}: incomplete SentencePiece model (a field of wire type {}); download the file again", name_,
             key & 7);
    }
  }

 private:
  std::uint64_t varint() {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      const auto byte = static_cast<unsigned char>(take(1)[0]);
      value |= std::uint64_t{byte & 0x7fu} << shift;
      if (byte < 0x80) break;
    }
    return value;
  }
  std::string_view take(std::uint64_t count) {
    if (count > bytes_.size()) fail("{}: truncated SentencePiece model; get the file again", name_);
    const std::string_view taken = bytes_.substr(0, count);
    bytes_.remove_prefix(count);
    return taken;
  }

  std::string_view bytes_;
  const std::string& name_;
};

// SentencePiece.Type
constexpr std::uint64_t kByte = 6;

void add_piece(RawVocabulary& raw, std::string_view message, const std::string& name) {
  std::string_view text;
  float score = 0;
  std::uint64_t type = 1;
  Message fields(message, name);
  for (Field field; fields.next(field);) {
    if (field.number == 1) text = field.bytes;
    if (field.number == 2) score = std::bit_cast<float>(static_cast<std::uint32_t>(field.integer));
    if (field.number == 3) type = field.integer;
  }
  raw.add(spaces_of_underlines(text), score, type == kByte ? byte_of_hex(text) : -1);
}

}  // namespace

bool looks_like_sentencepiece(std::span<const std::uint8_t> bytes) {
  // Field 1, a message, that begins with its own field 1, a string. A tokenizer.bin has two zeros there.
  return bytes.size() > 4 && bytes[0] == 0x0a && bytes[2] == 0x0a;
}

Vocabulary read_sentencepiece(std::span<const std::uint8_t> bytes, const std::string& name) {
  RawVocabulary raw;
  raw.begin = 1;
  raw.end = 2;
  std::uint64_t model_type = 1;
  Message model({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, name);
  for (Field field; model.next(field);) {
    if (field.number == 1) add_piece(raw, field.bytes, name);
    if (field.number == 2) {  // TrainerSpec
      Message spec(field.bytes, name);
      for (Field option; spec.next(option);) {
        const auto id = static_cast<std::int64_t>(static_cast<std::int32_t>(option.integer));
        if (option.number == 3) model_type = option.integer;
        if (option.number == 41) raw.begin = id;
        if (option.number == 42) raw.end = id;
      }
    }
    if (field.number == 3) {  // NormalizerSpec
      Message spec(field.bytes, name);
      for (Field option; spec.next(option);)
        if (option.number == 3) raw.dummy_space = option.integer != 0;
    }
  }
  constexpr std::uint64_t kBpe = 2;
  if (model_type != kBpe) {
    constexpr const char* kKinds[] = {"unigram", "BPE", "word", "char"};
    fail(
        "{}: is a SentencePiece model of type {}; only BPE, which Llama models have, can be run: train the "
        "tokenizer with --model_type=bpe, and the model with it",
        name, model_type >= 1 && model_type <= 4 ? kKinds[model_type - 1] : "unknown");
  }
  Vocabulary vocabulary = canonical(raw, name);
  vocabulary.file.assign(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  return vocabulary;
}

}  // namespace pico_llama::formats
