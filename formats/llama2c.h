#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "formats/checkpoint.h"

/// llama2.c's checkpoints: legacy fp32, version 1 (fp32) and version 2 (q80).
/// Source: llama2.c export.py (legacy_export, version1_export, version2_export) and run.c, runq.c.
namespace pico_llama::formats {

inline constexpr std::uint32_t kLlama2cMagic = 0x616b3432;  // "ak42", read as a little-endian integer
inline constexpr std::uint64_t kLegacyHeaderBytes = 7 * sizeof(std::int32_t);
inline constexpr std::uint64_t kVersionedHeaderBytes = 256;

/// Reads and checks a whole file: header, exact size, finite weights. The bytes must outlive the result;
/// `name` stands for the file in messages. Errors: Failure that says what is wrong with the file and what to
/// do.
Checkpoint read_llama2c(std::span<const std::uint8_t> bytes, const std::string& name);

/// The bytes of a legacy checkpoint. Shapes: parameters in the file's order without its RoPE tables:
/// token_embedding, then for all layers together rms_att, wq, wk, wv, wo, rms_ffn, w1, w2, w3, then rms_final
/// and an unshared classifier.
std::string to_llama2c_legacy(const Config& config, bool shared_classifier,
                              std::span<const float> parameters);

}  // namespace pico_llama::formats
