/* Binary floating point (Power ISA I chapters 4 and 7), exact: an instruction is an operation on
   lanes of registers, each computed without error and rounded once. */
#ifndef FLOATING_H
#define FLOATING_H
#include "emulate.h"

typedef unsigned __int128 bits128;

/* ---- FPSCR -------------------------------------------------------------------------------- */

#define FP_FX (1ull << 31)
#define FP_FEX (1ull << 30)
#define FP_VX (1ull << 29)
#define FP_OX (1ull << 28)
#define FP_UX (1ull << 27)
#define FP_ZX (1ull << 26)
#define FP_XX (1ull << 25)
#define FP_VXSNAN (1ull << 24)
#define FP_VXISI (1ull << 23)
#define FP_VXIDI (1ull << 22)
#define FP_VXZDZ (1ull << 21)
#define FP_VXIMZ (1ull << 20)
#define FP_VXVC (1ull << 19)
#define FP_FR (1ull << 18)
#define FP_FI (1ull << 17)
#define FP_VXSOFT (1ull << 10)
#define FP_VXSQRT (1ull << 9)
#define FP_VXCVI (1ull << 8)
#define FP_VE (1ull << 7)
#define FP_OE (1ull << 6)
#define FP_UE (1ull << 5)
#define FP_ZE (1ull << 4)
#define FP_XE (1ull << 3)
#define FP_RN 3ull
#define FP_FPRF_SHIFT 12
#define FP_FPCC (0xfull << FP_FPRF_SHIFT)
#define FP_FPRF (0x1full << FP_FPRF_SHIFT)
#define FP_INVALID                                                                        \
    (FP_VXSNAN | FP_VXISI | FP_VXIDI | FP_VXZDZ | FP_VXIMZ | FP_VXVC | FP_VXSOFT          \
     | FP_VXSQRT | FP_VXCVI)
#define FP_CAUSES (FP_INVALID | FP_OX | FP_UX | FP_ZX | FP_XX)
#define CLASS_QNAN 0x11u

static inline uint64_t *fpscr_of(uint8_t *env) { return window64(env, ENV_FPSCR); }

/* FPSCR's sums of its other bits: VX, and FEX. */
uint64_t fpscr_summed(uint64_t fpscr);
/* FPSCR when these exceptions have happened; of them, those that are enabled. */
uint64_t fpscr_raised(uint64_t fpscr, uint64_t causes);
uint64_t enabled_causes(uint64_t fpscr, uint64_t causes);

/* ---- numbers (number.c) ------------------------------------------------------------------- */

enum { ROUND_NEAREST, ROUND_ZERO, ROUND_UP, ROUND_DOWN, /* as in FPSCR[RN] */
       ROUND_AWAY, /* to nearest, of two the one farther from zero */
       ROUND_ODD,
       ROUND_CURRENT /* as FPSCR says */ };

typedef struct {
    uint8_t precision, exponent_bits;
    int scale; /* what an enabled overflow or underflow changes the exponent by */
} format;
extern const format half_format, single_format, double_format, quad_format, extended_format;

typedef struct {
    enum { ZERO, FINITE, INFINITE, NAN_ } kind;
    bool negative;
    int exponent;       /* FINITE: of the first bit */
    bits128 high, low;  /* FINITE: the significand, its first bit set; NAN_: the fraction */
} number;

number number_unpack(bits128 bits, const format *f);
number number_of_integer(bits128 magnitude, bool negative);
number number_default_nan(void);
bool number_is_signaling(const number *n);
void number_quieten(number *n);

/* Of finite numbers and zeros; the sign of a sum that is zero follows from the rounding.
   Results that do not fit are exact to beyond where they are rounded. */
number number_add(number a, number b, unsigned rounding);
number number_multiply(number a, number b);
number number_divide(number a, number b);
number number_square_root(number a);

/* The bits in `container` of a number rounded to `to`, by FPSCR's enabled exceptions.  What
   FPSCR is to be told is added to `told`: OX, UX, XX, FR, FI, and the class in place. */
bits128 number_round(number n, const format *to, const format *container, unsigned rounding,
                     uint64_t enabled, uint64_t *told);
/* To an integer of 0 to 128 bits; false: it does not fit.  FR and FI as above. */
bool number_to_integer(const number *n, unsigned rounding, bits128 *magnitude, uint64_t *told);

/* ---- operations -------------------------------------------------------------------------- */

