#include "formats/raw_vocabulary.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "formats/failure.h"

namespace pico_llama::formats {
namespace {

constexpr std::size_t kBytes = 256;
constexpr std::size_t kFirstByte = 3;

/// The character of UTF-8 at the front of the text, and its length; length 0 if invalid.
struct Character {
  std::uint32_t code;
  std::size_t length;
};
Character character_at(std::string_view text) {
  const auto byte = [text](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  if (byte(0) < 0x80) return {byte(0), 1};
  // The alphabet ends at U+0143, so two bytes are enough.
  if (byte(0) >= 0xc2 && byte(0) < 0xe0 && text.size() > 1 && (byte(1) & 0xc0) == 0x80)
    return {(byte(0) & 0x1fu) << 6 | (byte(1) & 0x3fu), 2};
  return {0, 0};
}

/// The byte of each character below U+0144; -1 where the alphabet has no such character. Printable bytes of
/// Latin-1 stand for themselves, the others follow from U+0100 on, in order.
const std::array<int, 0x144>& byte_of_letter() {
  static const auto table = [] {
    std::array<int, 0x144> bytes;
    bytes.fill(-1);
    std::size_t next = 0x100;
    for (std::size_t byte = 0; byte < kBytes; ++byte) {
      const bool printable = (byte >= '!' && byte <= '~') || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
      bytes[printable ? byte : next++] = static_cast<int>(byte);
    }
    return bytes;
  }();
  return table;
}

}  // namespace

Vocabulary canonical(const RawVocabulary& raw, const std::string& name) {
  const auto count = static_cast<std::int64_t>(raw.pieces.size());
  for (const std::int64_t id : {raw.unknown, raw.begin, raw.end})
    if (id >= count) fail("{}: names token {} and has {} of them; get the file again", name, id, count);
  if (raw.begin < 0) fail("{}: has no token that begins a text (BOS), which a Llama model needs", name);

  for (std::int64_t id = 0; id < count; ++id)
    if (const float score = raw.pieces[static_cast<std::size_t>(id)].score; !std::isfinite(score))
      fail("{}: the score of token {} is {}; the file is damaged, get it again", name, id, score);

  constexpr std::int64_t kFree = -1;
  std::vector<std::int64_t> order(raw.pieces.size(), kFree);
  std::vector<bool> placed(raw.pieces.size(), false);
  const auto place = [&](std::size_t at, std::int64_t id) {
    if (id < 0 || at >= order.size() || placed[static_cast<std::size_t>(id)]) return;
    order[at] = id;
    placed[static_cast<std::size_t>(id)] = true;
  };
  place(1, raw.begin);
  place(2, raw.end);
  place(0, raw.unknown);
  std::array<std::int64_t, kBytes> bytes;
  bytes.fill(kFree);
  for (std::int64_t id = 0; id < count; ++id)
    if (const int byte = raw.pieces[static_cast<std::size_t>(id)].byte; byte >= 0)
      bytes[static_cast<std::size_t>(byte)] = id;
  if (std::ranges::find(bytes, kFree) == bytes.end())
    for (std::size_t byte = 0; byte < kBytes; ++byte) place(kFirstByte + byte, bytes[byte]);
  std::int64_t next = 0;
  for (std::int64_t& id : order) {
    if (id != kFree) continue;
    while (placed[static_cast<std::size_t>(next)]) ++next;
    id = next;
    placed[static_cast<std::size_t>(next)] = true;
  }

  Vocabulary vocabulary;
  vocabulary.name = name;
  vocabulary.dummy_space = raw.dummy_space;
  for (const std::int64_t id : order) {
    const RawVocabulary::Piece& piece = raw.pieces[static_cast<std::size_t>(id)];
    // As written by llama2.c's tokenizer.py; no text encodes to these tokens.
    vocabulary.pieces.push_back(id == raw.begin ? "\n<s>\n" : id == raw.end ? "\n</s>\n" : piece.text);
    vocabulary.scores.push_back(piece.score);
    vocabulary.file_ids.push_back(static_cast<std::uint32_t>(id));
  }
  if (std::ranges::is_sorted(vocabulary.file_ids)) vocabulary.file_ids.clear();
  return vocabulary;
}

std::string spaces_of_underlines(std::string_view piece) {
  constexpr std::string_view kUnderline = "\xe2\x96\x81";
  std::string text;
  while (!piece.empty()) {
    const bool space = piece.starts_with(kUnderline);
    text += space ? ' ' : piece.front();
    piece.remove_prefix(space ? kUnderline.size() : 1);
  }
  return text;
}

int byte_of_hex(std::string_view piece) {
  if (piece.size() != 6 || !piece.starts_with("<0x") || piece.back() != '>') return -1;
  int byte = 0;
  for (const char c : piece.substr(3, 2)) {
    const bool digit = c >= '0' && c <= '9';
    if (!digit && (c < 'A' || c > 'F')) return -1;
    byte = byte * 16 + (digit ? c - '0' : c - 'A' + 10);
  }
  return byte;
}

std::string bytes_of_letters(std::string_view letters) {
  std::string bytes;
  for (std::string_view rest = letters; !rest.empty();) {
    const Character character = character_at(rest);
    if (character.length == 0 || character.code >= byte_of_letter().size() ||
        byte_of_letter()[character.code] < 0)
      return std::string(letters);
    bytes += static_cast<char>(byte_of_letter()[character.code]);
    rest.remove_prefix(character.length);
  }
  return bytes;
}

void MergeScores::add(std::string_view left, std::string_view right) {
  rank_.try_emplace(std::string(left) + std::string(right), count_++);
}

void MergeScores::add(std::string_view merge) {
  const std::size_t space = merge.find(' ', 1);  // the left part may be a space itself
  if (space == std::string_view::npos) return;
  add(merge.substr(0, space), merge.substr(space + 1));
}

float MergeScores::of(std::string_view piece) const {
  const auto found = rank_.find(std::string(piece));
  // Score below all merges, so that pieces not produced by a merge (added tokens) never result from text.
  return found == rank_.end() ? -1e9f : -static_cast<float>(found->second);
}

}  // namespace pico_llama::formats
