// model_probe MODEL TOKENIZER logits TOKEN...    after each token, one JSON array of all logits a line
// model_probe MODEL TOKENIZER encode             of each JSON string on standard input, its token ids a line
// Numbers inside the engine that no command prints, for tests in Python. TOKENIZER "": found as `run` finds
// it.
#include <fmt/format.h>

#include <cstdio>
#include <exception>
#include <iostream>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

#include "engine/forward/transformer.h"
#include "engine/text/tokenizer.h"
#include "formats/failure.h"
#include "tools/model_source.h"
#include "tools/support/thread_workers.h"

namespace pico_llama {
namespace {

/// A float in the shortest digits that mean it.
template <typename Number>
void print_array(std::span<Number> numbers) {
  const char* before = "[";
  for (const Number number : numbers) {
    fmt::print("{}{}", before, number);
    before = ",";
  }
  fmt::print("]\n");
}

void print_logits(const ModelImage& image, std::span<const std::int32_t> tokens) {
  ThreadWorkers workers(1);
  const int context = image.config().seq_len;
  const Result<std::size_t> bytes = bytes_needed(image.config(), image.profile(), context);
  if (!bytes.ok()) fail("{}", text_of(bytes.status()));
  packer::ImageBytes memory(bytes.value());
  Result<Transformer> made = Transformer::create(image, context, memory, workers);
  if (!made.ok()) fail("{}", text_of(made.status()));
  for (std::size_t pos = 0; pos < tokens.size(); ++pos) {
    made.value().forward(tokens.subspan(pos, 1), static_cast<int>(pos));
    print_array(made.value().logits());
  }
}

void print_tokens(const ModelImage& image) {
  const Tokenizer tokenizer(image.tokenizer());
  for (std::string line; std::getline(std::cin, line);) {
    const auto text = nlohmann::json::parse(line).get<std::string>();
    std::vector<std::int32_t> tokens(text.size() + 2);  // BOS, the dummy space, at worst a token a byte
    std::vector<std::byte> scratch(Tokenizer::encode_scratch_bytes(text.size()));
    const Result<int> count = tokenizer.encode(text, tokens, scratch);
    if (!count.ok()) fail("{}: {}", line, text_of(count.status()));
    tokens.resize(static_cast<std::size_t>(count.value()));
    print_array(std::span(tokens));
  }
}

}  // namespace
}  // namespace pico_llama

int main(int argc, char** argv) {
  const std::vector<std::string> words(argv, argv + argc);
  if (words.size() < 4 || (words[3] != "logits" && words[3] != "encode")) {
    std::fprintf(stderr, "usage: model_probe MODEL TOKENIZER logits TOKEN... | encode\n");
    return 2;
  }
  try {
    using namespace pico_llama;
    const ModelSource source = ModelSource::open(words[1], words[2], std::nullopt);
    std::vector<std::int32_t> tokens;
    for (std::size_t i = 4; i < words.size(); ++i) tokens.push_back(std::stoi(words[i]));
    if (words[3] == "logits")
      print_logits(source.image(), tokens);
    else
      print_tokens(source.image());
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "model_probe: %s\n", error.what());
    return 1;
  }
}
