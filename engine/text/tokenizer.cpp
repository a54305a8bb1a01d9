#include "engine/text/tokenizer.h"

#include <bit>

#include "engine/arena.h"
#include "engine/text/utf8.h"

namespace pico_llama {
namespace {

/// A range of places in the sorted list of pieces.
struct SortedRange {
  int32_t begin;
  int32_t end;
};

/// The vocabulary sorted by bytes. Pieces with a common prefix are adjacent, so extensions of a piece are
/// searched only within its range, comparing only the bytes after the prefix.
class SortedPieces {
 public:
  explicit SortedPieces(const TokenizerView& view) : view_(view) {}

  SortedRange all() const { return {0, view_.vocab_size}; }
  int32_t id(int32_t place) const { return static_cast<int32_t>(view_.sorted[place]); }

  /// Index of the first piece in `places` whose bytes from `skip` on equal `text`; -1 if none. Requires: all
  /// pieces in `places` share their first `skip` bytes.
  int32_t exactly(SortedRange places, uint32_t skip, std::string_view text) const {
    Order found = kAfter;
    while (places.begin < places.end) {
      const int32_t middle = places.begin + (places.end - places.begin) / 2;
      const Order order = compare(middle, skip, text);
      if (order == kBefore) {
        places.begin = middle + 1;
      } else {
        places.end = middle;
        found = order;
      }
    }
    return found == kSame ? places.begin : -1;
  }

  /// End of the subrange whose bytes from `skip` on start with `text`. Requires: the first piece does.
  int32_t end_of(SortedRange places, uint32_t skip, std::string_view text) const {
    // Few pieces share a prefix, so use a galloping search.
    int32_t step = 1;
    while (places.end - places.begin > step && compare(places.begin + step, skip, text) != kAfter) {
      places.begin += step;
      step *= 2;
    }
    if (places.end - places.begin > step) places.end = places.begin + step;
    while (places.end - places.begin > 1) {
      const int32_t middle = places.begin + (places.end - places.begin) / 2;
      if (compare(middle, skip, text) != kAfter)
        places.begin = middle;
      else
        places.end = middle;
    }
    return places.end;
  }

 private:
  enum Order : uint8_t { kBefore, kSame, kBeginsWith, kAfter };

  Order compare(int32_t place, uint32_t skip, std::string_view text) const {
    const uint32_t* const piece = view_.pieces + view_.sorted[place];
    const char* at = view_.text + piece[0] + skip;
    const char* const end = view_.text + piece[1];
    for (const char c : text) {
      if (at == end) return kBefore;
      const auto here = static_cast<uint8_t>(*at++);
      if (here != static_cast<uint8_t>(c)) return here < static_cast<uint8_t>(c) ? kBefore : kAfter;
    }
    return at == end ? kSame : kBeginsWith;
  }

  const TokenizerView& view_;
};

/// A token and the range of pieces that start with its piece.
struct PrefixRange {
  int32_t id;
  uint32_t length;
  SortedRange places;
};

/// The tokens of a text while they merge: a linked list over an array.
struct Node {
  PrefixRange token;
  int32_t previous;  ///< index, -1 at the front
  int32_t next;      ///< index, -1 at the end, kGone after a merge took it
  int32_t merged;    ///< index of the piece that this node and the next form, -1 if none
  uint32_t rank;     ///< score of that piece
};
constexpr int32_t kGone = -2;

/// Maps scores to integers of the same order; +0 and -0 are equal.
uint32_t ranked(float score) {
  const auto bits = std::bit_cast<uint32_t>(score + 0.0f);
  return (bits & 0x80000000u) != 0 ? ~bits : bits | 0x80000000u;
}

/// Possible merges in a heap that gives the best score first and, among equals, the leftmost: run.c's choice.
/// An entry is stale if its node's rank has changed since.
class Candidates {
 public:
  explicit Candidates(uint64_t* storage) : heap_(storage) {}

  bool empty() const { return count_ == 0; }

  void push(uint32_t rank, int32_t node) {
    const uint64_t c = uint64_t{rank} << 32 | ~static_cast<uint32_t>(node);
    uint32_t at = count_++;
    for (; at > 0 && c > heap_[(at - 1) / 2]; at = (at - 1) / 2) heap_[at] = heap_[(at - 1) / 2];
    heap_[at] = c;
  }

