/* A partition's storage: anonymous pages between two guard regions, so that an access of ours
   that runs over either end faults at once instead of touching the host.  Pieces of it may lie
   over a file instead, privately: what was saved, or what clones have in common. */
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "internal.h"

#define GUARD (1ull << 20)
#define PAGE 4096ull
/* Documentation/admin-guide/mm/pagemap.rst of Linux. */
#define PAGEMAP_PRESENT (1ull << 63)
#define PAGEMAP_SWAPPED (1ull << 62)
#define PAGEMAP_OF_FILE (1ull << 61)

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

void *sparse_map(uint64_t size)
{
    void *zeros = mmap(NULL, size, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return zeros == MAP_FAILED ? NULL : zeros;
}

void sparse_unmap(void *zeros, uint64_t size)
{
    if (zeros)
        munmap(zeros, size);
}

int storage_map_file(uint8_t *storage, uint64_t address, uint64_t length, int file,
                     uint64_t offset)
{
    void *at = storage + address;
    int flags = MAP_PRIVATE | MAP_FIXED | MAP_NORESERVE | (file < 0 ? MAP_ANONYMOUS : 0);
    return mmap(at, length, PROT_READ | PROT_WRITE, flags, file, (off_t)offset)
                   == at
               ? 0
               : -1;
}

static bool mark_from_pagemap(int pagemap, const uint8_t *storage, uint64_t size, uint8_t *marks)
{
    uint64_t entries[4096], pages = size / PAGE;
    for (uint64_t page = 0; page < pages;) {
        uint64_t count = pages - page < 4096 ? pages - page : 4096;
        off_t at = (off_t)(((uint64_t)storage / PAGE + page) * sizeof *entries);
        if (pread(pagemap, entries, count * sizeof *entries, at)
            != (ssize_t)(count * sizeof *entries))
            return false;
        for (uint64_t i = 0; i < count; i++, page++)
            marks[page] = (entries[i] & (PAGEMAP_PRESENT | PAGEMAP_SWAPPED))
                          && !(entries[i] & PAGEMAP_OF_FILE);
    }
    return true;
}

void storage_mark_written(const uint8_t *storage, uint64_t size, uint8_t *marks)
{
    int pagemap = sysconf(_SC_PAGESIZE) == PAGE ? open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC)
                                                : -1;
    if (pagemap < 0 || !mark_from_pagemap(pagemap, storage, size, marks))
        memset(marks, 1, size / PAGE); /* slower, and true as well */
    if (pagemap >= 0)
        close(pagemap);
}

void storage_unmark_zeros(const uint8_t *storage, uint64_t size, uint8_t *marks)
{
    for (uint64_t page = 0; page < size / PAGE; page++) {
        const uint8_t *bytes = storage + page * PAGE;
        if (marks[page] && !bytes[0] && !memcmp(bytes, bytes + 1, PAGE - 1))
            marks[page] = 0;
    }
}
