#include "trainer/tokenizer/bpe.h"

#include <algorithm>
#include <cstdio>
#include <map>
#include <queue>
#include <unordered_set>

#include "formats/failure.h"

namespace pico_llama::trainer {
namespace {

struct Word {
  std::vector<int32_t> symbols;
  int64_t count;
};

using Pair = std::pair<int32_t, int32_t>;

struct PairHash {
  size_t operator()(const Pair& pair) const {
    return static_cast<size_t>(static_cast<uint64_t>(pair.first) * 0x9e3779b97f4a7c15u ^
                               static_cast<uint64_t>(pair.second));
  }
};

struct PairUse {
  int64_t count = 0;
  std::unordered_set<size_t> words;
};

size_t utf8_length(std::string_view text) {
  size_t length = 1;
  while (length < text.size() && length < 4 && (static_cast<unsigned char>(text[length]) & 0xc0) == 0x80)
    ++length;
  return length;
}

/// Learns merges over words of symbols; a symbol is an index into pieces.
class Merger {
 public:
  Merger(std::vector<Word> words, std::vector<std::string>& pieces)
      : words_(std::move(words)), pieces_(pieces) {
    for (size_t w = 0; w < words_.size(); ++w) count_pairs(w, +1);
    for (const auto& [pair, use] : pairs_) push(pair, use.count);
  }

  /// Adds the best pair to the pieces; false when no pair occurs at all.
  bool merge_one() {
    while (!queue_.empty()) {
      const Candidate best = queue_.top();
      queue_.pop();
      const auto found = pairs_.find(best.pair);
      if (found == pairs_.end() || found->second.count != best.count || best.count <= 0)
        continue;  // outdated
      const auto symbol = static_cast<int32_t>(pieces_.size());
      // Another split of the same string may be a piece already: then only the words change.
      const auto [same, is_new] = by_text_.try_emplace(best.text, symbol);
      if (is_new) pieces_.push_back(best.text);
      replace(best.pair, same->second);
      if (is_new) return true;
    }
    return false;
  }

 private:
  struct Candidate {
    int64_t count;
    std::string text;
    Pair pair;
    bool operator<(const Candidate& other) const {
      if (count != other.count) return count < other.count;
      if (text != other.text) return text > other.text;
      return pair > other.pair;
    }
  };

  void push(const Pair& pair, int64_t count) {
    queue_.push(
        {count, pieces_[static_cast<size_t>(pair.first)] + pieces_[static_cast<size_t>(pair.second)], pair});
  }

  void count_pairs(size_t w, int64_t sign) {
    const Word& word = words_[w];
    for (size_t i = 0; i + 1 < word.symbols.size(); ++i) {
      PairUse& use = pairs_[{word.symbols[i], word.symbols[i + 1]}];
      use.count += sign * word.count;
      if (sign > 0) use.words.insert(w);
    }
  }

  void replace(const Pair& pair, int32_t symbol) {
    std::vector<size_t> affected(pairs_[pair].words.begin(), pairs_[pair].words.end());
    std::sort(affected.begin(), affected.end());
    std::vector<Pair> changed;
    for (const size_t w : affected) {
      count_pairs(w, -1);
      std::vector<int32_t>& symbols = words_[w].symbols;
      for (size_t i = 0; i + 1 < symbols.size(); ++i) changed.push_back({symbols[i], symbols[i + 1]});
      std::vector<int32_t> merged;
      for (size_t i = 0; i < symbols.size(); ++i) {
        const bool here = i + 1 < symbols.size() && Pair{symbols[i], symbols[i + 1]} == pair;
        merged.push_back(here ? symbol : symbols[i]);
        if (here) ++i;
      }
      symbols = std::move(merged);
      count_pairs(w, +1);
      for (size_t i = 0; i + 1 < symbols.size(); ++i) changed.push_back({symbols[i], symbols[i + 1]});
    }
    pairs_.erase(pair);
    std::sort(changed.begin(), changed.end());
    changed.erase(std::unique(changed.begin(), changed.end()), changed.end());
    for (const Pair& other : changed) {
      const auto found = pairs_.find(other);
      if (found != pairs_.end() && found->second.count > 0) push(other, found->second.count);
    }
  }

