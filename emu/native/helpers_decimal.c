/* Decimal floating point (Power ISA I chapter 5): what the library's functions do wrong. */
#include "floating.h"
#include "helpers.h"

#define DECIMAL_QNAN 0x7c00000000000000ull
#define FP_QNAN ((uint64_t)CLASS_QNAN << FP_FPRF_SHIFT)
#define FP_DRN_SHIFT 32

/* ---- exceptions --------------------------------------------------------------------------- */

static __thread struct {
    uint64_t fpscr;
    vsr_value target[2];
} before;

/* Shifts, and what takes a number apart and puts it together. */
static bool leaves_fi(uint32_t word)
{
    switch (word >> 1 & 0x3ff) {
    case 322: /* ddedpd */
    case 354: /* dxex */
    case 866: /* diex */ return true;
    }
    unsigned shift = word >> 1 & 0x1ff;
    return shift == 66 || shift == 98; /* dscli, dscri */
}

/* The library's functions add exceptions to those there are, and do not interrupt: they begin
   with none.  `target` is null for what writes a field of CR. */
void decimal_before(uint8_t *env, const vsr_value *target, uint32_t word)
{
    uint64_t told_anew = target && !leaves_fi(word) ? FP_FR | FP_FI : 0;
    before.fpscr = *fpscr_of(env);
    *fpscr_of(env) &= ~(FP_CAUSES | FP_FX | FP_FEX | FP_VX | told_anew);
    if (target)
        memcpy(before.target, target, sizeof before.target);
}

void decimal_after(uint8_t *env, vsr_value *target, uint32_t word)
{
    uint64_t now = *fpscr_of(env), told = now & FP_CAUSES, old = before.fpscr;
    uint64_t enabled = enabled_causes(now, told);
    if (target && enabled & (FP_INVALID | FP_ZX)) {
        memcpy(target, before.target, sizeof before.target);
        now = (now & ~(FP_FPRF | FP_FR | FP_FI)) | (old & FP_FPRF);
    }
    now = fpscr_raised((now & ~(FP_CAUSES | FP_FX)) | (old & (FP_CAUSES | FP_FX)), told);
    *fpscr_of(env) = now;
    if (!enabled || !(*window64(env, ENV_MSR) & (MSR_FE0 | MSR_FE1)))
        return;
    if (!target)
        *window32(env, ENV_CRF + 4 * (word >> 23 & 7)) = now >> FP_FPRF_SHIFT & 0xf;
    else if (word & 1)
        *window32(env, ENV_CRF + 4) = now >> 28 & 0xf;
    interrupt_floating(env, __builtin_return_address(0));
}

/* ---- encoding ----------------------------------------------------------------------------- */

static __thread uint64_t saved_fpscr;

/* A digit that is none makes a QNaN; the library leaves the target as it was. */
void encode_before(uint8_t *env, vsr_value *to, const vsr_value *from, uint32_t is_signed)
{
    (void)to, (void)from, (void)is_signed;
    saved_fpscr = *fpscr_of(env);
    *fpscr_of(env) &= ~FP_VXCVI;
}

static bool encoding_failed(uint8_t *env)
{
    bool failed = *fpscr_of(env) & FP_VXCVI;
    *fpscr_of(env) |= saved_fpscr & FP_VXCVI;
    if (!failed || *fpscr_of(env) & FP_VE)
        return false;
    *fpscr_of(env) = (*fpscr_of(env) & ~FP_FPRF) | FP_QNAN;
    return true;
}

void encode_after(uint8_t *env, vsr_value *to, const vsr_value *from, uint32_t is_signed)
{
    (void)from, (void)is_signed;
    if (encoding_failed(env))
        to->d[1] = DECIMAL_QNAN;
}

void encode_pair_after(uint8_t *env, vsr_value *to, const vsr_value *from, uint32_t is_signed)
{
    (void)from, (void)is_signed;
    if (encoding_failed(env)) {
        to[0].d[1] = DECIMAL_QNAN;
        to[1].d[1] = 0;
    }
}

/* ---- rounding ----------------------------------------------------------------------------- */

/* The library's decimal arithmetic sees 32 bits of FPSCR: DRN lies in the others.  Each operation
   begins with a fresh context and sets its rounding; only what comes later is its own choice. */
static __thread bool fresh_context;
void *(*context_default)(void *context, int32_t kind);
void *(*context_set_rounding)(void *context, unsigned rounding);

void *default_context(void *context, int32_t kind)
{
    fresh_context = true;
    return context_default(context, kind);
}

void *set_rounding(void *context, unsigned rounding)
{
    /* decNumber's numbers for DRN's: half even, down, ceiling, floor, half up, half down, up,
       0 and 5 up */
    static const uint8_t rounding_of[] = {3, 5, 0, 6, 2, 4, 1, 7};
    core *c = running_core;
    if (fresh_context && c)
        rounding = rounding_of[*fpscr_of(c->env) >> FP_DRN_SHIFT & 7];
    fresh_context = false;
    return context_set_rounding(context, rounding);
}
