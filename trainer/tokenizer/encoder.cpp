#include "trainer/tokenizer/encoder.h"

#include <cctype>

namespace pico_llama::trainer {
namespace {

enum class Kind { kLetter, kDigit, kSpace, kBreak, kSign };

Kind kind_of(char c) {
  const auto byte = static_cast<unsigned char>(c);
  if (byte >= 0x80 || std::isalpha(byte)) return Kind::kLetter;
  if (std::isdigit(byte)) return Kind::kDigit;
  if (c == ' ') return Kind::kSpace;
  return byte < 0x20 ? Kind::kBreak : Kind::kSign;
}

}  // namespace

size_t word_length(std::string_view text) {
  size_t i = text[0] == ' ' ? 1 : 0;
  if (i == text.size()) return i;
  const Kind kind = kind_of(text[i]);
  if (i == 1 && (kind == Kind::kSpace || kind == Kind::kBreak)) return 1;
  if (kind == Kind::kDigit || kind == Kind::kBreak) return i + 1;
  while (i < text.size() && kind_of(text[i]) == kind) ++i;
  return i;
}

Encoder::Encoder(const Vocabulary& vocabulary) : vocabulary_(vocabulary) {
  // As in llama2.c, the lookup holds every token; <s> and <0x41> simply never occur as text of the corpus.
  for (int32_t id = vocabulary.size() - 1; id >= 0; --id)
    ids_[vocabulary.pieces[static_cast<size_t>(id)]] = id;
}

std::vector<int32_t> Encoder::merge(std::string_view word) const {
  std::vector<int32_t> tokens;
  for (size_t i = 0; i < word.size();) {
    size_t length = 1;
    while (i + length < word.size() && length < 4 &&
           (static_cast<unsigned char>(word[i + length]) & 0xc0) == 0x80) {
      ++length;
    }
    const auto found = ids_.find(std::string(word.substr(i, length)));
    if (found != ids_.end()) {
      tokens.push_back(found->second);
    } else {
      for (size_t b = 0; b < length; ++b)
        tokens.push_back(static_cast<unsigned char>(word[i + b]) + kFirstByte);
    }
    i += length;
  }
  while (true) {
    float best_score = -1e10f;
    int32_t best_id = -1;
    size_t best_at = 0;
    for (size_t i = 0; i + 1 < tokens.size(); ++i) {
      const auto found = ids_.find(vocabulary_.pieces[static_cast<size_t>(tokens[i])] +
                                   vocabulary_.pieces[static_cast<size_t>(tokens[i + 1])]);
      if (found == ids_.end()) continue;
      const float score = vocabulary_.scores[static_cast<size_t>(found->second)];
      if (score > best_score) {
        best_score = score;
        best_id = found->second;
        best_at = i;
      }
    }
    if (best_id < 0) return tokens;
    tokens[best_at] = best_id;
    tokens.erase(tokens.begin() + static_cast<std::ptrdiff_t>(best_at) + 1);
  }
}

std::vector<int32_t> Encoder::encode(std::string_view text) {
  std::vector<int32_t> tokens;
  if (text.empty()) return tokens;
  const std::string padded = " " + std::string(text);
  std::string_view rest = padded;
  while (!rest.empty()) {
    const size_t length = word_length(rest);
    const auto [entry, is_new] = known_words_.try_emplace(std::string(rest.substr(0, length)));
    if (is_new) entry->second = merge(entry->first);
    tokens.insert(tokens.end(), entry->second.begin(), entry->second.end());
    rest.remove_prefix(length);
  }
  return tokens;
}

std::string Encoder::decode(const std::vector<int32_t>& tokens) const {
  std::string text;
  for (const int32_t token : tokens) {
    if (token >= kFirstByte && token < kFirstPiece) {
      text.push_back(static_cast<char>(token - kFirstByte));
    } else {
      text += vocabulary_.pieces[static_cast<size_t>(token)];
    }
  }
  return text.starts_with(' ') ? text.substr(1) : text;
}

}  // namespace pico_llama::trainer
