/* Reads counters of the hypervisor (hv_gpci) through perf, before and after some work. */
#include <linux/perf_event.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static int event(int type, uint32_t request, uint32_t index, unsigned offset)
{
    struct perf_event_attr attributes;
    memset(&attributes, 0, sizeof attributes);
    attributes.type = type;
    attributes.size = sizeof attributes;
    attributes.config = request | (uint64_t)index << 32;
    attributes.config1 = 8ull << 16 | 8ull << 24 | (uint64_t)offset << 32;
    return syscall(SYS_perf_event_open, &attributes, -1, 0, -1, 0);
}

int main(void)
{
    int type;
    FILE *file = fopen("/sys/bus/event_source/devices/hv_gpci/type", "r");
    if (!file || fscanf(file, "%d", &type) != 1)
        return 1;
    struct { const char *name; uint32_t request, index; unsigned offset; } asked[] = {
        {"busy", 0x10, 0, 0}, {"entitled", 0x20, 1, 8}, {"consumed", 0x20, 1, 16},
        {"instructions", 0x100, 1, 8}, {"queuing", 0xe0, 1, 8}, {"foreign", 0x20, 2, 8},
    };
    enum { EVENTS = sizeof asked / sizeof *asked };
    int files[EVENTS];
    for (int i = 0; i < EVENTS; i++)
        files[i] = event(type, asked[i].request, asked[i].index, asked[i].offset);
    for (volatile int i = 0; i < 100000; i++)
        ;
    sleep(1);
    for (int i = 0; i < EVENTS; i++) {
        uint64_t count;
        if (files[i] >= 0 && read(files[i], &count, sizeof count) == sizeof count)
            printf("%s: %llu\n", asked[i].name, (unsigned long long)count);
        else
            printf("%s: none\n", asked[i].name);
    }
    return 0;
}
