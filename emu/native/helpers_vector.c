/* Inserting and rotating, which the core does wrong (Power ISA I 6.7.5, 6.9.4). */
#include "helpers.h"

#define INSERT(name, size)                                                           \
    void name(vsr_value *to, const vsr_value *from, uint32_t index)                  \
    {                                                                                \
        uint8_t bytes[16];                                                           \
        memcpy(bytes, from->b + 8, size);                                            \
        for (uint32_t n = 0; n < size; n++) /* what lies beyond the end is lost */   \
            if (index + n < 16)                                                      \
                to->b[15 - index - n] = bytes[size - 1 - n];                         \
    }
INSERT(insert_byte, 1)
INSERT(insert_halfword, 2)
INSERT(insert_word, 4)
INSERT(insert_doubleword, 8)

/* Ones from bit `begin` to bit `end`, counted from the left, around the end if need be. */
static uint64_t mask(unsigned begin, unsigned end, unsigned width)
{
    uint64_t all = width == 64 ? ~0ull : (1ull << width) - 1;
    uint64_t from = all >> begin, past = end == width - 1 ? 0 : all >> (end + 1);
    return begin <= end ? from & ~past : (from | (all & ~past)) & all;
}

#define ROTATE(name, element, count, width, insert)                                       \
    void name(vsr_value *to, const vsr_value *a, const vsr_value *b)                      \
    {                                                                                     \
        for (int n = 0; n < count; n++) {                                                 \
            uint64_t value = a->element[n], control = b->element[n];                      \
            unsigned shift = control & (width - 1);                                       \
            uint64_t ones = mask(control >> 16 & (width - 1), control >> 8 & (width - 1), \
                                 width);                                                  \
            if (shift)                                                                    \
                value = value << shift | value >> (width - shift);                        \
            to->element[n] = (value & ones) | (insert ? to->element[n] & ~ones : 0);      \
        }                                                                                 \
    }
ROTATE(rotate_word_insert, w, 4, 32, true)
ROTATE(rotate_word_and, w, 4, 32, false)
ROTATE(rotate_doubleword_insert, d, 2, 64, true)
ROTATE(rotate_doubleword_and, d, 2, 64, false)
