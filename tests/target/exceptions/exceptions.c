/* Exception behaviour as text, without times: qemu-system-arm -M mps2-an505 and the virtual core must print the
 * same. Output and end are semihosting calls. No library. */
#include <stdint.h>

#define REG(address) (*(volatile uint32_t*)(address))
#define ICSR REG(0xe000ed04)
#define SHCSR REG(0xe000ed24)
#define CFSR REG(0xe000ed28)
#define HFSR REG(0xe000ed2c)
#define MMFAR REG(0xe000ed34)
#define CCR REG(0xe000ed14)
#define SHPR3 REG(0xe000ed20)
#define SHPR2 REG(0xe000ed1c)
#define CPACR REG(0xe000ed88)
#define ISER0 REG(0xe000e100)
#define ISPR0 REG(0xe000e200)
#define ICPR0 REG(0xe000e280)
#define IABR0 REG(0xe000e300)
#define IPR(n) (*(volatile uint8_t*)(0xe000e400 + (n)))
#define FPCCR REG(0xe000ef34)
#define FPCAR REG(0xe000ef38)

extern uint32_t _stack_top;
static char text[8192];
static unsigned length;

static void put(const char* s) {
  while (*s && length < sizeof text - 1) text[length++] = *s++;
}
static void hex(const char* name, uint32_t value) {
  put(name);
  for (int shift = 28; shift >= 0; shift -= 4) {
    const char digit[2] = {"0123456789abcdef"[value >> shift & 15], 0};
    put(digit);
  }
  put("\n");
}
static uint32_t semihost(uint32_t operation, const void* argument) {
  register uint32_t r0 __asm__("r0") = operation;
  register const void* r1 __asm__("r1") = argument;
  __asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
  return r0;
}
#define READ_SPECIAL(name)                            \
  ({                                                  \
    uint32_t value;                                   \
    __asm__ volatile("mrs %0, " #name : "=r"(value)); \
    value;                                            \
  })
#define WRITE_SPECIAL(name, value) __asm__ volatile("msr " #name ", %0\n isb" ::"r"(value) : "memory")

static volatile uint32_t after_overflow; /* where to go on after a fault that cannot be skipped */
static volatile uint32_t skip_bytes;   /* what a fault handler adds to the return address */
static volatile int use_fp_in_handler;

/* frame: r0-r3, r12, lr, return address, xPSR. */
static void report(const char* who, uint32_t* frame, uint32_t exc_return) {
  put(who);
  hex(" ipsr=", READ_SPECIAL(ipsr));
  hex("  exc_return=", exc_return);
  hex("  xpsr=", frame[7]);
  hex("  sp low bits=", (uint32_t)frame & 7);
  hex("  control=", READ_SPECIAL(control));
}

void svc_c(uint32_t* frame, uint32_t exc_return) {
  const uint8_t number = ((uint8_t*)frame[6])[-2];
  report("SVC", frame, exc_return);
  hex("  number=", number);
  hex("  r0=", frame[0]);
  frame[0] = 0x5c5c0000 | number;
  if (number == 2) {
    put("  pends PendSV\n");
    ICSR = 1u << 28;
    hex("  icsr=", ICSR & ~(1u << 22) & ~(1u << 11));
    put("  SVC ends\n");
  }
  if (use_fp_in_handler) {
    hex("  lspact=", FPCCR & 1);
    __asm__ volatile("vmov.f32 s0, #2.0\n vmov.f32 s15, #4.0" ::: "s0", "s15");
    hex("  lspact after FP=", FPCCR & 1);
    hex("  saved s0=", ((uint32_t*)FPCAR)[0]);
  }
}
void pendsv_c(uint32_t* frame, uint32_t exc_return) { report("PendSV", frame, exc_return); }
void systick_c(uint32_t* frame, uint32_t exc_return) { report("SysTick", frame, exc_return); }
void fault_c(uint32_t* frame, uint32_t exc_return) {
  report("fault", frame, exc_return);
  hex("  cfsr=", CFSR);
  hex("  hfsr=", HFSR);
  if (CFSR & 0x80) hex("  mmfar=", MMFAR);
  if (CFSR & (1u << 17)) { /* INVSTATE: go on elsewhere, in T32 */
    frame[6] = after_overflow;
    frame[7] |= 1u << 24;
  }
  CFSR = CFSR;
  HFSR = HFSR;
  frame[6] += skip_bytes;
}
void usage_c(uint32_t* frame, uint32_t exc_return) {
  if (CFSR & (1u << 20)) {
    put("stack overflow\n");
    hex("  exc_return=", exc_return);
    hex("  cfsr=", CFSR);
    CFSR = CFSR;
    WRITE_SPECIAL(psplim, 0);
    frame[6] = after_overflow;
    frame[7] = 0x01000000;
    return;
  }
  fault_c(frame, exc_return);
}
void irq_c(uint32_t* frame, uint32_t exc_return) {
  const uint32_t number = READ_SPECIAL(ipsr) - 16;
  report("IRQ", frame, exc_return);
  hex("  active=", IABR0);
  hex("  pending=", ISPR0);
  if (number == 5) {
    put("  pends 6 (more urgent) and 7 (less)\n");
    ISPR0 = 3u << 6;
    __asm__ volatile("dsb\n isb");
    put("  IRQ 5 ends\n");
  }
}

#define HANDLER(name)                                                                                            \
  __attribute__((naked)) void name##_handler(void) {                                                             \
    __asm__ volatile("mov r1, lr\n tst lr, #4\n ite eq\n mrseq r0, msp\n mrsne r0, psp\n b " #name "_c\n"); \
  }
HANDLER(svc)
HANDLER(pendsv)
HANDLER(systick)
HANDLER(fault)
HANDLER(usage)
HANDLER(irq)

void start(void);
__attribute__((section(".vectors"), used)) static void* const vectors[16 + 32] = {
    &_stack_top, start, fault_handler, fault_handler, fault_handler, fault_handler, usage_handler, fault_handler,
    0, 0, 0, svc_handler, 0, 0, pendsv_handler, systick_handler,
    [16 ... 47] = irq_handler};

#define SVC(number, in)                                                          \
  ({                                                                             \
    register uint32_t r0 __asm__("r0") = (in);                                   \
    __asm__ volatile("svc %1" : "+r"(r0) : "i"(number) : "memory");              \
    r0;                                                                          \
  })

static uint32_t process_stack[256] __attribute__((aligned(8)));
static uint32_t forbidden[64] __attribute__((aligned(256)));

void start(void) {
  __asm__ volatile("dsb\n isb");
  put("svc\n");
  hex("result=", SVC(1, 0x1234));
  put("svc that pends PendSV: chained after it\n");
  hex("result=", SVC(2, 7));

  put("stack at a multiple of 4: realigned, and back\n");
  __asm__ volatile("push {r4}\n mov r0, #9\n svc 3\n pop {r4}" ::: "r0", "memory");

  put("PendSV and SysTick together, SysTick more urgent\n");
  SHPR3 = 0x40u << 24 | 0x80u << 16;
  __asm__ volatile("cpsid i");
  ICSR = 1u << 28 | 1u << 26;
  put("masked\n");
  __asm__ volatile("cpsie i\n isb");
  put("BASEPRI 0x60 lets SysTick through\n");
  WRITE_SPECIAL(basepri, 0x60);
  ICSR = 1u << 28 | 1u << 26;
  __asm__ volatile("dsb\n isb");
  put("BASEPRI_MAX cannot lower it, 0 ends it\n");
  WRITE_SPECIAL(basepri_max, 0xa0);
  hex("basepri=", READ_SPECIAL(basepri));
  WRITE_SPECIAL(basepri, 0);

  put("interrupts that nest\n");
  IPR(5) = 0x60;
  IPR(6) = 0x20;
  IPR(7) = 0xa0;
  ISER0 = 7u << 5;
  ISPR0 = 1u << 5;
  __asm__ volatile("dsb\n isb");
  put("pending again after cleared: nothing\n");
  __asm__ volatile("cpsid i");
  ISPR0 = 1u << 6;
  ICPR0 = 1u << 6;
  __asm__ volatile("cpsie i\n isb");

  put("undefined instruction: HardFault, as UsageFault is off\n");
  skip_bytes = 2;
  __asm__ volatile("udf #1");
  SHCSR = 7u << 16;
  put("the same with UsageFault on\n");
  __asm__ volatile("udf #2");
  put("division by zero, trapped and not\n");
  volatile uint32_t quotient = 1;
  __asm__ volatile("udiv %0, %1, %2" : "=r"(quotient) : "r"(5), "r"(0));
  hex("quotient=", quotient);
  CCR |= 1u << 4;
  skip_bytes = 4;
  __asm__ volatile("udiv r0, %0, %1" ::"r"(5), "r"(0) : "r0");
  put("LDM of an odd address\n");
  __asm__ volatile("ldmia.w %0, {r2, r3}" ::"r"((uint32_t)forbidden + 1) : "r2", "r3");
  put("coprocessor 10 without access\n");
  __asm__ volatile("vmov.f32 s0, #1.0");
  put("branch to an even address\n");
  skip_bytes = 0;
  __asm__ volatile(
      "adr r0, 1f\n str r0, [%0]\n adr r0, 2f\n bic r0, #1\n bx r0\n .balign 4\n 2: nop\n .balign 4\n 1: nop\n" ::"r"(
          &after_overflow)
      : "r0", "memory");
  put("back\n");

  put("MPU: a region that may only be read\n");
  REG(0xe000ed98) = 0;
  REG(0xe000ed9c) = (uint32_t)forbidden | 3u << 1;
  REG(0xe000eda0) = (((uint32_t)forbidden + 255) & ~31u) | 1;
  REG(0xe000edc0) = 0x44;
  REG(0xe000ed94) = 5;
  __asm__ volatile("dsb\n isb");
  skip_bytes = 4;
  __asm__ volatile("str.w %0, [%1, #8]" ::"r"(1), "r"(forbidden) : "memory");
  hex("not written: ", forbidden[2]);
  REG(0xe000ed94) = 0;
  __asm__ volatile("dsb\n isb");

  put("thread mode on the process stack\n");
  WRITE_SPECIAL(psp, (uint32_t)(process_stack + 256));
  WRITE_SPECIAL(control, 2);
  hex("result=", SVC(4, 11));
  put("its limit\n");
  WRITE_SPECIAL(psplim, (uint32_t)(process_stack + 200));
  __asm__ volatile(
      "adr r0, 1f\n str r0, [%0]\n mov r4, sp\n sub sp, #240\n .balign 4\n 1: mov sp, r4\n" ::"r"(&after_overflow)
      : "r0", "r4", "memory");
  WRITE_SPECIAL(psplim, 0);
  hex("control=", READ_SPECIAL(control));
  WRITE_SPECIAL(control, 0);

  put("lazy FP state\n");
  CPACR = 0x00f00000;
  __asm__ volatile("dsb\n isb");
  FPCCR = 3u << 30;
  __asm__ volatile("vmov.f32 s0, #1.0\n vmov.f32 s15, #0.5");
  hex("control=", READ_SPECIAL(control));
  use_fp_in_handler = 1;
  hex("result=", SVC(5, 12));
  uint32_t s0, s15;
  __asm__ volatile("vmov %0, s0\n vmov %1, s15" : "=r"(s0), "=r"(s15));
  hex("s0=", s0);
  hex("s15=", s15);
  use_fp_in_handler = 0;
  hex("result=", SVC(6, 13));
  hex("control=", READ_SPECIAL(control));

  put("FAULTMASK, and its end by a return\n");
  WRITE_SPECIAL(faultmask, 1);
  hex("faultmask=", READ_SPECIAL(faultmask));
  WRITE_SPECIAL(faultmask, 0);
  put("SVC priority too low: HardFault\n");
  SHPR2 = 0x80u << 24;
  WRITE_SPECIAL(basepri, 0x80);
  skip_bytes = 2;
  __asm__ volatile("svc 9" ::: "r0");
  WRITE_SPECIAL(basepri, 0);
  put("end\n");

  text[length] = 0;
  semihost(4, text);
  semihost(0x18, (const void*)0x20026);
  for (;;) {
  }
}
