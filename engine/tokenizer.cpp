#include "engine/tokenizer.h"

#include "engine/arena.h"
#include "engine/utf8.h"

namespace pico_llama {
namespace {

/// The tokens of a text while they merge: a linked list over an array.
struct Node {
  int32_t id;
  int32_t previous;  ///< index, -1 at the front
  int32_t next;      ///< index, -1 at the end, kGone after a merge took it
  int32_t merged;    ///< what this and the next become, -1 if nothing
};
constexpr int32_t kGone = -2;

/// A possible merge at a node; stale when the node's `merged` is another by now.
struct Candidate {
  int32_t merged;
  int32_t node;
};

/// A heap that gives the best score first and, among equals, the leftmost: run.c's choice.
class Candidates {
 public:
  Candidates(Candidate* storage, const float* scores) : heap_(storage), scores_(scores) {}

  bool empty() const { return count_ == 0; }

  void push(Candidate c) {
    int32_t at = count_++;
    for (; at > 0 && before(c, heap_[(at - 1) / 2]); at = (at - 1) / 2) heap_[at] = heap_[(at - 1) / 2];
    heap_[at] = c;
  }

  Candidate pop() {
    const Candidate best = heap_[0];
    const Candidate last = heap_[--count_];
    int32_t at = 0;
    for (int32_t child = 1; child < count_; child = 2 * at + 1) {
      if (child + 1 < count_ && before(heap_[child + 1], heap_[child])) ++child;
      if (!before(heap_[child], last)) break;
      heap_[at] = heap_[child];
      at = child;
    }
    heap_[at] = last;
    return best;
  }

 private:
  bool before(Candidate a, Candidate b) const {
    const float score_a = scores_[a.merged];
    const float score_b = scores_[b.merged];
    return score_a > score_b || (score_a == score_b && a.node < b.node);
  }

  Candidate* heap_;
  const float* scores_;
  int32_t count_ = 0;
};

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
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

std::string_view Tokenizer::piece(int32_t id) const {
  CHECK(id >= 0 && id < view_.vocab_size);
  const uint32_t begin = view_.pieces[id];
  return {view_.text + begin, view_.pieces[id + 1] - begin};
}

int32_t Tokenizer::find(std::string_view left, std::string_view right) const {
  // Lower bound of left + right among the sorted pieces.
  int32_t low = 0;
  int32_t high = view_.vocab_size;
  const auto compare = [&](std::string_view p) {
    const size_t n = p.size() < left.size() ? p.size() : left.size();
    const int head = std::string_view(p.data(), n).compare(left);
    return head != 0 ? head : std::string_view(p.data() + n, p.size() - n).compare(right);
  };
  while (low < high) {
    const int32_t middle = low + (high - low) / 2;
    if (compare(piece(static_cast<int32_t>(view_.sorted[middle]))) < 0)
      low = middle + 1;
    else
      high = middle;
  }
  if (low == view_.vocab_size) return -1;
  const auto id = static_cast<int32_t>(view_.sorted[low]);
  return compare(piece(id)) == 0 ? id : -1;
}

Result<int> Tokenizer::encode(std::string_view text, std::span<int32_t> tokens,
                              std::span<std::byte> scratch) const {
  if (const size_t good = utf8_valid_prefix(text); good != text.size())
    return Status{StatusCode::kInvalidArgument, "the prompt is not UTF-8 at byte {}",
                  static_cast<int64_t>(good)};
  if (text.size() > (size_t{1} << 30) || scratch.size() < encode_scratch_bytes(text.size()))
    return Status{StatusCode::kPromptTooLong,
                  "the prompt's {} bytes are more than the {} there is memory to encode",
                  static_cast<int64_t>(text.size()), static_cast<int64_t>(scratch.size() / 32)};
  if (tokens.empty()) return Status{StatusCode::kPromptTooLong, "there is no room for the prompt's tokens"};
  Arena arena(scratch);
  Node* nodes = arena.alloc<Node>(text.size() + 1);
  Candidates candidates(arena.alloc<Candidate>(2 * (text.size() + 1)), view_.scores);

  // One token a character, or a byte where the vocabulary has no such character.
  int32_t count = 0;
  const auto append = [&](int32_t id) {
    nodes[count] = {id < view_.vocab_size ? id : kTokenUnknown, count - 1, count + 1, -1};
    ++count;
  };
  if (!text.empty())
    if (const int32_t space = find(" "); space >= 0) append(space);
  for (size_t at = 0; at < text.size();) {
    size_t length = 1;
    while (at + length < text.size() && length < 4 && (text[at + length] & 0xc0) == 0x80) ++length;
    const std::string_view character{text.data() + at, length};
    if (const int32_t id = find(character); id >= 0) {
      append(id);
    } else {
      for (const char c : character) append(static_cast<uint8_t>(c) + kFirstByteToken);
    }
    at += length;
  }
  if (count > 0) nodes[count - 1].next = -1;

  const auto consider = [&](int32_t at) {
    Node& node = nodes[at];
    node.merged = node.next < 0 ? -1 : find(piece(node.id), piece(nodes[node.next].id));
    if (node.merged >= 0) candidates.push({node.merged, at});
  };
  for (int32_t i = 0; i < count; ++i) consider(i);
  while (!candidates.empty()) {
    const Candidate best = candidates.pop();
    Node& node = nodes[best.node];
    if (node.next == kGone || node.merged != best.merged) continue;
    Node& gone = nodes[node.next];
    node.id = best.merged;
    node.next = gone.next;
    gone.next = kGone;
    if (node.next >= 0) nodes[node.next].previous = best.node;
    consider(best.node);
    if (node.previous >= 0) consider(node.previous);
  }

  size_t used = 0;
  tokens[used++] = kTokenBos;
  for (int32_t i = count > 0 ? 0 : -1; i >= 0; i = nodes[i].next) {
    if (used == tokens.size())
      return Status{StatusCode::kPromptTooLong, "the prompt has more tokens than the context's {}",
                    static_cast<int64_t>(tokens.size())};
    tokens[used++] = nodes[i].id;
  }
  return static_cast<int>(used);
}

std::string_view Tokenizer::decode(int32_t previous, int32_t token) const {
  std::string_view p = piece(token);
  if (previous == kTokenBos && !p.empty() && p[0] == ' ') p.remove_prefix(1);
  if (p.size() == 6 && p[0] == '<' && p[1] == '0' && p[2] == 'x' && p[5] == '>') {
    const int high = hex_digit(p[3]);
    const int low = hex_digit(p[4]);
    if (high >= 0 && low >= 0) return {kAllBytes.at + high * 16 + low, 1};
  }
  return p;
}

}  // namespace pico_llama
