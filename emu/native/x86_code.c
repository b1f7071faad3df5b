/* A program's code: what lies at an address, and which flags are wanted there. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "x86.h"

enum {
    LONGEST = 15,
    PAGE = 4096,
    MODE_64 = 2,
    LOOKAHEAD = 40, /* instructions looked at to learn which flags are wanted */
    PAGES = 256,
    EVERY = (1 << 9) - 1 /* pieces of the flags, as in lx86/flags.py */
};

static int executable(const x86_code *c, uint64_t address)
{
    size_t low = 0, high = c->count; /* bounds before `low` are not above it, from `high` on all are */
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (c->bounds[middle] <= address)
            low = middle + 1;
        else
            high = middle;
    }
    return low & 1;
}

static const uint8_t *place_of(const x86_code *c, uint64_t address)
{
    return c->storage + (address < c->hole ? address : address - c->moved);
}

/* An address as instructions have it. */
static uint64_t within(const x86_code *c, uint64_t address)
{
    return c->mode & MODE_64 ? address : (uint32_t)address;
}

int x86_fetch(const x86_code *c, uint64_t address, x86_instruction *i)
{
    uint8_t bytes[LONGEST]; /* others may write there meanwhile */
    unsigned length = 0;
    while (length < LONGEST && executable(c, address + length)) {
        unsigned left = PAGE - (address + length) % PAGE;
        length = left < LONGEST - length ? length + left : LONGEST;
    }
    memset(i, 0, sizeof *i);
    if (length)
        memcpy(bytes, place_of(c, address), length);
    int status = x86_decode(c->tables, bytes, length, within(c, address - c->base), c->mode, i);
    if (status == X86_TRUNCATED) {
        i->address = address + length;
    } else if (c->base) {
        i->address = (uint32_t)address;
        i->target = (uint32_t)(i->target + c->base);
        if (i->has_target)
            i->operands[i->count - 1].value = (int64_t)i->target;
    }
    return status;
}

unsigned x86_fetch_more(const x86_code *c, uint64_t address, unsigned most, x86_instruction *i,
                        int *status)
{
    uint64_t page = address / PAGE;
    unsigned count = 0;
    *status = x86_fetch(c, address, i);
    for (int found = *status; found == X86_DECODED; found = x86_fetch(c, address, i + count)) {
        const x86_instruction *last = i + count++;
        address += last->length;
        if (count >= most || c->tables->endings[last->name] != X86_ON ||
            (address + LONGEST) / PAGE != page)
            break;
    }
    return count;
}

enum { NOWHERE = -1 };

/* An instruction that code comes to. */
typedef struct {
    uint64_t address;
    unsigned live;      /* what is wanted before it, as far as is known */
    unsigned elsewhere; /* what is wanted behind it, but for the places */
    int behind[2];      /* their numbers, or NOWHERE */
    uint8_t effect;
    bool is_code;
} place;

typedef struct {
    const x86_code *code;
    unsigned beyond;
    place places[LOOKAHEAD]; /* the nearest first */
    int length;
    uint64_t *pages;
    size_t *count;
} walk;

static void note_page(walk *w, uint64_t page)
{
    for (size_t n = 0; n < *w->count; n++)
        if (w->pages[n] == page)
            return;
    if (*w->count < PAGES)
        w->pages[(*w->count)++] = page;
}

/* The number of a place; where there are no more, everything is wanted behind the one it follows. */
static int place_at(walk *w, uint64_t address, place *follows)
{
    for (int n = 0; n < w->length; n++)
        if (w->places[n].address == address)
            return n;
    if (w->length == LOOKAHEAD) {
        follows->elsewhere = EVERY;
        return NOWHERE;
    }
    w->places[w->length].address = address;
    return w->length++;
}

/* Where a place leads. */
static void look_at(walk *w, place *here)
{
    const x86_tables *t = w->code->tables;
    x86_instruction i;
    note_page(w, here->address / PAGE);
    note_page(w, here->address / PAGE + (here->address % PAGE + LONGEST) / PAGE);
    here->live = here->elsewhere = 0;
    here->behind[0] = here->behind[1] = NOWHERE;
    here->is_code = !x86_fetch(w->code, here->address, &i);
    if (!here->is_code)
        return;
    here->effect = i.effect;
    if (!t->effects[i.effect][EVERY])
        return;
    unsigned ending = t->endings[i.name];
    if (ending == X86_BEYOND || (ending == X86_JUMP && !i.has_target)) {
        here->elsewhere = w->beyond;
        return;
    }
    if (ending == X86_BRANCH || ending == X86_JUMP)
        here->behind[0] = place_at(w, i.target, here);
    if (ending != X86_JUMP)
        here->behind[1] = place_at(w, within(w->code, i.address + i.length), here);
}

/* The least that fits all places: what is wanted behind one may be asked for as something else
   before it, so that ways that come to themselves again count, too. */
static void settle(walk *w)
{
    const x86_tables *t = w->code->tables;
    bool changed = true;
    while (changed) {
        changed = false;
        for (int n = w->length - 1; n >= 0; n--) {
            place *here = w->places + n;
            unsigned after = here->elsewhere;
            for (int way = 0; way < 2; way++)
                after |= here->behind[way] == NOWHERE ? 0 : w->places[here->behind[way]].live;
            unsigned live = here->is_code ? t->effects[here->effect][after] : 0;
            changed |= live != here->live;
            here->live = live;
        }
    }
}

unsigned x86_wanted(const x86_code *c, uint64_t address, unsigned beyond, uint64_t *pages,
                    size_t *count)
{
    walk w = {.code = c, .beyond = beyond, .length = 1, .pages = pages, .count = count};
    w.places[0].address = address;
    *count = 0;
    for (int n = 0; n < w.length; n++)
        look_at(&w, w.places + n);
    settle(&w);
    return w.places[0].live;
}
