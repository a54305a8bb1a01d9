// The C++ library reports broken preconditions by throwing. There are no exceptions here: they are our bugs
// and trap, which also keeps the unwinder, its tables and malloc out of the image.
#include "engine/check.h"

namespace std {

[[noreturn]] void __throw_out_of_range_fmt(const char* what, ...) {
  pico_llama::check_failed(what, __FILE__, __LINE__);
}
[[noreturn]] void __throw_length_error(const char* what) {
  pico_llama::check_failed(what, __FILE__, __LINE__);
}
[[noreturn]] void __throw_logic_error(const char* what) {
  pico_llama::check_failed(what, __FILE__, __LINE__);
}
[[noreturn]] void __throw_bad_function_call() {
  pico_llama::check_failed("empty function", __FILE__, __LINE__);
}

}  // namespace std
