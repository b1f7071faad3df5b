/* Reservations of storage that is not aligned.  POWER has none (Power ISA II 4.6); processors whose
   programs share storage with others' are asked for them by translated x86 code, whose LOCK needs
   no alignment (SDM volume 3, 9.1.2.2). */
#include "emulate.h"

enum { LWARX = 20, LDARX = 84, LHARX = 116, STWCX = 150, STDCX = 214, STHCX = 726 };
#define CR0_SO_SHIFT 31
#define CR0_EQ 2
#define NO_RESERVATION (~0ull)

static void load(core *c, uint64_t address, uint32_t word, unsigned length)
{
    uint64_t effective = indexed_address(c, word);
    unsigned __int128 value;
    if (!load_storage(c, address, effective, length, &value))
        return;
    uint64_t *reservation = core_reservation(c);
    reservation[0] = effective;
    reservation[1] = (uint64_t)value;
    *gpr(c, RT(word)) = (uint64_t)value;
    guest_completes(c);
}

static void store(core *c, uint64_t address, uint32_t word, unsigned length)
{
    uint64_t effective = indexed_address(c, word), *reservation = core_reservation(c);
    uint64_t value = *gpr(c, RT(word)) & (uint64_t)ones(8 * length);
    bool done = false;
    if (reservation[0] == effective
        && !exchange_storage(c, address, effective, length, reservation[1], value, &done))
        return;
    reservation[0] = NO_RESERVATION;
    *window32(c->env, ENV_CRF) = (core_xer(c) >> CR0_SO_SHIFT & 1) | (done ? CR0_EQ : 0);
    guest_completes(c);
}

bool emulate_reserved(core *c, uint64_t address, uint32_t word)
{
    if (word >> 26 != 31)
        return false;
    switch (XO_X(word)) {
    case LHARX: load(c, address, word, 2); return true;
    case LWARX: load(c, address, word, 4); return true;
    case LDARX: load(c, address, word, 8); return true;
    case STHCX: store(c, address, word, 2); return true;
    case STWCX: store(c, address, word, 4); return true;
    case STDCX: store(c, address, word, 8); return true;
    default: return false;
    }
}
