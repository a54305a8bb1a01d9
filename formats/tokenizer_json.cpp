#include "formats/tokenizer_json.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <optional>

#include "formats/failure.h"
#include "formats/json_text.h"
#include "formats/raw_vocabulary.h"

namespace pico_llama::formats {
namespace {

using Json = nlohmann::json;

/// The component of that type: the value itself, or inside a Sequence.
const Json* component(const Json& value, const std::string& type) {
  if (!value.is_object()) return nullptr;
  if (text(value, "type") == type) return &value;
  for (const char* list : {"normalizers", "pretokenizers", "decoders"}) {
    const auto at = value.find(list);
    if (at == value.end() || !at->is_array()) continue;
    for (const Json& part : *at)
      if (const Json* found = component(part, type)) return found;
  }
  return nullptr;
}

const Json& member(const Json& object, const char* key) {
  static const Json kNone;
  const auto at = object.find(key);
  return at != object.end() ? *at : kNone;
}

bool flag(const Json& object, const char* key, bool absent) {
  const Json& value = member(object, key);
  return value.is_boolean() ? value.get<bool>() : absent;
}

/// Tokens by id. Errors: Failure if ids are missing or double.
std::vector<std::string> tokens_of(const Json& file, const Json& vocab, const std::string& name) {
  constexpr std::size_t kMost = 1 << 20;
  std::vector<std::optional<std::string>> tokens;
  const auto set = [&](const Json& id, const std::string& token) {
    if (!id.is_number_unsigned() || id.get<std::uint64_t>() >= kMost)
      fail("{}: token {} has no usable id; get the file again", name, Json(token).dump());
    const auto at = id.get<std::size_t>();
    if (tokens.size() <= at) tokens.resize(at + 1);
    tokens[at] = token;
  };
  for (const auto& [token, id] : vocab.items()) set(id, token);
  if (const Json& added = member(file, "added_tokens"); added.is_array())
    for (const Json& token : added)
      if (token.is_object()) set(member(token, "id"), text(token, "content"));
  std::vector<std::string> list;
  for (std::size_t id = 0; id < tokens.size(); ++id) {
    if (!tokens[id]) fail("{}: no token has the id {}; get the file again", name, id);
    list.push_back(*std::move(tokens[id]));
  }
  return list;
}

std::int64_t id_of(const std::vector<std::string>& tokens, const std::string& token) {
  const auto at = std::ranges::find(tokens, token);
  return token.empty() || at == tokens.end() ? -1 : at - tokens.begin();
}

std::int64_t first_known(const std::vector<std::string>& tokens, std::initializer_list<const char*> names) {
  for (const char* token : names)
    if (const std::int64_t id = id_of(tokens, token); id >= 0) return id;
  return -1;
}

/// The token that the template puts in front of a text; "" if it has none.
std::string template_begin(const Json& processor) {
  const Json* single = processor.is_object() ? &member(processor, "single") : nullptr;
  if (processor.is_object() && member(processor, "processors").is_array())
    for (const Json& part : member(processor, "processors"))
      if (const std::string token = template_begin(part); !token.empty()) return token;
  if (single == nullptr || !single->is_array() || single->empty() || !single->front().is_object()) return {};
  const Json& special = member(single->front(), "SpecialToken");
  return special.is_object() ? text(special, "id") : std::string();
}

MergeScores scores_of(const Json& merges, const std::string& name) {
  if (!merges.is_array()) fail("{}: its BPE model has no merges; get the file again", name);
  MergeScores scores;
  for (const Json& merge : merges) {
    if (merge.is_string())
      scores.add(merge.get_ref<const std::string&>());
    else if (merge.is_array() && merge.size() == 2 && merge[0].is_string() && merge[1].is_string())
      scores.add(merge[0].get_ref<const std::string&>(), merge[1].get_ref<const std::string&>());
    else
      fail("{}: a merge is not a pair of pieces; download the file again", name);
  }
  return scores;
}

[[noreturn]] void fail_model_type(const std::string& type, const std::string& name) {
  fail(
      "{}: is a tokenizer.json with a model of type {}; only BPE, which Llama models have, can be run: train "
      "a BPE tokenizer, and the model with it",
      name, type);
}

}  // namespace

bool looks_like_json(std::span<const std::uint8_t> bytes) {
  for (const std::uint8_t byte : bytes) {
    if (byte == '{') return true;
    if (byte != ' ' && byte != '\t' && byte != '\n' && byte != '\r') return false;
  }
  return false;
}

Vocabulary read_tokenizer_json(std::span<const std::uint8_t> bytes, const std::string& name) {
  const Json file = Json::parse(bytes.begin(), bytes.end(), nullptr, false);
  if (!file.is_object()) fail("{}: incomplete JSON; download the file again", name);
  const Json& model = member(file, "model");
  if (!model.is_object() || !member(model, "vocab").is_object()) {
    const std::string type = text(model, "type");
    if (type.empty() || type == "BPE")
      fail("{}: is JSON, but no tokenizer.json: it has no model with a vocabulary", name);
    fail_model_type(type, name);
  }
  if (const std::string type = text(model, "type"); !type.empty() && type != "BPE")
    fail_model_type(type, name);
  for (const char* key : {"continuing_subword_prefix", "end_of_word_suffix"})
    if (!text(model, key).empty()) fail("{}: a tokenizer.json with {} is not supported", name, key);

  const std::vector<std::string> tokens = tokens_of(file, member(model, "vocab"), name);
  const MergeScores scores = scores_of(member(model, "merges"), name);
  const Json& pre_tokenizer = member(file, "pre_tokenizer");
  const Json* byte_level = component(pre_tokenizer, "ByteLevel");
  const bool bytes_as_letters =
      byte_level != nullptr || component(member(file, "decoder"), "ByteLevel") != nullptr;

  RawVocabulary raw;
  raw.unknown = first_known(tokens, {text(model, "unk_token").c_str(), "<unk>"});
  raw.begin = id_of(tokens, template_begin(member(file, "post_processor")));
  if (raw.begin < 0) raw.begin = first_known(tokens, {"<s>", "<|begin_of_text|>", "<bos>", "<|endoftext|>"});
  raw.end = first_known(tokens, {"</s>", "<|end_of_text|>", "<eos>", "<|endoftext|>"});
  std::vector<bool> special(tokens.size(), false);
  if (const Json& added = member(file, "added_tokens"); added.is_array())
    for (const Json& token : added)
      if (const std::int64_t id = token.is_object() ? id_of(tokens, text(token, "content")) : -1; id >= 0)
        special[static_cast<std::size_t>(id)] = true;
  if (bytes_as_letters) {
    raw.dummy_space = byte_level != nullptr && flag(*byte_level, "add_prefix_space", false);
    for (std::size_t id = 0; id < tokens.size(); ++id) {
      const std::string piece = special[id] ? tokens[id] : bytes_of_letters(tokens[id]);
      const bool byte = !special[id] && piece.size() == 1;
      raw.add(piece, scores.of(tokens[id]), byte ? static_cast<unsigned char>(piece[0]) : -1);
    }
  } else {
    const Json* metaspace = component(pre_tokenizer, "Metaspace");
    raw.dummy_space = component(member(file, "normalizer"), "Prepend") != nullptr ||
                      (metaspace != nullptr && flag(*metaspace, "add_prefix_space", true) &&
                       text(*metaspace, "prepend_scheme") != "never");
    for (const std::string& token : tokens)
      raw.add(spaces_of_underlines(token), scores.of(token), byte_of_hex(token));
  }
  Vocabulary vocabulary = canonical(raw, name);
  vocabulary.file.assign(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  return vocabulary;
}

}  // namespace pico_llama::formats