  std::vector<Word> words_;
  std::vector<std::string>& pieces_;
  std::unordered_map<std::string, int32_t> by_text_;
  std::unordered_map<Pair, PairUse, PairHash> pairs_;
  std::priority_queue<Candidate> queue_;
};

}  // namespace

Vocabulary train_bpe(std::string_view text, int32_t vocab_size) {
  std::map<std::string, int64_t, std::less<>> counts;
  for (std::string_view rest = text; !rest.empty();) {
    const size_t length = word_length(rest);
    const auto found = counts.find(rest.substr(0, length));
    if (found != counts.end()) {
      ++found->second;
    } else {
      counts.emplace(rest.substr(0, length), 1);
    }
    rest.remove_prefix(length);
  }

  std::map<std::string, int64_t> characters;
  int64_t total = 0;
  for (const auto& [word, count] : counts) {
    for (size_t i = 0; i < word.size();) {
      const size_t length = utf8_length(std::string_view(word).substr(i));
      characters[word.substr(i, length)] += count;
      total += count;
      i += length;
    }
  }
  std::vector<std::string> alphabet;
  for (const auto& [character, count] : characters) {
    if (count * 1'000'000 >= total) alphabet.push_back(character);
  }
  const int64_t room = int64_t{vocab_size} - kFirstPiece;
  const auto needed = static_cast<int64_t>(alphabet.size());
  if (room < needed) {
    throw Failure("a vocabulary of " + std::to_string(vocab_size) +
                  " is too small: 259 tokens are fixed and the text has " + std::to_string(needed) +
                  " characters; use --vocab " + std::to_string(kFirstPiece + needed) + " or more");
  }

  std::vector<std::string> pieces = alphabet;
  std::unordered_map<std::string, int32_t> symbol_of;
  for (size_t i = 0; i < alphabet.size(); ++i) symbol_of[alphabet[i]] = static_cast<int32_t>(i);
  std::vector<Word> words;
  for (const auto& [word, count] : counts) {
    // A rare character splits its word: the byte tokens for it take part in no merge.
    Word current{{}, count};
    for (size_t i = 0; i < word.size();) {
      const size_t length = utf8_length(std::string_view(word).substr(i));
      const auto found = symbol_of.find(word.substr(i, length));
      if (found != symbol_of.end()) {
        current.symbols.push_back(found->second);
      } else if (!current.symbols.empty()) {
        words.push_back(current);
        current.symbols.clear();
      }
      i += length;
    }
    if (current.symbols.size() > 1) words.push_back(current);
  }

  Merger merger(std::move(words), pieces);
  while (static_cast<int64_t>(pieces.size()) < room) {
    if (!merger.merge_one()) {
      throw Failure("a vocabulary of " + std::to_string(vocab_size) +
                    " is larger than the text supports; use --vocab " +
                    std::to_string(kFirstPiece + static_cast<int64_t>(pieces.size())) +
                    " or less, or more text");
    }
  }

  Vocabulary vocabulary;
  vocabulary.pieces = {"<unk>", "\n<s>\n", "\n</s>\n"};
  for (int byte = 0; byte < 256; ++byte) {
    char name[8];
    std::snprintf(name, sizeof name, "<0x%02X>", static_cast<unsigned>(byte));
    vocabulary.pieces.emplace_back(name);
  }
  vocabulary.scores.assign(static_cast<size_t>(kFirstPiece), 0.0f);
  // As sentencepiece orders them: merges in the order learnt, then the characters. A score is minus the rank.
  const auto add = [&](const std::string& piece) {
    vocabulary.scores.push_back(-static_cast<float>(vocabulary.size() - kFirstPiece));
    vocabulary.pieces.push_back(piece);
  };
  for (size_t i = alphabet.size(); i < pieces.size(); ++i) add(pieces[i]);
  for (const std::string& character : alphabet) add(character);
  return vocabulary;
}

}  // namespace pico_llama::trainer
