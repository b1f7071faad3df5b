#include "unicorn_api.h"

#include <dlfcn.h>
#include <stdio.h>

void unicorn_preload(const char *library)
{
    dlopen(library, RTLD_LAZY | RTLD_LOCAL); /* never closed, as all engines use it */
}

bool unicorn_load(const char *library, unicorn_api *api, char *error, size_t error_size)
{
    void *handle = dlopen(library, RTLD_LAZY | RTLD_LOCAL);
    if (!handle) {
        snprintf(error, error_size, "cannot load %s: %s", library, dlerror());
        return false;
    }
    const struct {
        const char *name;
        void **slot;
    } wanted[] = {
        {"uc_version", (void **)&api->version},
        {"uc_open", (void **)&api->open},
        {"uc_close", (void **)&api->close},
        {"uc_strerror", (void **)&api->strerror},
        {"uc_reg_read", (void **)&api->reg_read},
        {"uc_reg_write", (void **)&api->reg_write},
        {"uc_mem_map_ptr", (void **)&api->mem_map_ptr},
        {"uc_emu_start", (void **)&api->emu_start},
        {"uc_emu_stop", (void **)&api->emu_stop},
        {"uc_hook_add", (void **)&api->hook_add},
        {"uc_ctl", (void **)&api->ctl},
        {"tb_invalidate_phys_range_ppc64", (void **)&api->invalidate_code},
        {"tlb_set_page_ppc64", (void **)&api->enter_page},
        {"helper_mfvscr_ppc64", (void **)&api->read_vscr},
        {"helper_mtvscr_ppc64", (void **)&api->write_vscr},
        {"helper_dtstsfi", (void **)&api->test_significance},
        {"helper_dtstsfiq", (void **)&api->test_significance_of_pair},
        {"ppc_store_slb", (void **)&api->store_slb},
    };
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
        *wanted[i].slot = dlsym(handle, wanted[i].name);
        if (!*wanted[i].slot) {
            snprintf(error, error_size, "%s has no %s", library, wanted[i].name);
            return false;
        }
    }
    api->library = handle;
    return true;
}
