// make_model OUT.bin OUT_TOKENIZER.bin [15m|260k|DIM,HIDDEN,LAYERS,HEADS,KV_HEADS,VOCAB,SEQ] [SEED]
//            [legacy|v1|v2:GROUP] [shared|unshared]
// Writes a synthetic checkpoint and a tokenizer of its vocabulary: for timing shapes nobody gave us a model
// of.
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <stdexcept>
#include <string>

#include "tests/support/synthetic_model.h"

namespace {

using pico_llama::Config;
using pico_llama::formats::Format;
using pico_llama::test_support::SyntheticModel;

Config parse_shape(const std::string& text) {
  if (text == "15m") return pico_llama::test_support::kShape15M;
  if (text == "260k") return pico_llama::test_support::kShape260K;
  Config c;
  if (std::sscanf(text.c_str(), "%d,%d,%d,%d,%d,%d,%d", &c.dim, &c.hidden_dim, &c.n_layers, &c.n_heads,
                  &c.n_kv_heads, &c.vocab_size, &c.seq_len) != 7)
    throw std::invalid_argument("shape is 15m, 260k or seven numbers, not " + text);
  if (!c.validate().ok()) throw std::invalid_argument("no model has the shape " + text);
  return c;
}

void parse_format(const std::string& text, SyntheticModel& model) {
  if (text == "legacy") {
    model.format = Format::kLlama2cLegacy;
  } else if (text == "v1") {
    model.format = Format::kLlama2cVersion1;
  } else if (text.starts_with("v2:")) {
    model.format = Format::kLlama2cVersion2;
    model.group_size = static_cast<std::uint32_t>(std::stoul(text.substr(3)));
  } else {
    throw std::invalid_argument("format is legacy, v1 or v2:GROUP, not " + text);
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3 || argc > 7) {
    std::fprintf(stderr,
                 "usage: make_model OUT.bin OUT_TOKENIZER.bin [SHAPE] [SEED] [FORMAT] [shared|unshared]\n");
    return 2;
  }
  try {
    SyntheticModel model;
    model.config = parse_shape(argc > 3 ? argv[3] : "15m");
    if (argc > 4) model.seed = std::stoull(argv[4]);
    if (argc > 5) parse_format(argv[5], model);
    if (argc > 6) model.shared_classifier = std::string(argv[6]) != "unshared";
    using namespace pico_llama::test_support;
    write_file(argv[1], make_checkpoint(model));
    write_file(argv[2], make_tokenizer(model.config.vocab_size));
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "make_model: %s\n", error.what());
    return 1;
  }
}
