// pico-llama info: describes a model file.
#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "formats/checkpoint.h"
#include "tools/board_fit.h"
#include "tools/cli.h"
#include "tools/model_metadata.h"
#include "tools/model_source.h"
#include "tools/option_checks.h"
#include "tools/support/sha256.h"

namespace pico_llama {
namespace {

using Json = nlohmann::ordered_json;

struct InfoOptions {
  std::string file;
  bool json = false;
};

Json describe(const Config& config) {
  return {{"dim", config.dim},         {"hidden_dim", config.hidden_dim}, {"n_layers", config.n_layers},
          {"n_heads", config.n_heads}, {"n_kv_heads", config.n_kv_heads}, {"vocab_size", config.vocab_size},
          {"seq_len", config.seq_len}};
}

Json describe(const formats::Tensor& tensor) {
  return {{"name", tensor.name},
          {"rows", tensor.rows},
          {"columns", tensor.columns},
          {"encoding", tensor.quantized() ? fmt::format("q80 group {}", tensor.group_size)
                                          : encoding_name(tensor.encoding)},
          {"bytes", tensor.bytes()}};
}

Json describe(const formats::Checkpoint& checkpoint) {
  Json tensors = Json::array();
  std::uint64_t parameters = 0;
  for (const formats::Tensor* tensor : checkpoint.weights.all()) {
    tensors.push_back(describe(*tensor));
    parameters += tensor->elements();
  }
  return {{"kind", checkpoint.format < formats::Format::kSafetensors ? "llama2.c checkpoint" : "checkpoint"},
          {"format", format_name(checkpoint.format)},
          {"bytes", checkpoint.file_bytes()},
          {"sha256", hex(sha256(std::span(checkpoint.bytes)))},
          {"config", describe(checkpoint.config)},
          {"shared_classifier", checkpoint.shared_classifier},
          {"rope_base", checkpoint.rope_base},
          {"rms_eps", checkpoint.rms_eps},
          {"parameters", parameters},
          {"tensors", tensors}};
}

const char* name_of(TensorKind kind) {
  switch (kind) {
    case TensorKind::kRope:
      return "rope";
    case TensorKind::kRmsAtt:
      return "rms_att";
    case TensorKind::kWq:
      return "wq";
    case TensorKind::kWk:
      return "wk";
    case TensorKind::kWv:
      return "wv";
    case TensorKind::kWo:
      return "wo";
    case TensorKind::kRmsFfn:
      return "rms_ffn";
    case TensorKind::kW1:
      return "w1";
    case TensorKind::kW3:
      return "w3";
    case TensorKind::kW2:
      return "w2";
    case TensorKind::kRmsFinal:
      return "rms_final";
    case TensorKind::kTokenEmbedding:
      return "token_embedding";
    case TensorKind::kWcls:
      return "wcls";
  }
  return "unknown";
}

Json describe(const TensorEntry& entry) {
  const auto kind = static_cast<TensorKind>(entry.kind);
  const bool of_layer = std::ranges::find(kLayerTensors, kind) != std::end(kLayerTensors);
  Json tensor = {{"name", of_layer ? fmt::format("{}.{}", name_of(kind), entry.layer) : name_of(kind)},
                 {"rows", entry.rows},
                 {"columns", entry.columns}};
  switch (static_cast<Encoding>(entry.encoding)) {
    case Encoding::kPlainF32:
      tensor["encoding"] = "plain_f32";
      break;
    case Encoding::kRowsF32:
      tensor["encoding"] = "rows_f32";
      break;
    case Encoding::kRowsQ8:
      tensor["encoding"] = "rows_q8";
      tensor["activation_limit"] = entry.activation_limit;
      tensor["chunk_pairs"] = entry.chunk_pairs;
      break;
    case Encoding::kRowsQ4:
      tensor["encoding"] = "rows_q4";
      tensor["activation_limit"] = entry.activation_limit;
      break;
  }
  tensor["bytes"] = entry.bytes;
  tensor["offset"] = entry.offset;
  return tensor;
}

std::string vocabulary_of(const ModelImage& image) {
  const int said = image.config().logit_count(), read = image.config().vocab_size;
  return said == read ? fmt::format("{} pieces", read) : fmt::format("{} of {} pieces", said, read);
}

Json describe(const ModelImage& image) {
  Json tensors = Json::array();
  for (std::uint32_t i = 0; i < image.tensor_count(); ++i) tensors.push_back(describe(image.entry(i)));
  const ImageSizes sizes = sizes_of(image);
  Json fits = Json::object();
  for (const BoardFit& fit : board_fits(image)) fits[fit.board] = (fit.fits ? "yes: " : "no: ") + fit.details;
  return {{"kind", "model image"},
          {"version", image.header().version},
          {"profile", profile_name(image.profile())},
          {"bytes", sizes.image},
          {"weight_bytes", sizes.weights},
          {"rope_bytes", sizes.rope},
          {"tokenizer_bytes", sizes.tokenizer},
          {"working_bytes", working_bytes(image, image.config().seq_len)},
          {"crc32", fmt::format("{:08x}", image.header().crc32)},
          {"checkpoint_sha256", hex(image.header().checkpoint_sha256)},
          {"tokenizer_sha256", hex(image.header().tokenizer_sha256)},
          {"metadata", metadata_json(image.metadata())},
          {"config", describe(image.config())},
          {"vocabulary", vocabulary_of(image)},
          {"shared_classifier", image.shared_classifier()},
          {"fits", fits},
          {"tensors", tensors}};
}

Json describe(const FlashModels& flash, const std::string& path) {
  Json segments = Json::array();
  for (const auto& [address, bytes] : flash.file().segments)
    segments.push_back(fmt::format("{} bytes at {:#010x}", bytes.size(), address));
  Json models = Json::array();
  for (int i = 0; i < flash.count(); ++i) models.push_back(describe(parse_image(flash.image(i), path)));
  Json report = {{"kind", "for the board"}};
  if (const std::string name = flash.program_name(); !name.empty()) report["program"] = name;
  report["segments"] = segments;
  report["models"] = models;
  return report;
}

/// Describes the file; its type is detected from its first bytes.
Json describe(const std::string& path) {
  if (is_memory_image(path)) return describe(FlashModels::open(path), path);
  if (is_image(path)) {
    const MappedFile file(path);
    return describe(parse_image(std::as_bytes(file.bytes()), path));
  }
  return describe(formats::Checkpoint::open(path));
}

std::string text_of(const Json& value) { return value.is_string() ? value.get<std::string>() : value.dump(); }

/// The same facts for a reader: one line each, then the tensors as a table; of a file with models, each model
/// below the file.
void print_text(const Json& info) {
  for (const auto& [key, value] : info.items()) {
    if (key == "tensors" || key == "models") continue;
    std::string text;
    if (value.is_array()) {
      for (const Json& item : value) text += (text.empty() ? "" : ", ") + text_of(item);
    } else if (value.is_object()) {
      for (const auto& [name, number] : value.items())
        text += fmt::format("{}{} {}", text.empty() ? "" : ", ", name, text_of(number));
    } else {
      text = text_of(value);
    }
    fmt::print("{:<18} {}\n", key, text);
  }
  if (info.contains("models")) {
    fmt::print("{:<18} {}\n", "models", info["models"].size());
    for (const Json& model : info["models"]) print_text(model);
    return;
  }
  for (const Json& tensor : info["tensors"]) {
    fmt::print("  {:<18} {:>7} x {:<7}", tensor["name"].get<std::string>(),
               tensor["rows"].get<std::uint64_t>(), tensor["columns"].get<std::uint64_t>());
    fmt::print("{:>12} bytes  {}", tensor["bytes"].get<std::uint64_t>(),
               tensor["encoding"].get<std::string>());
    for (const char* detail : {"activation_limit", "chunk_pairs"})
      if (tensor.contains(detail)) fmt::print("  {} {}", detail, tensor[detail].get<int>());
    fmt::print("\n");
  }
}

int info(const InfoOptions& options) {
  Json report = {{"file", options.file}};
  report.update(describe(options.file));
  if (options.json)
    fmt::print("{}\n", report.dump());
  else
    print_text(report);
  return 0;
}

}  // namespace

void add_info(Cli& cli) {
  CLI::App* sub =
      cli.app.add_subcommand("info", "Show what a checkpoint, a model image or a file for the board holds");
  const auto options = std::make_shared<InfoOptions>();
  sub->add_option("file", options->file,
                  "Checkpoint (.bin, .gguf, .safetensors or its folder), model image (.plm), .uf2 or .elf")
      ->type_name(kFileType)
      ->required();
  sub->add_flag("--json", options->json, "Print one JSON object");
  sub->footer(R"(Example:
  pico-llama info stories260K.bin)");
  sub->callback([&cli, options] { cli.action = [options] { return info(*options); }; });
}

}  // namespace pico_llama
