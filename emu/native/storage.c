/* A partition's storage: anonymous pages between two guard regions, so that an access of ours
   that runs over either end faults at once instead of touching the host. */
#include <sys/mman.h>

#include "internal.h"

#define GUARD (1ull << 20)

uint8_t *storage_map(uint64_t size)
{
    uint8_t *whole = mmap(NULL, size + 2 * GUARD, PROT_NONE,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (whole == MAP_FAILED)
        return NULL;
    if (mprotect(whole + GUARD, size, PROT_READ | PROT_WRITE)) {
        munmap(whole, size + 2 * GUARD);
        return NULL;
    }
    return whole + GUARD;
}

void storage_unmap(uint8_t *storage, uint64_t size)
{
    if (storage)
        munmap(storage - GUARD, size + 2 * GUARD);
}
