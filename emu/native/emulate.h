/* Instructions carried out here, because the core lacks them or does them wrong. */
#ifndef EMULATE_H
#define EMULATE_H
#include "internal.h"

/* A vector-scalar register on a little-endian host: the last element of each array is the one
   that Power ISA numbers 0. */
typedef union {
    unsigned __int128 q;
    uint64_t d[2];
    uint32_t w[4];
    uint16_t h[8];
    uint8_t b[16];
} vsr_value;

#define DWORD(v, n) ((v)->d[1 - (n)])
#define WORD(v, n) ((v)->w[3 - (n)])
#define HALF(v, n) ((v)->h[7 - (n)])
#define BYTE(v, n) ((v)->b[15 - (n)])

static inline vsr_value *vsr_of(uint8_t *env, unsigned n)
{
    return (vsr_value *)(env + ENV_VSR) + n;
}

/* Fields of instructions, beside RT and RA of internal.h. */
#define RB(word) ((word) >> 11 & 0x1f)
#define RC(word) ((word) >> 6 & 0x1f)
#define VSR_T(word) (((word) & 1) << 5 | RT(word))
#define VSR_A(word) (((word) >> 2 & 1) << 5 | RA(word))
#define VSR_B(word) (((word) >> 1 & 1) << 5 | RB(word))
#define VSR_PAIR(word) (((word) >> 21 & 1) << 5 | (RT(word) & 0x1e))
#define XO_X(word) ((word) >> 1 & 0x3ff)

enum emulated {
    NOT_THERE, /* no instruction at this ISA level */
    DONE,
    INTERRUPTED /* the guest's handler is next */
};

/* Whether a facility is on, by its bit of MSR; else its interrupt was delivered. */
bool facility_on(core *c, uint64_t address, uint64_t bit);

/* Storage, in the guest's byte order: `value` is `length` (1 to 16) bytes as a number.  False: an
   interrupt was delivered, and nothing stored. */
bool load_storage(core *c, uint64_t address, uint64_t effective, unsigned length,
                  unsigned __int128 *value);
bool store_storage(core *c, uint64_t address, uint64_t effective, unsigned length,
                   unsigned __int128 value);
bool storable(core *c, uint64_t address, uint64_t effective, unsigned length); /* or interrupted */
uint64_t indexed_address(core *c, uint32_t word); /* (RA|0) + (RB) */

/* Two registers, of which the lower-numbered one has the more significant half. */
enum emulated load_pair(core *c, uint64_t address, unsigned target, uint64_t effective);
enum emulated store_pair(core *c, uint64_t address, unsigned from, uint64_t effective);

/* Of a doubleword, by a mask: the bits under ones spread, gathered, gathered to the right with the
   others to their left; how many of the leading or trailing ones are 0. */
uint64_t deposit_bits(uint64_t value, uint64_t mask);
uint64_t extract_bits(uint64_t value, uint64_t mask);
uint64_t centrifuge(uint64_t value, uint64_t mask);
uint64_t zeros_under_mask(uint64_t value, uint64_t mask, bool from_left);

enum emulated emulate_fixed(core *c, uint64_t address, uint32_t word);
enum emulated emulate_vector(core *c, uint64_t address, uint32_t word);
enum emulated emulate_vsx(core *c, uint64_t address, uint32_t word);
enum emulated emulate_decimal(core *c, uint64_t address, uint32_t word);
enum emulated emulate_prefixed(core *c, uint64_t address, uint32_t prefix);

/* interpose.c */
uint8_t *decimal_state(core *c); /* what the library's decimal functions take the state to be */
#endif
