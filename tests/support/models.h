#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

/// Where the tests find model files; but for pico-tales they are no part of the repository. The order of
/// scripts/get-models.sh, without its download: $PICO_LLAMA_MODELS, models/, ../shared/models.
/// Tests run in the root of the source tree (pico_llama_test sets that).
namespace pico_llama::test_support {

inline std::optional<std::string> find_in(const std::vector<std::filesystem::path>& folders,
                                          const std::string& name) {
  for (const auto& folder : folders) {
    std::error_code ignored;
    if (std::filesystem::is_regular_file(folder / name, ignored)) return (folder / name).string();
  }
  return std::nullopt;
}

/// Path of a model or tokenizer, such as "stories260K.bin" or "tok512.bin".
inline std::optional<std::string> find_model(const std::string& name) {
  std::vector<std::filesystem::path> folders;
  if (const char* chosen = std::getenv("PICO_LLAMA_MODELS")) folders.emplace_back(chosen);
  folders.insert(folders.end(), {"models", "../shared/models"});
  return find_in(folders, name);
}

/// Path of a golden file: made by llama2.c, such as "stories260K.greedy.jsonl", or, for the model that ships,
/// by scripts/write_goldens.py.
inline std::optional<std::string> find_golden(const std::string& name) {
  return find_in({"tests/golden", "../shared/golden"}, name);
}

inline std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error("cannot read " + path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

}  // namespace pico_llama::test_support

/// Skips the test, saying what it misses, where a model or golden file is absent; else declares its path.
#define PICO_LLAMA_MODEL_OR_SKIP(variable, name)                                          \
  const auto variable##_found = ::pico_llama::test_support::find_model(name);             \
  if (!variable##_found) GTEST_SKIP() << name << " is absent; run scripts/get-models.sh"; \
  const std::string& variable = *variable##_found

#define PICO_LLAMA_GOLDEN_OR_SKIP(variable, name)                                 \
  const auto variable##_found = ::pico_llama::test_support::find_golden(name);    \
  if (!variable##_found) GTEST_SKIP() << name << " is absent (../shared/golden)"; \
  const std::string& variable = *variable##_found
