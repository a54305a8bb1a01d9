// What runs before main() on QEMU's mps2-an505: vectors, FPU, semihosting, constructors.
// Source: Arm AN505 (memory map), Armv8-M Architecture Reference Manual (vector table, CPACR).
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

extern "C" {

extern uint32_t stack_top;
extern char heap_begin;
extern char heap_end;
extern uint32_t bss_begin;
extern uint32_t bss_end;
void initialise_monitor_handles();
void __libc_init_array();
int main(int argc, char** argv);

// What the C runtime's start files would define.
void* __dso_handle = nullptr;
void _init() {}
void _fini() {}

void* _sbrk(ptrdiff_t bytes) {
  static char* top = &heap_begin;
  if (bytes > &heap_end - top) {
    errno = ENOMEM;
    return reinterpret_cast<void*>(-1);
  }
  char* const old = top;
  top += bytes;
  return old;
}

[[noreturn]] void fault() {
  std::puts("fault: the program trapped");
  std::_Exit(3);
}

/// The command line QEMU was given, cut into words. Semihosting call 0x15, SYS_GET_CMDLINE.
static int words_of_command_line(char** argv, int most) {
  static char line[512];
  struct {
    char* buffer;
    uint32_t length;
  } block{line, sizeof line};
  register uint32_t operation __asm__("r0") = 0x15;
  register void* arguments __asm__("r1") = &block;
  __asm__ volatile("bkpt 0xab" : "+r"(operation) : "r"(arguments) : "memory");
  int argc = 0;
  for (char* p = line; *p != '\0' && argc < most;) {
    while (*p == ' ') *p++ = '\0';
    if (*p != '\0') argv[argc++] = p;
    while (*p != '\0' && *p != ' ') ++p;
  }
  return argc;
}

[[noreturn]] void reset() {
  *reinterpret_cast<volatile uint32_t*>(0xe000ed88) = 0xfu << 20;  // CPACR: the FPU for everybody
  __asm__ volatile("dsb\nisb");
  for (uint32_t* p = &bss_begin; p != &bss_end; ++p) *p = 0;
  initialise_monitor_handles();
  __libc_init_array();
  static char* argv[16];
  const int argc = words_of_command_line(argv, 15);
  std::exit(main(argc, argv));
}

__attribute__((section(".vectors"), used)) void (*const kVectors[16])() = {
    reinterpret_cast<void (*)()>(&stack_top),
    reset,
    fault,
    fault,
    fault,
    fault,
    fault,
    fault,
    nullptr,
    nullptr,
    nullptr,
    fault,
    fault,
    nullptr,
    fault,
    fault};

}  // extern "C"

// Referenced by virtual destructors but never called: nothing is allocated with new.
void operator delete(void*) noexcept { fault(); }
void operator delete(void*, std::size_t) noexcept { fault(); }
