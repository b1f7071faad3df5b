/* The window into Unicorn's processor state: the one place that knows its layout.
   Offsets in bytes for Unicorn 2.1.4 on 64-bit hosts; window_check() holds them against a live
   engine, so that another build is refused instead of misread. */
#ifndef WINDOW_H
#define WINDOW_H
#include <stdint.h>

#define WINDOW_VERSION "2.1.4"
#define WINDOW_RELEASE 0x020104u /* the same, as uc_version() packs it */

enum {
    /* in struct uc_struct */
    UC_CPU = 440,
    UC_GENERATOR = 768,
    UC_INVALID_ADDR = 1416,
    /* in CPUState */
    CPU_EXCEPTION = 33184, /* QEMU's number of the exception to be raised */
    CPU_CFLAGS_NEXT_TB = 24, /* how to translate the next block; its low bits: instructions */
    CPU_ENV_PTR = 296,
    CPU_JUMPS = 312, /* to which block each of the last indirect branches went */
    CPU_JUMPS_SIZE = 4096 * 8,
    CPU_CLASS = 33200,
    CLASS_TLB_FILL = 72,
    CPU_ENV = 40384, /* the processor state, with the TLB in front of it */
    /* so far before the state: masks and entries by mode, and the rest by mode (tlb.c) */
    ENV_TLB = 176,
    TLB_FAST_SIZE = 16,
    ENV_TLB_MODES = 7136,
    TLB_MODE_SIZE = 696,
    TLB_IO = 688,
    /* in PowerPCCPU, which begins with CPUState: the decoder's table, by primary opcode.  An entry
       leads to a handler or, its lowest bit set, to a table for the next part of the opcode. */
    CPU_OPCODES = 120464,
    OPCODES = 64,
    OPCODES_OF_A_PART = 32,
    OPCODE_UNUSED = 1, /* a primary opcode without instructions */
    OPCODE_ADDI = 14,
    /* in a handler: what it belongs to, as in ENV_INSTRUCTIONS and ENV_INSTRUCTIONS_2 */
    HANDLER_RESERVED_BITS = 0,
    HANDLER_TYPE = 8,
    HANDLER_TYPE_2 = 16,
    HANDLER_TRANSLATOR = 24,
    /* in what a translator is given */
    CONTEXT_INSTRUCTION = 40,
    /* in CPUPPCState */
    ENV_GPR = 0,
    ENV_LR = 512,
    ENV_CTR = 520,
    ENV_CRF = 528,
    ENV_CFAR = 560,
    ENV_XER = 568,
    ENV_SO = 576,
    ENV_OV = 584,
    ENV_CA = 592,
    ENV_OV32 = 600,
    ENV_CA32 = 608,
    ENV_RESERVE_ADDR = 616,
    ENV_MSR = 640,
    ENV_NIP = 680,
    ENV_SLB = 704,
    ENV_FLUSH_NEEDED = 2836, /* the TLB is to be flushed when the guest next synchronizes */
    ENV_SPR = 2840,
    ENV_SPR_CB = 11032,
    ENV_VSCR = 76568,
    ENV_VSR = 76576,
    ENV_VSCR_SAT = 77600,
    ENV_VECTOR_STATUS = 77628, /* of floating point, as its library keeps it */
    ENV_FPSCR = 77648,
    ENV_TB_ENV = 77656,
    ENV_MSR_MASK = 77680,
    ENV_FLAGS = 77704,
    FLAGS_TRACE = 0x90, /* in them: the core's own trace by MSR[SE] and MSR[BE] */
    ENV_INSTRUCTIONS = 77712,
    ENV_INSTRUCTIONS_2 = 77720,
    INSTRUCTIONS_2 = 0xbfffe, /* what stands there at first */
    ENV_ERROR_CODE = 77728,
    ENV_HFLAGS = 78616,
    ENV_UC = 80032,
    /* in a status of floating point: whether denormal results, and operands, count as 0 */
    STATUS_FLUSH_RESULTS = 4,
    STATUS_FLUSH_OPERANDS = 5,
    /* in an operation of the code generator: the arguments, a called function among them */
    OPERATION_ARGUMENTS = 24,
    OPERATION_ARGUMENT_COUNT = 10,
    /* the same in the state of the 32-bit core (interpose.c) */
    ENV32_FPSCR = 71404,
    SLB_SIZE = 64 * 24,
    SPR_COUNT = 1024,
    /* one entry of spr_cb: name and the accessors by privilege */
    SPR_CB_SIZE = 64,
    SPR_CB_UEA_READ = 0,
    SPR_CB_UEA_WRITE = 8,
    SPR_CB_OEA_READ = 16,
    SPR_CB_OEA_WRITE = 24,
    SPR_CB_NAME = 48,
    TB_ENV_SIZE = 96,
    /* in the code generator, its operations and its blocks */
    GENERATOR_CFLAGS = 100, /* how the block is translated */
    CFLAGS_PARALLEL = 0x80000, /* others access the storage meanwhile */
    GENERATOR_EPILOGUE = 152,
    GENERATOR_DROPPED = 216, /* how many blocks were, one by one */
    GENERATOR_ENV = 35056,
    OP_CALL_COUNTS = 1,
    OP_ARGUMENTS = 24,
    BLOCK_ADDRESS = 0,
    BLOCK_SIZE = 20,
    BLOCK_FLAGS = 24,
    BLOCK_DROPPED = 0x40000, /* in its flags */
    BLOCK_CODE = 32,
};

static inline uint64_t *window64(uint8_t *base, uint64_t offset)
{
    return (uint64_t *)(base + offset);
}

static inline uint16_t *window16(uint8_t *base, uint64_t offset)
{
    return (uint16_t *)(base + offset);
}

static inline uint32_t *window32(uint8_t *base, uint64_t offset)
{
    return (uint32_t *)(base + offset);
}
#endif
