#include "engine/text/edit_distance.h"

#include <cstddef>
#include <cstdint>

namespace pico_llama {

unsigned edit_distance(std::string_view a, std::string_view b) {
  constexpr size_t kMost = 15;
  if (a.size() > kMost || b.size() > kMost) return kMost;
  uint8_t rows[3][kMost + 1] = {};
  for (size_t j = 0; j <= b.size(); ++j) rows[0][j] = static_cast<uint8_t>(j);
  for (size_t i = 1; i <= a.size(); ++i) {
    uint8_t* const row = rows[i % 3];
    const uint8_t* const above = rows[(i - 1) % 3];
    row[0] = static_cast<uint8_t>(i);
    for (size_t j = 1; j <= b.size(); ++j) {
      unsigned best = above[j - 1] + (a[i - 1] != b[j - 1]);
      if (above[j] + 1u < best) best = above[j] + 1u;
      if (row[j - 1] + 1u < best) best = row[j - 1] + 1u;
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
          rows[(i - 2) % 3][j - 2] + 1u < best)
        best = rows[(i - 2) % 3][j - 2] + 1u;
      row[j] = static_cast<uint8_t>(best);
    }
  }
  return rows[a.size() % 3][b.size()];
}

}  // namespace pico_llama
