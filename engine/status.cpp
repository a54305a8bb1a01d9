#include "engine/status.h"

namespace pico_llama {
namespace {

int append_number(char* buffer, int at, int last, int64_t value) {
  char digits[20];
  int n = 0;
  uint64_t rest = value < 0 ? uint64_t{0} - static_cast<uint64_t>(value) : static_cast<uint64_t>(value);
  do {
    digits[n++] = static_cast<char>('0' + rest % 10);
    rest /= 10;
  } while (rest != 0);
  if (value < 0 && at < last) buffer[at++] = '-';
  while (n > 0 && at < last) buffer[at++] = digits[--n];
  return at;
}

}  // namespace

int Status::format(char* buffer, int capacity) const {
  if (capacity <= 0) return 0;
  const int64_t numbers[] = {a_, b_};
  int used = 0;
  int at = 0;
  const int last = capacity - 1;
  for (const char* p = text_; *p != '\0' && at < last;) {
    if (p[0] == '{' && p[1] == '}' && used < 2) {
      at = append_number(buffer, at, last, numbers[used++]);
      p += 2;
    } else {
      buffer[at++] = *p++;
    }
  }
  buffer[at] = '\0';
  return at;
}

}  // namespace pico_llama
