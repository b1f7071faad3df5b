/* The lanes of a register that an operation of floating point computes with. */
#include "floating.h"

const format *lane_format(unsigned lane)
{
    switch (lane) {
    case LANE_SINGLE:
    case LANE_SINGLE_EVEN:
    case LANE_SHORT: return &single_format;
    case LANE_HALF:
    case LANE_HALF_LAST: return &half_format;
    case LANE_QUAD: return &quad_format;
    case LANE_EXTENDED: return &extended_format;
    default: return &double_format;
    }
}

const format *lane_container(unsigned lane)
{
    return lane == LANE_SHORT      ? &double_format
           : lane == LANE_EXTENDED ? &quad_format
                                   : lane_format(lane);
}

bits128 read_lane(const vsr_value *from, unsigned lane, unsigned n)
{
    switch (lane) {
    case LANE_SINGLE:
    case LANE_WORD: return WORD(from, n);
    case LANE_SINGLE_EVEN:
    case LANE_WORD_EVEN: return WORD(from, 2 * n);
    case LANE_HALF: return HALF(from, 2 * n + 1);
    case LANE_HALF_LAST: return HALF(from, 3);
    case LANE_QUAD: return from->q;
    default: return DWORD(from, n);
    }
}

void write_lane(vsr_value *to, unsigned lane, unsigned n, bits128 bits)
{
    switch (lane) {
    case LANE_SINGLE:
    case LANE_WORD: WORD(to, n) = (uint32_t)bits; break;
    case LANE_SINGLE_EVEN:
    case LANE_WORD_EVEN: WORD(to, 2 * n) = WORD(to, 2 * n + 1) = (uint32_t)bits; break;
    case LANE_HALF: HALF(to, 2 * n + 1) = (uint16_t)bits; break;
    case LANE_HALF_LAST: HALF(to, 3) = (uint16_t)bits; break;
    case LANE_QUAD:
    case LANE_EXTENDED: to->q = bits; break;
    default: DWORD(to, n) = (uint64_t)bits;
    }
}

unsigned lane_integer_bits(unsigned lane) { return lane == LANE_DOUBLEWORD ? 64 : 32; }
