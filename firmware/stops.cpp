// On a failed CHECK: record the condition and restart; the next banner prints it. The C++ library reports
// violated preconditions by throwing; replacing its throw functions keeps the unwinder and malloc out of the
// image.
#include "engine/check.h"
#include "firmware/drivers/last_stop.h"

namespace pico_llama {

[[noreturn]] void check_failed(const char* condition, const char* file, int line) {
  drivers::stop_here(condition, file, static_cast<uint32_t>(line));
}

}  // namespace pico_llama

namespace std {

[[noreturn]] void __throw_out_of_range_fmt(const char* what, ...) {
  pico_llama::check_failed(what, "<string>", 0);
}
[[noreturn]] void __throw_length_error(const char* what) { pico_llama::check_failed(what, "<string>", 0); }
[[noreturn]] void __throw_logic_error(const char* what) { pico_llama::check_failed(what, "<string>", 0); }

}  // namespace std
