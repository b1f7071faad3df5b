/* Special purpose registers that the core lacks, or keeps otherwise: it is made to refuse mtspr and
   mfspr of them, which are carried out here (Power ISA III 5.4.4). */
#include "internal.h"

#define FSCR_DSCR (1ull << 2)
#define FACILITY_DSCR 2ull

enum { READ = 1, WRITE = 2, BOTH = 3 };

typedef struct {
    uint16_t number, kept_in;
    uint8_t problem, privileged; /* what either state may do */
    uint8_t shift;               /* what of the register that keeps it */
    bool half;
} own_register;

static const own_register own_registers[] = {
    {SPR_DEC, SPR_DEC, 0, BOTH, 0, true}, /* a point in time */
    {SPR_TBU, SPR_TB, READ, READ, 32, true},
    {SPR_UDSCR, SPR_DSCR, BOTH, BOTH, 0, false},
    {SPR_PPR32, SPR_PPR, BOTH, BOTH, 32, true},
    {SPR_USIER2, SPR_SIER2, READ, READ, 0, false},
    {SPR_USIER3, SPR_SIER3, READ, READ, 0, false},
    {SPR_UMMCR3, SPR_MMCR3, READ, READ, 0, false},
    {SPR_SIER2, SPR_SIER2, 0, BOTH, 0, false},
    {SPR_SIER3, SPR_SIER3, 0, BOTH, 0, false},
    {SPR_MMCR3, SPR_MMCR3, 0, BOTH, 0, false},
    {SPR_HASHKEYR, SPR_HASHKEYR, 0, BOTH, 0, false},
    {SPR_UDEXCR, SPR_DEXCR, READ, READ, 0, true},
    {SPR_DEXCR, SPR_DEXCR, 0, BOTH, 0, false},
    {SPR_UHDEXCR, SPR_HDEXCR, READ, READ, 0, true},
};
#define OWN_REGISTERS (sizeof own_registers / sizeof *own_registers)

/* The register field of mtspr, mfspr and mftb, its halves exchanged. */
#define SPR_NUMBER(word) (((word) >> 16 & 0x1f) | ((word) >> 6 & 0x3e0))
#define MFSPR 339
#define MFTB 371
#define MTSPR 467

void registers_start(core *c)
{
    uint8_t *callbacks = c->env + ENV_SPR_CB;
    uint64_t refuse = *window64(callbacks + SPR_DEC * SPR_CB_SIZE, SPR_CB_UEA_WRITE);
    for (size_t i = 0; i < OWN_REGISTERS; i++) {
        uint8_t *callback = callbacks + own_registers[i].number * SPR_CB_SIZE;
        *window64(callback, SPR_CB_UEA_READ) = *window64(callback, SPR_CB_UEA_WRITE) = refuse;
        *window64(callback, SPR_CB_OEA_READ) = *window64(callback, SPR_CB_OEA_WRITE) = refuse;
    }
}

static uint64_t read_register(core *c, const own_register *r)
{
    uint64_t value = (r->kept_in == SPR_TB ? time_read(c) : *spr(c, r->kept_in)) >> r->shift;
    if (r->number == SPR_DEC)
        value = (uint64_t)core_decrementer(c);
    return r->half ? (uint32_t)value : value;
}

static void write_register(core *c, const own_register *r, uint64_t value)
{
    uint64_t *kept = spr(c, r->kept_in), bits = (r->half ? 0xffffffffull : ~0ull) << r->shift;
    if (r->number == SPR_DEC)
        core_set_decrementer(c, (int32_t)value);
    else
        *kept = (*kept & ~bits) | (value << r->shift & bits);
}

bool access_register(core *c, uint64_t address, uint32_t word)
{
    unsigned opcode = word >> 1 & 0x3ff, number = SPR_NUMBER(word);
    bool reads = opcode == MFSPR || opcode == MFTB;
    const own_register *r = own_registers;
    while (r < own_registers + OWN_REGISTERS && r->number != number)
        r++;
    if (word >> 26 != 31 || (!reads && opcode != MTSPR) || r == own_registers + OWN_REGISTERS)
        return false;
    if (!((msr(c) & MSR_PR ? r->problem : r->privileged) & (reads ? READ : WRITE)))
        return false;
    if (number == SPR_UDSCR && msr(c) & MSR_PR && !(*spr(c, SPR_FSCR) & FSCR_DSCR)) {
        facility_unavailable(c, address, FACILITY_DSCR);
        return true;
    }
    if (reads)
        *gpr(c, RT(word)) = read_register(c, r);
    else
        write_register(c, r, *gpr(c, RT(word)));
    c->counts.emulated++;
    guest_completes(c);
    return true;
}
