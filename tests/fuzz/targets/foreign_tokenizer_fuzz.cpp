// Arbitrary bytes as a SentencePiece model or a tokenizer.json are either rejected with a Failure or give a
// vocabulary whose file ids are each token once.
#include <algorithm>
#include <string>
#include <vector>

#include "engine/check.h"
#include "formats/failure.h"
#include "formats/sentencepiece.h"
#include "formats/tokenizer_json.h"
#include "fuzz_seeds.h"

using namespace pico_llama;

namespace {

std::vector<std::uint8_t> bytes_of(const std::string& text) { return {text.begin(), text.end()}; }

std::vector<std::uint8_t> sentencepiece() {
  std::string out;
  for (const std::string piece : {"<unk>", "<s>", "</s>", "<0x0A>", "\xe2\x96\x81", "a",
                                  "\xe2\x96\x81"
                                  "a"}) {
    const std::string message = "\x0a" + std::string(1, static_cast<char>(piece.size())) + piece +
                                std::string("\x15\0\0\x80\xbf\x18\x01", 7);
    out += "\x0a" + std::string(1, static_cast<char>(message.size())) + message;
  }
  return bytes_of(out + std::string("\x12\x02\x18\x02\x1a\x02\x18\x01", 8));
}

void check(const formats::Vocabulary& vocabulary) {
  CHECK(vocabulary.pieces.size() == vocabulary.scores.size());
  std::vector<std::uint32_t> ids = vocabulary.file_ids;
  std::sort(ids.begin(), ids.end());
  CHECK(ids.empty() || ids.size() == vocabulary.pieces.size());
  for (std::size_t i = 0; i < ids.size(); ++i) CHECK(ids[i] == i);
}

}  // namespace

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t max_size,
                                               unsigned seed) {
  static const std::vector<std::vector<std::uint8_t>> seeds = {
      sentencepiece(),
      bytes_of(
          R"({"model":{"type":"BPE","vocab":{"<unk>":2,"<s>":0,"</s>":1,"a":3,"b":4,"ab":5},"merges":["a b"]}})"),
      bytes_of(
          R"({"added_tokens":[{"id":3,"content":"<s>"}],"pre_tokenizer":{"type":"Sequence","pretokenizers":[)"
          R"({"type":"ByteLevel","add_prefix_space":true}]},"model":{"vocab":{"a":0,"Ġ":1,"Ġa":2},)"
          R"("merges":[["Ġ","a"]]},"post_processor":{"single":[{"SpecialToken":{"id":"<s>"}}]}})")};
  return fuzz::mutate(seeds, data, size, max_size, seed);
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  for (const auto read : {formats::read_sentencepiece, formats::read_tokenizer_json}) {
    try {
      check(read({data, size}, "fuzz"));
    } catch (const Failure&) {
    }
  }
  return 0;
}
