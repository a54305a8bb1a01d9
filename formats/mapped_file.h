#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace pico_llama {

/// A regular file, mapped read-only for the lifetime of this object.
class MappedFile {
 public:
  MappedFile() = default;
  enum class Empty { kRefused, kAllowed };
  /// Errors: Failure if the file is missing, unreadable, empty (unless allowed), a directory or anything else
  /// without a size.
  explicit MappedFile(const std::string& path, Empty empty = Empty::kRefused);
  ~MappedFile();
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  /// The regular file at `path`, which may be empty; nothing where there is no regular file.
  static std::optional<MappedFile> if_regular(const std::string& path);

  const std::string& path() const { return path_; }
  std::span<const std::uint8_t> bytes() const { return {data_, size_}; }
  std::string_view text() const { return {reinterpret_cast<const char*>(data_), size_}; }

 private:
  std::string path_;
  const std::uint8_t* data_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace pico_llama
