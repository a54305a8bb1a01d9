#include "tools/packer/trim.h"

#include <algorithm>
#include <numeric>
#include <string>

#include "engine/check.h"
#include "engine/model/model_image_layout.h"
#include "formats/failure.h"
#include "formats/raw_vocabulary.h"

namespace pico_llama::packer {

using formats::Vocabulary;

std::vector<bool> always_said(const Vocabulary& vocabulary) {
  std::vector<bool> said(vocabulary.pieces.size());
  for (std::size_t id = 0; id < said.size(); ++id) {
    const std::string& piece = vocabulary.pieces[id];
    const bool ascii = piece.size() == 1 && static_cast<unsigned char>(piece[0]) < 0x80;
    said[id] = id <= kTokenEos || ascii || formats::byte_of_hex(piece) >= 0;
  }
  // Bytes that are no text of their own.
  if (vocabulary.has_bytes()) std::fill_n(said.begin() + kFirstByteToken, 256, true);
  return said;
}

Vocabulary trimmed(const Vocabulary& vocabulary, const TokenCounts& counts, std::int32_t size) {
  CHECK(counts.size() == vocabulary.pieces.size());
  std::vector<bool> said = always_said(vocabulary);
  const auto fewest = std::count(said.begin(), said.end(), true);
  if (size > vocabulary.size())
    fail("{}: has {} pieces, so {} of them cannot be kept; give --vocabulary fewer", vocabulary.name,
         vocabulary.size(), size);
  if (size != 0 && size < fewest)
    fail("{}: {} pieces are too few: its special tokens, bytes and ASCII characters alone are {}",
         vocabulary.name, size, fewest);

  std::vector<std::uint32_t> order(counts.size());
  std::iota(order.begin(), order.end(), 0u);
  std::ranges::stable_sort(order,
                           [&counts](std::uint32_t a, std::uint32_t b) { return counts[a] > counts[b]; });
  auto count = static_cast<std::int32_t>(fewest);
  for (const std::uint32_t id : order) {
    if (size == 0 ? counts[id] == 0 : count == size) break;
    if (said[id]) continue;
    said[id] = true;
    ++count;
  }
  if (count == vocabulary.size()) return vocabulary;

  std::iota(order.begin(), order.end(), 0u);
  std::stable_partition(order.begin(), order.end(), [&said](std::uint32_t id) { return said[id]; });
  Vocabulary result = vocabulary;
  result.said = count;
  result.file_ids.resize(order.size());
  for (std::size_t id = 0; id < order.size(); ++id) {
    const std::uint32_t before = order[id];
    result.pieces[id] = vocabulary.pieces[before];
    result.scores[id] = vocabulary.scores[before];
    result.file_ids[id] = vocabulary.file_ids.empty() ? before : vocabulary.file_ids[before];
  }
  return result;
}

std::vector<std::uint32_t> tokens_before(const Vocabulary& whole, const Vocabulary& trimmed) {
  if (trimmed.said == 0 || whole.file_ids.empty()) {
    std::vector<std::uint32_t> same = trimmed.file_ids;
    if (trimmed.said == 0) {
      same.resize(whole.pieces.size());
      std::iota(same.begin(), same.end(), 0u);
    }
    return same;
  }
  std::vector<std::uint32_t> of_file(whole.pieces.size()), before;
  for (std::uint32_t id = 0; id < of_file.size(); ++id) of_file[whole.file_ids[id]] = id;
  for (const std::uint32_t file_id : trimmed.file_ids) before.push_back(of_file[file_id]);
  return before;
}

}  // namespace pico_llama::packer