enum float_what {
    FLOAT_ADD, FLOAT_SUBTRACT, FLOAT_MULTIPLY, FLOAT_DIVIDE,
    FLOAT_MULTIPLY_ADD, FLOAT_MULTIPLY_SUBTRACT, FLOAT_NEGATIVE_MULTIPLY_ADD,
    FLOAT_NEGATIVE_MULTIPLY_SUBTRACT,
    FLOAT_SQUARE_ROOT, FLOAT_RECIPROCAL, FLOAT_RECIPROCAL_ROOT,
    FLOAT_CONVERT,
    FLOAT_ROUND,       /* to an integer, as a floating-point number */
    FLOAT_ROUND_EXACT, /* that tells of inexactness */
    FLOAT_TO_SIGNED, FLOAT_TO_UNSIGNED, FLOAT_FROM_SIGNED, FLOAT_FROM_UNSIGNED,
    FLOAT_COMPARE_UNORDERED, FLOAT_COMPARE_ORDERED, FLOAT_COMPARE_EXPONENTS,
    FLOAT_EQUAL, FLOAT_GREATER, FLOAT_GREATER_EQUAL,
    FLOAT_MAXIMUM, FLOAT_MINIMUM, FLOAT_MAXIMUM_C, FLOAT_MINIMUM_C, FLOAT_MAXIMUM_J,
    FLOAT_MINIMUM_J,
};

/* Where in a register lane n stands, and what it is. */
enum float_lane {
    LANE_DOUBLE,      /* doubleword n */
    LANE_SINGLE,      /* word n */
    LANE_SINGLE_EVEN, /* word 2n, and again behind it */
    LANE_SHORT,       /* a single as doubleword n, in double format */
    LANE_HALF,        /* halfword 2n + 1 */
    LANE_HALF_LAST,   /* halfword 3 */
    LANE_QUAD,
    LANE_EXTENDED,    /* 64 bits of precision, in quad format */
    LANE_DOUBLEWORD, LANE_WORD, LANE_WORD_EVEN, /* integers, in the same places */
    LANE_WIDE_WORD,   /* a word's number as doubleword n */
};

typedef union {
    struct {
        uint8_t what, from, to, lanes, rounding;
        bool vector; /* leaves FPRF, FR and FI, and writes nothing if anything is to interrupt */
        bool estimate;
    };
    uint64_t all;
} float_operation;

typedef union {
    struct {
        uint8_t t, a, b, c; /* VSRs: t = a * c + b; of one operand it is b */
        uint8_t field;      /* of CR, to be compared into */
        bool record;        /* CR1, or CR6 for a vector */
        bool quad_facility; /* what it needs is MSR[VSX], not MSR[FP] */
    };
    uint64_t all;
} float_places;

/* ---- lanes (floating_lanes.c, floating_arithmetic.c, floating_compare.c) ------------------- */

const format *lane_format(unsigned lane);
const format *lane_container(unsigned lane); /* the format it is written in */
unsigned lane_integer_bits(unsigned lane);
bits128 read_lane(const vsr_value *from, unsigned lane, unsigned n);
void write_lane(vsr_value *to, unsigned lane, unsigned n, bits128 bits);

/* A lane's result from operands a, b, c or b alone; what happened is added to `told`. */
bits128 float_arithmetic(float_operation operation, const bits128 *bits, unsigned rounding,
                         uint64_t enabled, uint64_t *told);
bits128 float_round_to_integral(float_operation operation, bits128 bits, unsigned rounding,
                                uint64_t *told);
bits128 float_to_integer(float_operation operation, bits128 bits, unsigned rounding,
                         uint64_t *told);
bits128 float_from_integer(float_operation operation, bits128 bits, unsigned rounding,
                           uint64_t *told);
bits128 float_mask(float_operation operation, const bits128 *bits, uint64_t enabled,
                   uint64_t *told);
bits128 float_extreme(float_operation operation, const bits128 *bits, uint64_t *told);
/* A field of CR. */
unsigned float_compare(const bits128 *bits, const format *f, bool ordering, uint64_t enabled,
                       uint64_t *told);
unsigned float_compare_exponents(const bits128 *bits, const format *f);

/* ---- instructions (floating_decode.c, floating_execute.c) ---------------------------------- */

/* Whether that is an instruction of these. */
bool float_find(uint32_t word, float_operation *operation, float_places *places);
/* True: it has an enabled exception, and a program interrupt follows if MSR[FE0, FE1] say so. */
bool float_execute(uint8_t *env, float_operation operation, float_places places);

/* What translated code calls (floating_quick.c): the quick way, where there is one. */
typedef void (*float_function)(uint8_t *env, uint64_t operation, uint64_t places);
float_function float_function_for(float_operation operation);
/* Generates the call (generate.c). */
void gen_float_call(core *c, float_function function, uint64_t operation, uint64_t places);
#endif
