// Where a model's metadata comes from: options, a file beside the checkpoint, the checkpoint itself.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "engine/model/metadata.h"
#include "formats/checkpoint.h"

namespace pico_llama {

/// engine/model/metadata.h's, with text of its own.
struct ModelMetadata {
  std::string name, prompt_template, licence, authors;
  float temperature = -1;  ///< below 0: none

  Metadata view() const { return {name, prompt_template, licence, authors, temperature}; }
  bool empty() const {
    return temperature < 0 && name.empty() && prompt_template.empty() && licence.empty() && authors.empty();
  }
  /// Takes from `other` what is not set here.
  void complete(const ModelMetadata& other);
};

/// Errors: UsageFailure that says which rule of SPEC.md an option breaks.
void check_metadata_options(const ModelMetadata& metadata);

/// NAME.metadata.json, which `train` writes beside NAME.bin.
std::string metadata_path(const std::string& checkpoint_path);
/// What that file holds, and `info` shows: the keys of what there is.
nlohmann::ordered_json metadata_json(const Metadata& metadata);

/// Of the file beside the checkpoint, if there is one, completed by what the checkpoint itself says: in GGUF
/// and safetensors, whose longer texts are cut to what an image holds.
/// Errors: Failure if the file beside it is not metadata.
ModelMetadata metadata_of(const formats::Checkpoint& checkpoint, const std::string& path);

}  // namespace pico_llama