  struct Best {
    uint32_t rank;
    int32_t node;
  };
  Best pop() {
    const uint64_t best = heap_[0];
    const uint64_t last = heap_[--count_];
    uint32_t at = 0;
    for (uint32_t child = 1; child < count_; child = 2 * at + 1) {
      uint64_t larger = heap_[child];
      if (child + 1 < count_ && heap_[child + 1] > larger) larger = heap_[++child];
      if (larger < last) break;
      heap_[at] = larger;
      at = child;
    }
    heap_[at] = last;
    return {static_cast<uint32_t>(best >> 32), static_cast<int32_t>(~static_cast<uint32_t>(best))};
  }

 private:
  uint64_t* heap_;
  uint32_t count_ = 0;
};
static_assert(sizeof(Node) + 2 * sizeof(uint64_t) == Tokenizer::kEncodeBytesPerByte);

/// Cache of recently looked-up characters.
class CharacterCache {
 public:
  /// Null where the character has to be looked up.
  const PrefixRange* find(char c) const {
    const Entry& entry = entries_[place(c)];
    return entry.token.length != 0 && entry.character == c ? &entry.token : nullptr;
  }
  void keep(char c, const PrefixRange& token) { entries_[place(c)] = {c, token}; }

 private:
  struct Entry {
    char character = 0;
    PrefixRange token{};  ///< length 0: none
  };
  static size_t place(char c) { return static_cast<uint8_t>(c) % 32; }
  Entry entries_[32];
};

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

/// The byte that a piece stands for: "<0x41>" or the byte itself; -1 for any other piece.
int byte_of(std::string_view piece) {
  if (piece.size() == 1) return static_cast<uint8_t>(piece[0]);
  if (piece.size() != 6 || piece[0] != '<' || piece[1] != '0' || piece[2] != 'x' || piece[5] != '>')
    return -1;
  const int high = hex_digit(piece[3]);
  const int low = hex_digit(piece[4]);
  return high >= 0 && low >= 0 ? high * 16 + low : -1;
}

/// All bytes, for pieces like <0x0A> to point at.
struct AllBytes {
  char at[256];
};
constexpr AllBytes kAllBytes = [] {
  AllBytes bytes{};
  for (int i = 0; i < 256; ++i) bytes.at[i] = static_cast<char>(i);
  return bytes;
}();

}  // namespace

Tokenizer::Tokenizer(const TokenizerView& view) : view_(view) {
  if (view_.vocab_size <= kTokenEos) return;
  const std::string_view eos = piece(kTokenEos);
  has_eos_ = eos == "</s>" || eos == "\n</s>\n";
}

std::string_view Tokenizer::piece(int32_t id) const {
  CHECK(id >= 0 && id < view_.vocab_size);
  const uint32_t begin = view_.pieces[id];
  return {view_.text + begin, view_.pieces[id + 1] - begin};
}

int32_t Tokenizer::find(std::string_view text) const {
  const SortedPieces sorted(view_);
  const int32_t place = sorted.exactly(sorted.all(), 0, text);
  return place < 0 ? -1 : sorted.id(place);
}

Result<int> Tokenizer::encode(std::string_view text, std::span<int32_t> tokens,
                              std::span<std::byte> scratch) const {
  return encode(text, true, tokens, scratch);
}

Result<int> Tokenizer::encode_more(std::string_view text, std::span<int32_t> tokens,
                                   std::span<std::byte> scratch) const {
  return encode(text, false, tokens, scratch);
}

Result<int> Tokenizer::encode(std::string_view text, bool begins, std::span<int32_t> tokens,
                              std::span<std::byte> scratch) const {
  if (const size_t good = utf8_valid_prefix(text); good != text.size())
    return Status{StatusCode::kInvalidArgument,
                  "the prompt is not UTF-8 at byte {}; give it in that encoding", static_cast<int64_t>(good)};
  if (text.size() > (size_t{1} << 30) || scratch.size() < encode_scratch_bytes(text.size()))
    return Status{StatusCode::kPromptTooLong,
                  "the prompt's {} bytes are more than the {} there is memory to encode; shorten it",
                  static_cast<int64_t>(text.size()), static_cast<int64_t>(most_text_bytes(scratch.size()))};
  if (tokens.empty()) return Status{StatusCode::kPromptTooLong, "there is no room for the prompt's tokens"};
  Arena arena(scratch);
  Node* nodes = arena.alloc<Node>(text.size() + 1);
  Candidates candidates(arena.alloc<uint64_t>(2 * (text.size() + 1)));
  const SortedPieces sorted(view_);
  const auto end_of = [&](int32_t place, std::string_view all) {
    return sorted.end_of({place, view_.vocab_size}, 0, all);
  };

  // One token a character, or a byte where the vocabulary has no such character.
  int32_t count = 0;
  const auto append = [&](const PrefixRange& token) {
    nodes[count] = {token, count - 1, count + 1, -1, 0};
    ++count;
  };
  const auto append_piece = [&](std::string_view piece) {
    const int32_t place = sorted.exactly(sorted.all(), 0, piece);
    if (place < 0) return false;
    append({sorted.id(place), static_cast<uint32_t>(piece.size()), {place, end_of(place, piece)}});
    return true;
  };
  if (begins && !text.empty() && view_.dummy_space) append_piece(" ");
  CharacterCache characters;
  for (size_t at = 0; at < text.size();) {
    if (const PrefixRange* known = characters.find(text[at])) {
      append(*known);
      ++at;
      continue;
    }
    size_t length = 1;
    while (at + length < text.size() && length < 4 && (text[at + length] & 0xc0) == 0x80) ++length;
    const std::string_view character{text.data() + at, length};
    if (append_piece(character)) {
      if (length == 1) characters.keep(text[at], nodes[count - 1].token);
    } else {
      for (const char c : character) {
        int32_t id = static_cast<uint8_t>(c) + kFirstByteToken;
        if (id >= view_.vocab_size || byte_of(piece(id)) != static_cast<uint8_t>(c)) id = kTokenUnknown;
        append_piece(piece(id));
        nodes[count - 1].token.id = id;  // duplicate pieces: keep the token's own id
      }
    }
    at += length;
  }
  if (count > 0) nodes[count - 1].next = -1;

  const auto consider = [&](int32_t at) {
    Node& node = nodes[at];
    node.merged = -1;
    if (node.next < 0) return;
    const PrefixRange& right = nodes[node.next].token;
    if (node.token.places.end - node.token.places.begin == 1 && right.length != 0) return;  // only itself
    node.merged = sorted.exactly(node.token.places, node.token.length,
                                 {view_.text + view_.pieces[right.id], right.length});
    if (node.merged < 0) return;
    node.rank = ranked(view_.scores[sorted.id(node.merged)]);
    candidates.push(node.rank, at);
  };
  for (int32_t i = 0; i < count; ++i) consider(i);
  while (!candidates.empty()) {
    const Candidates::Best best = candidates.pop();
    Node& node = nodes[best.node];
    if (node.next == kGone || node.merged < 0 || node.rank != best.rank) continue;
    Node& gone = nodes[node.next];
    const std::string_view more = piece(gone.token.id);
    node.token.places = {node.merged,
                         sorted.end_of({node.merged, node.token.places.end}, node.token.length, more)};
    node.token.id = sorted.id(node.merged);
    node.token.length += gone.token.length;
    node.next = gone.next;
    gone.next = kGone;
    if (node.next >= 0) nodes[node.next].previous = best.node;
    consider(best.node);
    if (node.previous >= 0) consider(node.previous);
  }

  size_t used = 0;
  if (begins) tokens[used++] = kTokenBos;
  for (int32_t i = count > 0 ? 0 : -1; i >= 0; i = nodes[i].next) {
    if (used == tokens.size())
      return Status{StatusCode::kPromptTooLong,
                    "the prompt has more tokens than the context's {}; shorten it",
                    static_cast<int64_t>(tokens.size())};
    tokens[used++] = nodes[i].token.id;
  }
  return static_cast<int>(used);
}

std::string_view Tokenizer::decode(int32_t previous, int32_t token) const {
  std::string_view p = piece(token);
  if (previous == kTokenBos && view_.dummy_space && !p.empty() && p[0] == ' ') p.remove_prefix(1);
  if (const int byte = p.size() == 6 ? byte_of(p) : -1; byte >= 0) return {kAllBytes.at + byte, 1};
  return p;
}

}  // namespace pico_llama
