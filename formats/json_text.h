#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace pico_llama::formats {

/// The string under `key`; empty where there is none, or where `value` is not an object.
inline std::string text(const nlohmann::json& value, const char* key) {
  if (!value.is_object()) return {};
  const auto at = value.find(key);
  return at != value.end() && at->is_string() ? at->get<std::string>() : std::string();
}

}  // namespace pico_llama::formats
