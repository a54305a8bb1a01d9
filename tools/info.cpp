// pico-llama info: what a model file holds.
#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "tools/checkpoint/checkpoint.h"
#include "tools/cli.h"
#include "tools/support/sha256.h"

namespace pico_llama {
namespace {

using Json = nlohmann::ordered_json;

struct Options {
  std::string file;
  bool json = false;
};

Json describe(const Config& config) {
  return {{"dim", config.dim},         {"hidden_dim", config.hidden_dim}, {"n_layers", config.n_layers},
          {"n_heads", config.n_heads}, {"n_kv_heads", config.n_kv_heads}, {"vocab_size", config.vocab_size},
          {"seq_len", config.seq_len}};
}

Json describe(const checkpoint::Tensor& tensor) {
  const std::uint64_t scales = tensor.quantized() ? tensor.elements() / tensor.group_size : 0;
  return {{"name", tensor.name},
          {"rows", tensor.rows},
          {"columns", tensor.columns},
          {"encoding", tensor.quantized() ? fmt::format("q80 group {}", tensor.group_size) : "f32"},
          {"bytes", tensor.quantized() ? tensor.elements() + scales * sizeof(float)
                                       : tensor.elements() * sizeof(float)}};
}

Json describe(const checkpoint::Checkpoint& checkpoint) {
  const checkpoint::Header& header = checkpoint.header();
  Json tensors = Json::array();
  std::uint64_t parameters = 0;
  for (const checkpoint::Tensor* tensor : checkpoint.weights().all()) {
    tensors.push_back(describe(*tensor));
    parameters += tensor->elements();
  }
  return {{"kind", "llama2.c checkpoint"},      {"format", header.format_name()},
          {"bytes", checkpoint.bytes().size()}, {"sha256", hex(sha256(checkpoint.bytes()))},
          {"config", describe(header.config)},  {"shared_classifier", header.shared_classifier},
          {"parameters", parameters},           {"tensors", tensors}};
}

std::string text_of(const Json& value) { return value.is_string() ? value.get<std::string>() : value.dump(); }

/// The same facts for a reader: one line each, then the tensors as a table.
void print_text(const Json& info) {
  for (const auto& [key, value] : info.items()) {
    if (key == "tensors") continue;
    std::string text;
    if (value.is_object()) {
      for (const auto& [name, number] : value.items())
        text += fmt::format("{}{} {}", text.empty() ? "" : ", ", name, text_of(number));
    } else {
      text = text_of(value);
    }
    fmt::print("{:<18} {}\n", key, text);
  }
  for (const Json& tensor : info["tensors"]) {
    fmt::print("  {:<18} {:>7} x {:<7}", tensor["name"].get<std::string>(),
               tensor["rows"].get<std::uint64_t>(), tensor["columns"].get<std::uint64_t>());
    fmt::print("{:>12} bytes  {}\n", tensor["bytes"].get<std::uint64_t>(),
               tensor["encoding"].get<std::string>());
  }
}

int info(const Options& options) {
  Json report = {{"file", options.file}};
  report.update(describe(checkpoint::Checkpoint::open(options.file)));
  if (options.json)
    fmt::print("{}\n", report.dump());
  else
    print_text(report);
  return 0;
}

}  // namespace

void add_info(Cli& cli) {
  CLI::App* sub = cli.app.add_subcommand("info", "Show what a checkpoint or a model image holds");
  const auto options = std::make_shared<Options>();
  sub->add_option("file", options->file, "Checkpoint (.bin) or model image (.plm)")->required();
  sub->add_flag("--json", options->json, "Print one JSON object");
  sub->footer(R"(Example:
  pico-llama info stories260K.bin)");
  sub->callback([&cli, options] { cli.action = [options] { return info(*options); }; });
}

}  // namespace pico_llama
