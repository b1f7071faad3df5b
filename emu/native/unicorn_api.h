/* The Unicorn functions used, looked up in the library the Python wheel brings.  The few types
   are declared here so that building needs no Unicorn headers. */
#ifndef UNICORN_API_H
#define UNICORN_API_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct uc_struct uc_engine;
typedef size_t uc_hook;
typedef int uc_err;
typedef int uc_mem_type;

typedef struct {
    uint64_t paddr;
    uint32_t perms;
} uc_tlb_entry;

enum {
    UC_ERR_OK = 0,
    UC_ERR_EXCEPTION = 21,

    UC_ARCH_PPC = 5,
    UC_MODE_PPC64 = 1 << 3,
    UC_MODE_BIG_ENDIAN = 1 << 30,

    UC_HOOK_INTR = 1 << 0,
    UC_HOOK_TLB_FILL = 1 << 17,

    UC_MEM_READ = 16,
    UC_MEM_WRITE = 17,
    UC_MEM_FETCH = 18,

    UC_PROT_READ = 1,
    UC_PROT_WRITE = 2,
    UC_PROT_EXEC = 4,
    UC_PROT_ALL = 7,

    UC_PPC_REG_PC = 1,
    UC_PPC_REG_7 = 9,
    UC_PPC_REG_MSR = 77,
    UC_PPC_REG_FPSCR = 78,
};

typedef struct {
    unsigned (*version)(unsigned *major, unsigned *minor);
    uc_err (*open)(int arch, int mode, uc_engine **uc);
    uc_err (*close)(uc_engine *uc);
    const char *(*strerror)(uc_err code);
    uc_err (*reg_read)(uc_engine *uc, int id, void *value);
    uc_err (*reg_write)(uc_engine *uc, int id, const void *value);
    uc_err (*mem_map_ptr)(uc_engine *uc, uint64_t address, size_t size, uint32_t perms, void *at);
    uc_err (*emu_start)(uc_engine *uc, uint64_t begin, uint64_t until, uint64_t timeout,
                        size_t count);
    uc_err (*emu_stop)(uc_engine *uc);
    uc_err (*hook_add)(uc_engine *uc, uc_hook *hook, int type, void *callback, void *context,
                       uint64_t begin, uint64_t end, ...);
    uc_err (*ctl)(uc_engine *uc, int control, ...);
    /* Not of the public interface, which offers no way to drop translated code by the address of
       the storage it came from. */
    void (*invalidate_code)(uc_engine *uc, uint64_t start, uint64_t end);
    void (*enter_page)(void *cpu, uint64_t address, uint64_t real, int permissions, int mode,
                       uint64_t size); /* into the TLB */
    /* What VSCR and the SLB hold besides plain values has no other way in. */
    uint32_t (*read_vscr)(void *env);
    void (*write_vscr)(void *env, uint32_t value);
    int (*store_slb)(void *cpu, uint64_t entry, uint64_t esid, uint64_t vsid);
    uint32_t (*test_significance)(void *env, uint32_t digits, void *value);
    uint32_t (*test_significance_of_pair)(void *env, uint32_t digits, void *value);
    void *library; /* as dlopen gives it */
} unicorn_api;

/* uc_ctl controls, as UC_CTL_WRITE(type, nr) computes them. */
#define UNICORN_CTL_WRITE(type, arguments) ((int)((type) | (arguments) << 26 | 1u << 30))
#define CTL_USE_EXITS UNICORN_CTL_WRITE(4, 1)
#define CTL_FLUSH_CODE UNICORN_CTL_WRITE(10, 0)
#define CTL_TLB_MODE UNICORN_CTL_WRITE(12, 1)
#define CTL_CODE_BUFFER_SIZE UNICORN_CTL_WRITE(13, 1)
enum { UC_TLB_CPU = 0, UC_TLB_VIRTUAL = 1 };

/* Fills `api`; on failure false, with the reason in `error`. */
/* Loads the library, if it can be loaded. */
void unicorn_preload(const char *library);
bool unicorn_load(const char *library, unicorn_api *api, char *error, size_t error_size);
#endif
