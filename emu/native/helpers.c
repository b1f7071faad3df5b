/* Where the core's own functions for single instructions are wrong against the Power ISA: what
   stands for them or is called before and after them (exchange.c).  Binary floating point has no
   calls of these any more (floating_quick.c). */
#include "helpers.h"

#include "tlb.h"

helpers_library library;

static void set_vscr_after(uint8_t *env, uint32_t value)
{
    (void)value;
    flush_vector_operands(env);
}

static void store_pid(uint8_t *env, uint64_t value)
{
    *window64(env, ENV_SPR + 8 * SPR_PID) = (uint32_t)value;
    if (running_core && running_core->env == env)
        tlb_select(running_core);
}

static void divide_extended_after(uint8_t *env, uint64_t a, uint64_t b, uint32_t overflow_enabled)
{
    (void)a, (void)b;
    if (overflow_enabled)
        *window64(env, ENV_OV32) = *window64(env, ENV_OV);
}

/* It does not make a NaN quiet. */
static uint64_t single_as_double(uint8_t *env, uint64_t words)
{
    (void)env;
    return single_to_double((uint32_t)(words >> 32));
}

exchange exchanges[] = {
    {"helper_store_pidr_ppc64", .instead = store_pid},
    {"helper_store_msr_ppc64", .after = store_msr_after},
    {"helper_rfid", .after = return_after},
    {"helper_store_slb", .before = slb_replaced},
    {"helper_slbie", .after = slb_invalidated_one},
    {"helper_slbieg", .after = slb_invalidated_one},
    {"helper_slbia", .after = slb_invalidated},
    {"helper_mtvscr_ppc64", .after = set_vscr_after},
    {"helper_fpscr_clrbit_ppc64", .instead = clear_bit},
    {"helper_store_fpscr_ppc64", .after = store_after},
    {"helper_fpscr_setbit_ppc64", .after = set_bit_after},
    {"helper_divde", .after = divide_extended_after},
    {"helper_divdeu", .after = divide_extended_after},
    {"helper_divwe_ppc64", .after = divide_extended_after},
    {"helper_divweu_ppc64", .after = divide_extended_after},
    {"helper_xscvspdpn_ppc64", .instead = single_as_double},
    {"helper_xststdcsp_ppc64", .instead = test_class_of_single},
    {"helper_vinsertb_ppc64", .instead = insert_byte},
    {"helper_vinserth_ppc64", .instead = insert_halfword},
    {"helper_vinsertw_ppc64", .instead = insert_word},
    {"helper_vinsertd_ppc64", .instead = insert_doubleword},
    {"helper_vrlwmi_ppc64", .instead = rotate_word_insert},
    {"helper_vrlwnm_ppc64", .instead = rotate_word_and},
    {"helper_vrldmi_ppc64", .instead = rotate_doubleword_insert},
    {"helper_vrldnm_ppc64", .instead = rotate_doubleword_and},
    {"helper_denbcd", .before = encode_before, .after = encode_after},
    {"helper_denbcdq", .before = encode_before, .after = encode_pair_after},
};
const size_t exchange_count = sizeof exchanges / sizeof *exchanges;
