// Arbitrary bytes as a GGUF file are either rejected with a Failure or packed into an image that the engine's
// parser accepts.
#include <cstring>
#include <string>
#include <vector>

#include "engine/check.h"
#include "formats/failure.h"
#include "formats/gguf.h"
#include "formats/tokenizer_bin.h"
#include "fuzz_seeds.h"
#include "tests/support/synthetic_model.h"

using namespace pico_llama;

namespace {

/// How ggml stores a matrix: the number of the type, the elements of a block and its bytes.
struct MatrixType {
  std::uint32_t number;
  std::size_t block;
  std::size_t block_bytes;
};

/// A whole file: every tensor zero, its matrices of a type.
class Writer {
 public:
  Writer(const Config& shape, const MatrixType& type) : shape_(shape), type_(type) {}

  std::vector<std::uint8_t> write() {
    const Config& c = shape_;
    add_tensors(c);
    put("GGUF");
    put(std::uint32_t{3});
    put(std::uint64_t{count_});
    put(std::uint64_t{12});
    text("general.architecture", "llama");
    number("llama.context_length", c.seq_len);
    number("llama.embedding_length", c.dim);
    number("llama.block_count", c.n_layers);
    number("llama.feed_forward_length", c.hidden_dim);
    number("llama.attention.head_count", c.n_heads);
    number("llama.attention.head_count_kv", c.n_kv_heads);
    number("tokenizer.ggml.bos_token_id", 1);
    number("tokenizer.ggml.eos_token_id", 2);
    text("tokenizer.ggml.model", "llama");
    string("tokenizer.ggml.tokens");
    put(std::uint32_t{9});
    put(std::uint32_t{8});
    put(static_cast<std::uint64_t>(c.vocab_size));
    for (int i = 0; i < c.vocab_size; ++i) string(std::to_string(i));
    string("tokenizer.ggml.scores");
    put(std::uint32_t{9});
    put(std::uint32_t{6});
    put(static_cast<std::uint64_t>(c.vocab_size));
    for (int i = 0; i < c.vocab_size; ++i) put(-static_cast<float>(i));
    out_ += infos_;
    out_.resize((out_.size() + 31) / 32 * 32 + data_);
    return {out_.begin(), out_.end()};
  }

 private:
  template <typename T>
  void put(T value) {
    out_.append(reinterpret_cast<const char*>(&value), sizeof value);
  }
  void put(const char* text) { out_ += text; }
  void string(const std::string& value) {
    put(static_cast<std::uint64_t>(value.size()));
    out_ += value;
  }
  void text(const std::string& key, const std::string& value) {
    string(key);
    put(std::uint32_t{8});
    string(value);
  }
  void number(const std::string& key, std::int32_t value) {
    string(key);
    put(std::uint32_t{4});
    put(value);
  }
  void add_tensors(const Config& c) {
    tensor("token_embd.weight", c.vocab_size, c.dim);
    for (int l = 0; l < c.n_layers; ++l) {
      const std::string b = "blk." + std::to_string(l) + ".";
      tensor(b + "attn_norm.weight", 1, c.dim);
      tensor(b + "attn_q.weight", c.dim, c.dim);
      tensor(b + "attn_k.weight", c.kv_dim(), c.dim);
      tensor(b + "attn_v.weight", c.kv_dim(), c.dim);
      tensor(b + "attn_output.weight", c.dim, c.dim);
      tensor(b + "ffn_norm.weight", 1, c.dim);
      tensor(b + "ffn_gate.weight", c.hidden_dim, c.dim);
      tensor(b + "ffn_down.weight", c.dim, c.hidden_dim);
      tensor(b + "ffn_up.weight", c.hidden_dim, c.dim);
    }
    tensor("output_norm.weight", 1, c.dim);
  }
  void tensor(const std::string& name, int rows, int columns) {
    std::string swapped;
    swapped.swap(out_);
    string(name);
    const bool plain = rows == 1;
    put(std::uint32_t{rows == 1 ? 1u : 2u});
    put(static_cast<std::uint64_t>(columns));
    if (rows != 1) put(static_cast<std::uint64_t>(rows));
    put(plain ? std::uint32_t{0} : type_.number);
    put(static_cast<std::uint64_t>(data_));
    infos_ += out_;
    out_.swap(swapped);
    const std::size_t elements = static_cast<std::size_t>(rows) * static_cast<std::size_t>(columns);
    const std::size_t bytes = plain ? elements * sizeof(float) : elements / type_.block * type_.block_bytes;
    data_ += (bytes + 31) / 32 * 32;
    ++count_;
  }

  Config shape_;
  MatrixType type_;
  std::string out_, infos_;
  std::size_t data_ = 0;
  std::uint64_t count_ = 0;
};

const std::vector<std::vector<std::uint8_t>>& seeds() {
  static const auto all = [] {
    std::vector<std::vector<std::uint8_t>> files;
    for (const MatrixType& plain : {MatrixType{0, 1, 4}, MatrixType{1, 1, 2}, MatrixType{30, 1, 2}})
      files.push_back(Writer(fuzz::kShape, plain).write());
    // Rows that are whole blocks: Q4_0, Q5_0 and Q8_0. Blocks of 256 would make files too long to mutate
    // well.
    for (const MatrixType& blocks : {MatrixType{2, 32, 18}, MatrixType{6, 32, 22}, MatrixType{8, 32, 34}})
      files.push_back(Writer({32, 32, 1, 2, 1, 12, 8}, blocks).write());
    return files;
  }();
  return all;
}

}  // namespace

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t max_size,
                                               unsigned seed) {
  return fuzz::mutate(seeds(), data, size, max_size, seed);
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    const auto checkpoint = formats::read_gguf({data, size}, "fuzz");
    if (checkpoint.config.seq_len > 64 || checkpoint.config.vocab_size > 2000) return 0;
    const auto vocabulary = formats::read_gguf_tokenizer({data, size}, "fuzz");
    const auto image = packer::pack(checkpoint, vocabulary, Profile::kQ8);
    const auto parsed = ModelImage::parse(image);
    CHECK(parsed.ok());
  } catch (const Failure&) {
  }
  return 0;
}
