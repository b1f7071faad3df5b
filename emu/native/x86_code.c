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

/* An address that was looked at. */
typedef struct {
    uint64_t address;
    unsigned order; /* the way that is being looked at has places one above the other */
    unsigned live;
    enum { OPEN, DONE, PARTLY } state; /* on that way; behind it; the same, without what is OPEN */
} place;

typedef struct {
    const x86_code *code;
    unsigned beyond;
    int fuel;
    unsigned order;
    place places[LOOKAHEAD];
    unsigned length;
    uint64_t *pages;
    size_t *count;
} walk;

/* The place of an address, a new one where it was not seen; its fuel is what limits them. */
static place *place_at(walk *w, uint64_t address)
{
    for (unsigned n = 0; n < w->length; n++)
        if (w->places[n].address == address)
            return w->places + n;
    place *new = w->places + w->length;
    if (w->fuel <= 0)
        return NULL;
    w->length++;
    *new = (place){.address = address, .state = PARTLY};
    return new;
}

static void note_page(walk *w, uint64_t page)
{
    for (size_t n = 0; n < *w->count; n++)
        if (w->pages[n] == page)
            return;
    if (*w->count < PAGES)
        w->pages[(*w->count)++] = page;
}

/* What is wanted at an address.  Where the way comes to itself again that adds nothing to what is
   wanted there, but to places in between: these are looked at anew from elsewhere.  `lowest` becomes
   the order of the lowest place that was come to so, if that is less. */
static unsigned wanted(walk *w, uint64_t address, unsigned *lowest)
{
    const x86_tables *t = w->code->tables;
    uint8_t effects[LOOKAHEAD]; /* of the instructions on this way */
    place *way[LOOKAHEAD];
    unsigned length = 0, live = EVERY, reached = ~0u;
    for (;;) {
        x86_instruction i;
        place *here = place_at(w, address);
        if (here && here->state != PARTLY) {
            live = here->state == DONE ? here->live : 0;
            if (here->state == OPEN && here->order < reached)
                reached = here->order;
            break;
        }
        if (!here || --w->fuel < 0)
            break;
        note_page(w, address / PAGE);
        note_page(w, address / PAGE + (address % PAGE + LONGEST) / PAGE);
        if (x86_fetch(w->code, address, &i) != X86_DECODED) {
            live = 0;
            break;
        }
        here->state = OPEN;
        here->order = w->order++;
        way[length] = here;
        effects[length++] = i.effect;
        if (!t->effects[i.effect][EVERY]) {
            live = 0;
            break;
        }
        unsigned ending = t->endings[i.name];
        uint64_t next = within(w->code, i.address + i.length);
        if (ending == X86_BRANCH) {
            live = wanted(w, i.target, &reached);
            live |= wanted(w, next, &reached);
            break;
        }
        if (ending == X86_BEYOND || (ending == X86_JUMP && !i.has_target)) {
            live = w->beyond;
            break;
        }
        address = ending == X86_JUMP ? i.target : next;
    }
    while (length) {
        place *here = way[--length];
        live = t->effects[effects[length]][live];
        if (reached >= here->order)
            reached = ~0u;
        here->live = live;
        here->state = reached == ~0u ? DONE : PARTLY;
    }
    if (reached < *lowest)
        *lowest = reached;
    return live;
}

unsigned x86_wanted(const x86_code *c, uint64_t address, unsigned beyond, uint64_t *pages,
                    size_t *count)
{
    walk w;
    unsigned lowest = ~0u;
    w.code = c, w.beyond = beyond, w.fuel = LOOKAHEAD, w.order = w.length = 0;
    w.pages = pages, w.count = count;
    *count = 0;
    return wanted(&w, address, &lowest);
}
