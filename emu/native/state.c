/* What of the selected processor's state the register windows do not show, for saving it. */
#include "internal.h"

enum { SLB_ENTRIES = 64, SLB_ENTRY_SIZE = 24, SPR_XER = 1, SPR_LR = 8, SPR_CTR = 9, SPR_CFAR = 28 };

uint64_t *core_cfar(core *c) { return window64(c->env, ENV_CFAR); }

uint32_t core_vscr(core *c) { return c->api.read_vscr(c->env); }

void core_set_vscr(core *c, uint32_t value)
{
    c->api.write_vscr(c->env, value);
    flush_vector_operands(c->env);
}

void core_restore_fpscr(core *c, uint64_t value)
{
    /* The rounding mode alone goes the usual way: an enabled exception among the other bits
       would be raised, and it was raised when it happened. */
    core_set_fpscr(c, value & 3);
    *window64(c->env, ENV_FPSCR) = value;
}

uint64_t *core_reservation(core *c) { return window64(c->env, ENV_RESERVE_ADDR); }

int core_has_spr(core *c, int number)
{
    switch (number) {
    case SPR_XER:
    case SPR_LR:
    case SPR_CTR:
    case SPR_DEC:
    case SPR_CFAR:
    case SPR_TB:
    case SPR_TBU:
    case SPR_TB + 16: /* the registers that write it */
    case SPR_TB + 17:
    case SPR_TB + 18:
    case SPR_PURR - 1: /* SPURR */
    case SPR_PURR:
    case SPR_VTB:
    case SPR_PVR:
    case SPR_LPCR: return 0;
    }
    if (number < 0 || number >= SPR_COUNT)
        return 0;
    switch (number) { /* which the core does not know */
    case SPR_DAWR1:
    case SPR_DAWRX1:
    case SPR_HASHKEYR:
    case SPR_SIER2:
    case SPR_SIER3:
    case SPR_MMCR3:
    case SPR_DEXCR: return 1;
    }
    return *window64(c->env, ENV_SPR_CB + (uint64_t)number * SPR_CB_SIZE + SPR_CB_NAME) != 0;
}

int core_slb_entry(core *c, int index, uint64_t *esid, uint64_t *vsid)
{
    uint64_t *entry = window64(c->env, ENV_SLB + (uint64_t)index * SLB_ENTRY_SIZE);
    *esid = entry[0];
    *vsid = entry[1];
    return *esid || *vsid;
}

int core_set_slb_entry(core *c, int index, uint64_t esid, uint64_t vsid)
{
    memset(c->env + ENV_SLB + (uint64_t)index * SLB_ENTRY_SIZE, 0, SLB_ENTRY_SIZE);
    if (!esid && !vsid)
        return 0;
    return c->api.store_slb(*(uint8_t **)((uint8_t *)c->uc + UC_CPU), index, esid, vsid);
}

uint64_t core_counted_ahead(core *c) { return *nip(c) == c->ahead_nip ? c->ahead : 0; }

void core_set_counted_ahead(core *c, uint64_t instructions)
{
    c->ahead = instructions;
    c->ahead_nip = *nip(c);
    debug_settle(c);
}

void core_set_instructions(core *c, uint64_t count)
{
    c->instructions_before = count - core_purr(c);
}
