/* The Power ISA's numbers that C files of the core share: bits of registers, numbers of special
   purpose registers and of exceptions, fields of entries and instructions. */
#ifndef POWER_H
#define POWER_H

/* MSR (Power ISA III 4.2.1), as masks; bit numbers there count from the left. */
#define MSR_SF (1ull << 63)
#define MSR_TM (1ull << 32)
#define MSR_VEC (1ull << 25)
#define MSR_VSX (1ull << 23)
#define MSR_EE (1ull << 15)
#define MSR_PR (1ull << 14)
#define MSR_FP (1ull << 13)
#define MSR_ME (1ull << 12)
#define MSR_FE0 (1ull << 11)
#define MSR_SE (1ull << 10)
#define MSR_BE (1ull << 9)
#define MSR_FE1 (1ull << 8)
#define MSR_IR (1ull << 5)
#define MSR_DR (1ull << 4)
#define MSR_RI (1ull << 1)
#define MSR_LE (1ull << 0)
/* SRR1 bits that an interrupt sets for itself: 33:36 and 42:47. */
#define SRR1_INTERRUPT_BITS 0x783f0000ull
#define PROGRAM_PRIVILEGED 0x040000ull
#define PROGRAM_TRAP 0x020000ull
#define PROGRAM_FP 0x100000ull /* of a program interrupt (Power ISA III 7.5.9) */

enum spr_number {
    SPR_UDSCR = 3, /* DSCR to problem state */
    SPR_DSCR = 17,
    SPR_DSISR = 18,
    SPR_DAR = 19,
    SPR_DEC = 22,
    SPR_SRR0 = 26,
    SPR_SRR1 = 27,
    SPR_AMR = 29,
    SPR_PID = 48,
    SPR_IAMR = 61,
    SPR_FSCR = 153,
    SPR_DAWR0 = 180,
    SPR_DAWR1 = 181,
    SPR_CIABR = 187,
    SPR_DAWRX0 = 188,
    SPR_DAWRX1 = 189,
    SPR_SPRG0 = 272,
    SPR_PVR = 287,
    SPR_PURR = 309,
    SPR_LPCR = 318,
    SPR_UHDEXCR = 455, /* HDEXCR to those who may read it alone */
    SPR_HASHKEYR = 468,
    SPR_HASHPKEYR = 469,
    SPR_HDEXCR = 471,
    SPR_USIER2 = 736, /* SIER2 and the next two, to read alone */
    SPR_USIER3 = 737,
    SPR_UMMCR3 = 738,
    SPR_SIER2 = 752,
    SPR_SIER3 = 753,
    SPR_MMCR3 = 754,
    SPR_EBBRR = 805,
    SPR_BESCR = 806,
    SPR_UDEXCR = 812, /* DEXCR to read alone */
    SPR_DEXCR = 828,
    SPR_PPR = 896,
    SPR_PPR32 = 898,
    SPR_VTB = 849,
    SPR_DEADLINE = 267, /* a number the core leaves unused: what the time base is compared with */
    SPR_TB = 268,
    SPR_TBU = 269, /* its upper half */
};

/* QEMU's exception numbers, as the interrupt hook receives them. */
enum exception {
    EXCEPTION_DATA_STORAGE = 2,
    EXCEPTION_ALIGNMENT = 5,
    EXCEPTION_PROGRAM = 6,
    EXCEPTION_FP_UNAVAILABLE = 7,
    EXCEPTION_SYSTEM_CALL = 8,
    EXCEPTION_TRACE = 68,
    EXCEPTION_VMX_UNAVAILABLE = 73,
    EXCEPTION_VSX_UNAVAILABLE = 94,
    EXCEPTION_FACILITY_UNAVAILABLE = 95,
    EXCEPTION_EMULATION_ASSIST = 96,
    EXCEPTION_HYPERVISOR_FACILITY_UNAVAILABLE = 98,
};

/* Hashed page table entries (Power ISA III 6.7.6.1), big-endian as all that is saved. */
#define PTES_A_GROUP 8
#define PTE_BYTES 16
#define PTE_LARGE 4ull
#define PTE_SECONDARY 2ull
#define PTE_VALID 1ull
#define PTE_REAL_PAGE 0x0ffffffffffff000ull
#define PTE_REFERENCE 0x100ull /* these two stand there in a radix tree's leaves, too */
#define PTE_CHANGE 0x80ull
#define PTE_GUARDED 8ull
#define PTE_NO_EXECUTE 4ull
#define PTE_PP 3ull

/* The fields RS or RT, RA, and RB of an instruction. */
#define RT(word) ((word) >> 21 & 0x1f)
#define RA(word) ((word) >> 16 & 0x1f)
#define RB(word) ((word) >> 11 & 0x1f)
#endif
