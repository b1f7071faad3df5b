/* What x86_decode.c and x86_operand.c share: an instruction that is being read. */
#include <stddef.h>
#include <stdint.h>

#include "x86.h"

enum { LONGEST = 15, MODE_16 = 1, MODE_64 = 2 };
enum { CS = 1, SS = 2, DS = 3, FS = 4, GS = 5, NO_SEGMENT = -1 };

typedef struct {
    const uint8_t *code;
    size_t at, length;
    uint64_t address;
    int status;
    int segment;
    uint8_t rex, has_rex;
    uint8_t narrow; /* addresses are cut */
    uint8_t wide;   /* 64-bit mode */
    x86_operand *relative; /* counts from the next instruction */
} reader;

static inline void refuse(reader *r, int status)
{
    if (r->status == X86_DECODED)
        r->status = status;
}

/* The next `bytes`, little-endian; 0 where there are no more. */
static inline uint64_t next(reader *r, unsigned bytes)
{
    uint64_t value = 0;
    if (r->length - r->at < bytes) {
        refuse(r, r->length < LONGEST ? X86_TRUNCATED : X86_UNDEFINED);
        r->at = r->length;
        return 0;
    }
    for (unsigned n = 0; n < bytes; n++)
        value |= (uint64_t)r->code[r->at++] << 8 * n;
    return value;
}

/* The storage operand that ModRM names, with what follows of it. */
void x86_read_storage(reader *, int modrm, unsigned size, x86_operand *);
/* An operand of a form; ModRM has been read. */
void x86_read_operand(reader *, const x86_spec *, const x86_instruction *, x86_operand *);
