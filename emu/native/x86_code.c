/* A program's code: what lies at an address, and which flags are wanted there. */
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

typedef struct {
    const x86_code *code;
    unsigned beyond;
    int fuel;
    uint64_t path[2 * LOOKAHEAD + 8]; /* addresses that were looked at */
    unsigned length;
    uint64_t *pages;
    size_t *count;
} walk;

static int seen(walk *w, uint64_t address)
{
    for (unsigned n = 0; n < w->length; n++)
        if (w->path[n] == address)
            return 1;
    if (w->length < sizeof w->path / sizeof *w->path)
        w->path[w->length++] = address;
    return 0;
}

static void note_page(walk *w, uint64_t page)
{
    for (size_t n = 0; n < *w->count; n++)
        if (w->pages[n] == page)
            return;
    if (*w->count < PAGES)
        w->pages[(*w->count)++] = page;
}

static unsigned wanted(walk *w, uint64_t address)
{
    const x86_tables *t = w->code->tables;
    uint8_t effects[LOOKAHEAD]; /* of the instructions on this way */
    unsigned length = 0, live = EVERY;
    for (;;) {
        x86_instruction i;
        if (seen(w, address)) {
            live = 0;
            break;
        }
        if (--w->fuel < 0)
            break;
        note_page(w, address / PAGE);
        note_page(w, address / PAGE + (address % PAGE + LONGEST) / PAGE);
        if (x86_fetch(w->code, address, &i) != X86_DECODED) {
            live = 0;
            break;
        }
        effects[length++] = i.effect;
        if (!t->effects[i.effect][EVERY]) {
            live = 0;
            break;
        }
        unsigned ending = t->endings[i.name];
        uint64_t next = within(w->code, i.address + i.length);
        if (ending == X86_BRANCH) {
            live = wanted(w, i.target);
            live |= wanted(w, next);
            break;
        }
        if (ending == X86_BEYOND || (ending == X86_JUMP && !i.has_target)) {
            live = w->beyond;
            break;
        }
        address = ending == X86_JUMP ? i.target : next;
    }
    while (length)
        live = t->effects[effects[--length]][live];
    return live;
}

unsigned x86_wanted(const x86_code *c, uint64_t address, unsigned beyond, uint64_t *pages,
                    size_t *count)
{
    walk w = {.code = c, .beyond = beyond, .fuel = LOOKAHEAD, .pages = pages, .count = count};
    *count = 0;
    return wanted(&w, address);
}
