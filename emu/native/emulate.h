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

typedef unsigned __int128 quadword;

#define DWORD(v, n) ((v)->d[1 - (n)])
#define WORD(v, n) ((v)->w[3 - (n)])
#define HALF(v, n) ((v)->h[7 - (n)])
#define BYTE(v, n) ((v)->b[15 - (n)])

static inline vsr_value *vsr_of(uint8_t *env, unsigned n)
{
    return (vsr_value *)(env + ENV_VSR) + n;
}

/* Fields of instructions, beside those of power.h. */
#define RC(word) ((word) >> 6 & 0x1f)
#define VSR_T(word) (((word) & 1) << 5 | RT(word))
#define VSR_A(word) (((word) >> 2 & 1) << 5 | RA(word))
#define VSR_B(word) (((word) >> 1 & 1) << 5 | RB(word))
#define VSR_C(word) (((word) >> 3 & 1) << 5 | RC(word))
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
/* As store_storage, if `expected` stands there; `*done`: it did.  Within a page other processes see
   all of that at once. */
bool exchange_storage(core *c, uint64_t address, uint64_t effective, unsigned length,
                      uint64_t expected, uint64_t value, bool *done);
bool storable(core *c, uint64_t address, uint64_t effective, unsigned length); /* or interrupted */
uint64_t indexed_address(core *c, uint32_t word); /* (RA|0) + (RB) */

/* Two registers, of which the lower-numbered one has the more significant half. */
enum emulated load_pair(core *c, uint64_t address, unsigned target, uint64_t effective);
enum emulated store_pair(core *c, uint64_t address, unsigned from, uint64_t effective);

/* Elements of a quadword, of 8 to 128 bits; element 0 stands to the left. */
static inline quadword ones(unsigned bits) { return bits == 128 ? ~(quadword)0 : ((quadword)1 << bits) - 1; }

static inline quadword element(quadword value, unsigned bits, unsigned n)
{
    return value >> (128 - bits * (n + 1)) & ones(bits);
}

static inline quadword at_element(quadword value, unsigned bits, unsigned n)
{
    return value << (128 - bits * (n + 1));
}

/* Formats of floating point as loads and stores change them (Power ISA I 4.6.2, 4.6.3). */
uint64_t single_to_double(uint32_t single);
uint32_t double_to_single(uint64_t number);

/* What a floating-point instruction found, as bits of FPSCR beside the summaries; those of
   `replaced` are cleared before.  The target, if there is one, becomes the result, but for an
   enabled invalid operation. */
enum emulated raise_floating(core *c, uint64_t address, uint64_t causes, uint64_t replaced,
                             quadword *target, quadword result);
#define FPSCR_XX 0x02000000ull
#define FPSCR_UX 0x08000000ull
#define FPSCR_OX 0x10000000ull
#define FPSCR_VXSNAN 0x01000000ull
#define FPSCR_VXISI 0x00800000ull
#define FPSCR_VXIMZ 0x00100000ull
#define FPSCR_VXVC 0x00080000ull
#define FPSCR_VXCVI 0x00000100ull
#define FPSCR_FI 0x00020000ull
#define FPSCR_FR 0x00040000ull
#define FPSCR_FPRF 0x0001f000ull
#define FPSCR_VE 0x80ull
#define FPSCR_DRN 0x700000000ull
#define FPSCR_ROUNDING(fpscr) ((fpscr) & 3)

/* Densely packed decimal, ten bits, and three digits of four (Power ISA I B.1, B.2). */
unsigned digits_of_declet(unsigned declet);
unsigned declet_of_digits(unsigned digits);

/* Of a doubleword, by a mask: the bits under ones spread, gathered, gathered to the right with the
   others to their left; how many of the leading or trailing ones are 0. */
uint64_t deposit_bits(uint64_t value, uint64_t mask);
uint64_t extract_bits(uint64_t value, uint64_t mask);
uint64_t centrifuge(uint64_t value, uint64_t mask);
uint64_t zeros_under_mask(uint64_t value, uint64_t mask, bool from_left);

/* A reservation of storage that is not aligned, or the conditional store there; shared storage
   alone has such.  False: that instruction is another. */
bool emulate_reserved(core *c, uint64_t address, uint32_t word);
enum emulated emulate_fixed(core *c, uint64_t address, uint32_t word);
enum emulated emulate_vector(core *c, uint64_t address, uint32_t word);
bool is_later_vector(uint32_t word); /* one of ISA 3.1 */
enum emulated emulate_vsx(core *c, uint64_t address, uint32_t word);
enum emulated emulate_vsx_3_1(core *c, uint64_t address, uint32_t word);
enum emulated emulate_matrix(core *c, uint64_t address, uint32_t prefix, uint32_t word);
enum emulated emulate_accumulator(core *c, uint64_t address, uint32_t word);
enum hash_use { HASH_STORE, HASH_CHECK };
enum emulated emulate_hash(core *c, uint64_t address, uint32_t word, enum hash_use use,
                           bool privileged);
enum emulated emulate_decimal_integer(core *c, uint64_t address, uint32_t word);
enum emulated emulate_decimal(core *c, uint64_t address, uint32_t word);
enum emulated emulate_quad(core *c, uint64_t address, uint32_t word);
enum emulated emulate_multiply_add(core *c, uint64_t address, uint32_t word);
enum emulated emulate_prefixed(core *c, uint64_t address, uint32_t prefix);

/* interpose.c */
uint8_t *decimal_state(core *c); /* what the library's decimal functions take the state to be */
#endif
