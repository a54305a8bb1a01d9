#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace pico_llama {

/// A regular file, mapped read-only for as long as this object lives.
class MappedFile {
 public:
  MappedFile() = default;
  /// Errors: Failure if the file is missing, unreadable, empty, a directory or anything else without a size.
  explicit MappedFile(const std::string& path);
  ~MappedFile();
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  const std::string& path() const { return path_; }
  std::span<const std::uint8_t> bytes() const { return {data_, size_}; }

 private:
  std::string path_;
  const std::uint8_t* data_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace pico_llama
