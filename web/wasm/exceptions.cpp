// C++ exceptions on WebAssembly's own: throw is one instruction, catch a block that the engine of the browser
// unwinds to. Debian's libc++abi for wasm32 is built without this part; its type information is there.
//
// Source: Itanium C++ ABI, level II (the __cxa_ functions) and section 7 of its exception handling tables
// (LSDA); LLVM's "Exception Handling in LLVM", section on WebAssembly.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <typeinfo>

namespace __cxxabiv1 {
/// libc++abi's base of all type_info objects: the virtual function that decides whether a handler takes an
/// exception.
class __shim_type_info : public std::type_info {
 public:
  ~__shim_type_info() override;
  virtual void noop1() const;
  virtual void noop2() const;
  /// `object`: the thrown object, adjusted to the handler's base class.
  virtual bool can_catch(const __shim_type_info* thrown, void*& object) const = 0;
};
}  // namespace __cxxabiv1

namespace {

using Type = __cxxabiv1::__shim_type_info;

/// In front of each thrown object.
struct alignas(16) Exception {
  const Type* type;
  void* (*destroy)(void*);   ///< the destructor; on wasm32 it returns its object
  void* caught_as;           ///< the object, as the type that its handler names
  int handlers;              ///< that have begun and not ended; negative while it is being thrown again
  Exception* caught_before;  ///< the handlers of now are nested: the next outer one's
};

Exception* caught = nullptr;

Exception* header_of(void* object) { return static_cast<Exception*>(object) - 1; }
void* object_of(Exception* exception) { return exception + 1; }

[[noreturn]] void raise(Exception* exception) { __builtin_wasm_throw(0, exception); }

/// Reads a table of LEB128 numbers.
class Reader {
 public:
  explicit Reader(const std::uint8_t* at) : at_(at) {}
  const std::uint8_t* at() const { return at_; }
  std::uint8_t byte() { return *at_++; }
  std::uint32_t unsigned_number() {
    std::uint32_t value = 0;
    for (unsigned shift = 0;; shift += 7) {
      const std::uint8_t part = byte();
      value |= std::uint32_t{part & 0x7fU} << shift;
      if ((part & 0x80) == 0) return value;
    }
  }
  std::int32_t signed_number() {
    std::uint32_t value = 0;
    for (unsigned shift = 0;;) {
      const std::uint8_t part = byte();
      value |= std::uint32_t{part & 0x7fU} << shift;
      shift += 7;
      if ((part & 0x80) != 0) continue;
      if ((part & 0x40) != 0 && shift < 32) value |= ~std::uint32_t{0} << shift;
      return static_cast<std::int32_t>(value);
    }
  }

 private:
  const std::uint8_t* at_;
};

constexpr std::uint8_t kOmitted = 0xff, kAbsolute = 0x00;  // DW_EH_PE_omit, DW_EH_PE_absptr

}  // namespace

extern "C" {

/// A landing pad's question to the personality function, and the answer: the number of the handler's type, 0
/// for none.
struct LandingPad {
  std::uint32_t index;
  const std::uint8_t* lsda;
  std::uint32_t selector;
};
LandingPad __wasm_lpad_context;

/// Called by a landing pad with handlers of certain types: which of them takes the exception?
int _Unwind_CallPersonality(void* thrown) {
  auto* exception = static_cast<Exception*>(thrown);
  LandingPad& pad = __wasm_lpad_context;
  pad.selector = 0;
  Reader header(pad.lsda);
  if (header.byte() != kOmitted) std::abort();  // the landing pads' base: no addresses here
  if (header.byte() != kAbsolute) std::abort();
  const std::uint32_t types_offset = header.unsigned_number();
  const auto* types_end = reinterpret_cast<const Type* const*>(header.at() + types_offset);
  header.byte();  // the call sites' encoding: they are pairs of landing pad and action
  const std::uint32_t call_site_bytes = header.unsigned_number();
  const std::uint8_t* const actions = header.at() + call_site_bytes;

  Reader sites(header.at());
  std::uint32_t action = 0;
  for (std::uint32_t site = 0; site <= pad.index; ++site) {
    sites.unsigned_number();
    action = sites.unsigned_number();
  }
  if (action == 0) return 0;  // only clean-up
  const std::uint8_t* record = actions + (action - 1);
  while (true) {
    Reader reader(record);
    const std::int32_t number = reader.signed_number();
    const std::uint8_t* const link = reader.at();
    const std::int32_t next = reader.signed_number();
    if (number > 0) {
      const Type* handler = types_end[-number];
      void* object = object_of(exception);
      if (handler == nullptr || handler->can_catch(exception->type, object)) {  // null: catch (...)
        exception->caught_as = object;
        pad.selector = static_cast<std::uint32_t>(number);
        return 0;
      }
    }
    if (next == 0) return 0;
    record = link + next;
  }
}

void* __cxa_allocate_exception(std::size_t bytes) noexcept {
  auto* exception = static_cast<Exception*>(std::malloc(sizeof(Exception) + bytes));
  if (exception == nullptr) std::abort();
  *exception = {};
  return object_of(exception);
}

void __cxa_free_exception(void* object) noexcept { std::free(header_of(object)); }

[[noreturn]] void __cxa_throw(void* object, std::type_info* type, void* (*destroy)(void*)) {
  Exception* exception = header_of(object);
  exception->type = static_cast<const Type*>(type);
  exception->destroy = destroy;
  exception->caught_as = object;
  raise(exception);
}

void* __cxa_get_exception_ptr(void* thrown) noexcept { return static_cast<Exception*>(thrown)->caught_as; }

void* __cxa_begin_catch(void* thrown) noexcept {
  auto* exception = static_cast<Exception*>(thrown);
  exception->handlers = (exception->handlers < 0 ? -exception->handlers : exception->handlers) + 1;
  if (caught != exception) {
    exception->caught_before = caught;
    caught = exception;
  }
  return exception->caught_as;
}

void __cxa_end_catch() {
  Exception* exception = caught;
  if (exception == nullptr) return;
  if (exception->handlers < 0) {  // thrown again: its next handler ends it
    if (++exception->handlers == 0) caught = exception->caught_before;
    return;
  }
  if (--exception->handlers > 0) return;
  caught = exception->caught_before;
  if (exception->destroy != nullptr) exception->destroy(object_of(exception));
  std::free(exception);
}

[[noreturn]] void __cxa_rethrow() {
  if (caught == nullptr) std::terminate();
  caught->handlers = -caught->handlers;
  raise(caught);
}

}  // extern "C"
