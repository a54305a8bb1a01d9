#include "tools/model_metadata.h"

#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>

#include "engine/model/model_image_layout.h"
#include "engine/text/utf8.h"
#include "formats/mapped_file.h"
#include "tools/support/failure.h"

namespace pico_llama {
namespace {

using Json = nlohmann::ordered_json;

/// Without control characters and bytes that are not UTF-8, and cut at a character's end.
std::string plain(std::string_view text, std::size_t most) {
  std::string out;
  while (!text.empty()) {
    const std::size_t good = utf8_valid_prefix(text);
    for (const char c : text.substr(0, good))
      if (static_cast<unsigned char>(c) >= 0x20 && c != 0x7f) out += c;
    text.remove_prefix(good < text.size() ? good + 1 : good);
  }
  if (out.size() > most) out.resize(utf8_valid_prefix(std::string_view(out).substr(0, most)));
  return out;
}

std::string text_at(const Json& json, const char* key, const std::string& path) {
  const auto at = json.find(key);
  if (at == json.end()) return {};
  if (!at->is_string()) fail("{}: {} is not a string", path, key);
  return at->get<std::string>();
}

ModelMetadata read(const std::string& path) {
  const MappedFile file(path);
  const Json json = Json::parse(file.text(), nullptr, false);
  if (!json.is_object()) fail("{}: is not a JSON object; mend it or move it away", path);
  for (const auto& [key, value] : json.items())
    if (key != "name" && key != "template" && key != "licence" && key != "authors" && key != "temperature")
      fail("{}: has {}; name, template, licence, authors and temperature are known", path, Json(key).dump());
  ModelMetadata metadata;
  metadata.name = text_at(json, "name", path);
  metadata.prompt_template = text_at(json, "template", path);
  metadata.licence = text_at(json, "licence", path);
  metadata.authors = text_at(json, "authors", path);
  if (const auto at = json.find("temperature"); at != json.end()) {
    if (!at->is_number() || at->get<double>() < 0) fail("{}: temperature is no number from 0 to 10", path);
    metadata.temperature = at->get<float>();
  }
  if (const Status status = metadata.view().validate(); !status.ok()) fail("{}: {}", path, text_of(status));
  return metadata;
}

}  // namespace

void ModelMetadata::complete(const ModelMetadata& other) {
  if (name.empty()) name = other.name;
  if (prompt_template.empty()) prompt_template = other.prompt_template;
  if (licence.empty()) licence = other.licence;
  if (authors.empty()) authors = other.authors;
  if (temperature < 0) temperature = other.temperature;
}

void check_metadata_options(const ModelMetadata& metadata) {
  if (const Status status = metadata.view().validate(); !status.ok()) fail_usage("{}", text_of(status));
}

std::string metadata_path(const std::string& checkpoint_path) {
  return std::filesystem::path(checkpoint_path).replace_extension(".metadata.json").string();
}

Json metadata_json(const Metadata& metadata) {
  Json json = Json::object();
  const std::pair<const char*, std::string_view> texts[] = {{"name", metadata.name},
                                                            {"template", metadata.prompt_template},
                                                            {"licence", metadata.licence},
                                                            {"authors", metadata.authors}};
  for (const auto& [key, text] : texts)
    if (!text.empty()) json[key] = text;
  if (metadata.temperature >= 0) json["temperature"] = metadata.temperature;
  return json;
}

ModelMetadata metadata_of(const formats::Checkpoint& checkpoint, const std::string& path) {
  ModelMetadata metadata;
  std::error_code ignored;
  if (const std::string beside = metadata_path(path); std::filesystem::is_regular_file(beside, ignored))
    metadata = read(beside);
  ModelMetadata own;
  own.name = plain(checkpoint.name, kMostNameBytes);
  own.licence = plain(checkpoint.licence, kMostLicenceBytes);
  own.authors = plain(checkpoint.authors, kMostAuthorsBytes);
  metadata.complete(own);
  return metadata;
}

}  // namespace pico_llama
