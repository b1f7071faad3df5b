/* Whether this Unicorn is the one window.h describes: asked of every engine that opens. */
#include <stdio.h>

#include "internal.h"
#include "tlb.h"

/* The decoder's table, and what the processor state says it was made of (level.c). */
static bool check_opcodes(core *c)
{
    const uint64_t integer = 1;
    uint8_t **opcodes = (uint8_t **)(*(uint8_t **)((uint8_t *)c->uc + UC_CPU) + CPU_OPCODES);
    uint8_t *unused = opcodes[OPCODE_UNUSED], *addi = opcodes[OPCODE_ADDI];
    return *window64(c->env, ENV_INSTRUCTIONS_2) == INSTRUCTIONS_2
           && *window32(unused, HANDLER_RESERVED_BITS) == UINT32_MAX
           && *window64(unused, HANDLER_TYPE) == 0 && *window64(unused, HANDLER_TYPE_2) == 0
           && *window64(addi, HANDLER_TYPE) == integer && *window64(addi, HANDLER_TYPE_2) == 0;
}

static bool check_vector_status(core *c)
{
    const uint32_t non_java = 0x10000, before = core_vscr(c);
    const uint8_t *status = c->env + ENV_VECTOR_STATUS;
    core_set_vscr(c, 0);
    bool good = !status[STATUS_FLUSH_RESULTS];
    core_set_vscr(c, non_java);
    good = good && status[STATUS_FLUSH_RESULTS] == 1;
    core_set_vscr(c, before);
    return good;
}

/* Refuse an engine whose state does not lie where window.h says. */
bool window_check(core *c, char *error, size_t error_size)
{
    uint64_t canary = 0x0123456789abcdefull, pc = 0x100, back = 0;
    c->api.reg_write(c->uc, UC_PPC_REG_7, &canary);
    c->api.reg_write(c->uc, UC_PPC_REG_PC, &pc);
    if (c->env != *(uint8_t **)((uint8_t *)c->uc + UC_CPU) + CPU_ENV
        || *window64(c->env, ENV_UC) != (uint64_t)c->uc || *gpr(c, 7) != canary || *nip(c) != pc
        || !(msr(c) & MSR_SF) || (*window32(c->env, ENV_FLAGS) & FLAGS_TRACE) != FLAGS_TRACE
        || !check_opcodes(c) || !check_vector_status(c))
        FAIL("this Unicorn keeps its processor state elsewhere: version " WINDOW_VERSION
             " as released is needed");
    *gpr(c, 7) = ~canary;
    c->api.reg_read(c->uc, UC_PPC_REG_7, &back);
    if (back != ~canary)
        FAIL("writes to the processor state do not arrive: Unicorn " WINDOW_VERSION " is needed");
    return true;
}

static bool run_test_program(core *c, const uint8_t *program, size_t size)
{
    *nip(c) = 0;
    core_write_storage(c, 0, program, size);
    return core_run(c, c->host ? NEVER : 1000, 0) == CORE_HYPERCALL;
}

/* mtspr and mfspr of SPRG0, run as guest code, must reach spr[272]; the clock must count them; a
   block must end where it is told to; overwritten code must not run again; decimal arithmetic
   must find FPSCR. */
bool window_check_running(core *c, char *error, size_t error_size)
{
    static const uint8_t program[] = {
        0x7d, 0x35, 0x4a, 0xa6, /* mfspr   r9,PURR */
        0x7c, 0xf0, 0x43, 0xa6, /* mtsprg0 r7 */
        0x7d, 0x10, 0x42, 0xa6, /* mfsprg0 r8 */
        0x44, 0x00, 0x00, 0x22, /* sc      1 */
    };
    static const uint8_t another[] = {
        0x39, 0x00, 0x00, 0x01, /* li r8,1 */
        0x7d, 0x20, 0x00, 0xa6, /* mfmsr r9 */
        0x61, 0x29, 0x20, 0x00, /* ori r9,r9,0x2000: FP */
        0x7d, 0x20, 0x01, 0x64, /* mtmsrd r9 */
        0xec, 0x21, 0x08, 0x04, /* dadd f1,f1,f1: zero */
        0x44, 0x00, 0x00, 0x22, /* sc 1 */
    };
    static const uint8_t nothing[sizeof another];
    const uint64_t fprf_zero = 0x2000, canary = 0xfeedfacecafef00dull;
    *gpr(c, 7) = canary;
    uint32_t *next_block = window32(*(uint8_t **)((uint8_t *)c->uc + UC_CPU), CPU_CFLAGS_NEXT_TB);
    bool good = *next_block == UINT32_MAX; /* like any other */
    *next_block = 1;                       /* of one instruction */
    good = good && run_test_program(c, program, sizeof program) && *next_block == UINT32_MAX
           && *spr(c, SPR_SPRG0) == canary && *gpr(c, 8) == canary
           && (c->host || (*spr(c, SPR_TB) == 4 && *gpr(c, 9) == 1))
           && run_test_program(c, another, sizeof another) && *gpr(c, 8) == 1
           && core_fpscr(c) == fprf_zero;
    if (!good)
        FAIL("test programs leave the processor state wrong: Unicorn " WINDOW_VERSION
             " as released is needed");
    core_write_storage(c, 0, nothing, sizeof nothing);
    core_set_msr(c, MSR_SF);
    core_set_fpscr(c, 0);
    *gpr(c, 7) = *gpr(c, 8) = *gpr(c, 9) = *spr(c, SPR_SPRG0) = *nip(c) = 0;
    core_hold_clock(c);
    *spr(c, SPR_TB) = c->purr_behind = c->latest_read = 0;
    tlb_flush(c); /* a guest begins with none, whatever it translates by */
    memset(&c->counts, 0, sizeof c->counts);
    core_set_decrementer(c, INT32_MAX);
    return true;
}
