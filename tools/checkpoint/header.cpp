#include "tools/checkpoint/header.h"

#include <cstdlib>
#include <cstring>
#include <string_view>

#include "tools/support/failure.h"

namespace pico_llama::checkpoint {
namespace {

std::int32_t read_int32(std::span<const std::uint8_t> bytes, std::uint64_t at) {
  std::int32_t value;
  std::memcpy(&value, bytes.data() + at, sizeof(value));
  return value;
}

/// A file of another kind gets its name called: the user picked the wrong one.
const char* other_kind(std::span<const std::uint8_t> bytes) {
  struct Signature {
    std::string_view start;
    const char* kind;
  };
  static constexpr Signature kSignatures[] = {
      {"PLM1", "a model image; give the checkpoint it was packed from"},
      {"GGUF", "a GGUF file"},
      {"PK\x03\x04", "a PyTorch or zip file; export it with llama2.c's export.py"},
      {"UF2\n", "a UF2 file"},
      {"\x7f"
       "ELF",
       "a program"},
      {"version https://git-lfs", "a Git LFS pointer, not the file itself; run git lfs pull"},
      {"<", "a web page, not the file it was meant to download"},
  };
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  for (const auto& [start, kind] : kSignatures)
    if (text.starts_with(start)) return kind;
  if (text.size() > 10 && text.substr(8).starts_with("{\""))
    return "a safetensors file; export it with llama2.c's export.py";
  return nullptr;
}

}  // namespace

const char* Header::format_name() const {
  switch (format) {
    case Format::kLegacy:
      return "legacy fp32";
    case Format::kVersion1:
      return "version 1 (fp32)";
    case Format::kVersion2:
      return "version 2 (q80)";
  }
  std::abort();
}

Header parse_header(std::span<const std::uint8_t> bytes, const std::string& name) {
  if (const char* kind = other_kind(bytes)) fail("{}: is not a llama2.c checkpoint but {}", name, kind);
  if (bytes.size() < kLegacyHeaderBytes)
    fail("{}: truncated: {} bytes are too few for a checkpoint's header ({}); get the file again", name,
         bytes.size(), kLegacyHeaderBytes);

  Header header;
  std::uint64_t at = 0;
  if (static_cast<std::uint32_t>(read_int32(bytes, 0)) == kMagic) {
    if (bytes.size() < kVersionedHeaderBytes)
      fail("{}: truncated: {} bytes are too few for its header ({}); get the file again", name, bytes.size(),
           kVersionedHeaderBytes);
    const std::int32_t version = read_int32(bytes, 4);
    if (version != 1 && version != 2)
      fail("{}: checkpoint version {} is unknown; export it as version 0, 1 or 2", name, version);
    header.format = version == 1 ? Header::Format::kVersion1 : Header::Format::kVersion2;
    at = 8;
  }

  Config& config = header.config;
  for (std::int32_t* field : {&config.dim, &config.hidden_dim, &config.n_layers, &config.n_heads,
                              &config.n_kv_heads, &config.vocab_size, &config.seq_len}) {
    *field = read_int32(bytes, at);
    at += sizeof(std::int32_t);
  }
  const bool legacy = header.format == Header::Format::kLegacy;
  // The sign of a legacy vocab_size is the "unshared classifier" flag. INT32_MIN has no positive.
  const bool negative_vocab = config.vocab_size < 0;
  if (legacy && negative_vocab && config.vocab_size != INT32_MIN) config.vocab_size = -config.vocab_size;
  if (const Status status = config.validate(); !status.ok())
    fail("{}: {}; {}", name, text_of(status),
         legacy ? "its first bytes are not the magic ak42 either: is this a llama2.c checkpoint?"
                : "the header is damaged, get the file again");

  if (legacy) {
    header.shared_classifier = !negative_vocab;
  } else {
    const std::uint8_t shared = bytes[36];
    if (shared > 1)
      fail("{}: the shared-classifier byte is {}, and must be 0 or 1; the header is damaged", name, shared);
    header.shared_classifier = shared == 1;
  }
  if (header.format == Header::Format::kVersion2) {
    const std::int32_t group_size = read_int32(bytes, 37);
    if (group_size < 1)
      fail("{}: q80 group size is {}, and must be positive; the header is damaged", name, group_size);
    header.group_size = static_cast<std::uint32_t>(group_size);
  }

  return header;
}

}  // namespace pico_llama::checkpoint
