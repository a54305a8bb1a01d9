#pragma once

#include <cstdio>
#include <fstream>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <string>

/// Where the tests find model files, of which only pico-tales is part of the repository, and goldens, which
/// all are. Tests run in the root of the source tree (pico_llama_test sets that).
namespace pico_llama::test_support {

/// Path of a model or tokenizer, such as "stories260K.bin" or "tok512.bin": where scripts/get-models.sh finds
/// it.
inline std::optional<std::string> find_model(const std::string& name) {
  std::FILE* script = popen(("scripts/get-models.sh --here " + name).c_str(), "r");
  if (script == nullptr) throw std::runtime_error("cannot run scripts/get-models.sh");
  std::string folder;
  for (int c; (c = std::fgetc(script)) != EOF && c != '\n';) folder += static_cast<char>(c);
  if (pclose(script) != 0) return std::nullopt;
  return folder + "/" + name;
}

/// Path of a file of tests/golden (its README.md says where they come from).
inline std::string golden_path(const std::string& name) { return "tests/golden/" + name; }

inline std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error("cannot read " + path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

}  // namespace pico_llama::test_support

/// Skips the test with a message if a model file is absent; otherwise declares its path.
#define PICO_LLAMA_MODEL_OR_SKIP(variable, name)                                          \
  const auto variable##_found = ::pico_llama::test_support::find_model(name);             \
  if (!variable##_found) GTEST_SKIP() << name << " is absent; run scripts/get-models.sh"; \
  const std::string& variable = *variable##_found
