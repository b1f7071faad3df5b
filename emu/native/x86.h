/* The decoder of lx86: x86 instructions as records, and which flags they still want.  cffi reads
   this file, too.  It knows encodings (SDM volume 2, chapter 2); which opcodes there are, and what
   each takes, stands in `x86_tables`, which lx86/tables.py makes of lx86/opcodes.py. */

/* What an operand of a form is. */
enum x86_kind {
    X86_END,       /* no more operands */
    X86_E,         /* a register or storage, by ModRM */
    X86_M,         /* storage, by ModRM */
    X86_R,         /* a whole register, or a word in storage */
    X86_G,         /* the register that ModRM names */
    X86_S,         /* a segment register that ModRM names; not CS if `value` */
    X86_Z,         /* the register in the opcode */
    X86_I,         /* an immediate: `bytes`, 2 of which are unsigned; 8: as many as operands have */
    X86_J,         /* a relative target */
    X86_O,         /* storage by its address alone */
    X86_BYTE,      /* byte register `value` */
    X86_A,         /* EAX, as long as operands are */
    X86_CONSTANT,  /* the number `value` */
    X86_SEGMENT    /* segment register `value` */
};

typedef struct {
    uint8_t kind;
    uint8_t bytes; /* 0: as many as operands have; of immediates and targets, at most 4 */
    uint8_t value;
} x86_spec;

enum x86_form_flags {
    X86_EXISTS = 1,
    X86_MODRM = 2,
    X86_BYTES = 4,       /* operands are bytes */
    X86_LOCKABLE = 8,
    X86_NEAR = 16,       /* operands are quadwords, whatever prefixes say */
    X86_STACK = 32,      /* operands are quadwords, or words with a prefix */
    X86_REGISTERS = 64,  /* by ESI, EDI, EBX: not with 16-bit addresses */
    X86_COUNTS = 128,    /* operands are as long as addresses: ECX */
    X86_NOTHING = 256,   /* XCHG EAX,EAX: `other` without operands, unless REX.B is set */
    X86_THROUGH = 512    /* a rotation through CF */
};

/* By what to choose among the effects of a form. */
enum x86_selector { X86_ALWAYS, X86_BY_CONDITION, X86_BY_REPEAT, X86_BY_COUNT };

/* What an opcode is: its operands, its name by number. */
typedef struct {
    uint16_t flags;
    uint16_t name;
    uint16_t other;    /* its name if operands are words */
    uint8_t group;     /* not 0: ModRM's reg field chooses one of that group instead */
    uint8_t selector;
    uint8_t choice;    /* its effects */
    x86_spec operands[3];
} x86_form;

enum x86_simd_flags { X86_SIMD = 1, X86_SIMD_IMMEDIATE = 2, X86_SIMD_NO_MODRM = 4 };

/* How a way goes on behind an instruction. */
enum x86_ending {
    X86_ON,
    X86_BRANCH,  /* or to its target */
    X86_JUMP,    /* to its target, if it has one */
    X86_BEYOND   /* nobody knows where */
};

/* Opcode maps: of one byte, behind 0F, behind 0F 38 and behind 0F 3A. */
typedef struct {
    x86_form forms[2][4][256];    /* by mode (1: 64-bit), map, opcode */
    x86_form groups[2][32][8];
    uint8_t simd[4][256];         /* MMX and SSE: x86_simd_flags */
    uint16_t name_x87, name_simd;
    uint16_t name_three_bytes;    /* of MMX and SSE behind 0F 38 and 0F 3A */
    uint8_t endings[512];         /* by name */
    uint8_t choices[64][16];      /* effects: one; by condition; by repeat; count 0, other, CL */
    uint8_t x87_effects[8][256];  /* by opcode's low bits and ModRM */
    uint8_t simd_effects[4][256];
    uint16_t effects[64][1024];   /* which flags are wanted before, by those behind (flags.py) */
} x86_tables;

enum x86_operand_kind { X86_REGISTER, X86_STORAGE, X86_NUMBER, X86_TARGET, X86_SEGMENT_REGISTER };

typedef struct {
    uint8_t kind;
    uint8_t size;
    int8_t base;      /* or the number of a register */
    int8_t index;
    uint8_t shift;
    uint8_t segment;
    uint8_t narrow;   /* an address that is cut; of a register: its second byte */
    uint8_t wide;     /* in 64-bit mode */
    int64_t value;
} x86_operand;

/* As `Instruction` in lx86/instruction.py; `operands` has `count`. */
typedef struct {
    uint64_t address; /* of a fault: where no byte could be fetched */
    uint64_t target;
    uint32_t opcode;
    uint16_t name;
    int16_t modrm;
    uint8_t length, size, condition, repeat, lock, prefix, segment, rex;
    uint8_t effect, has_target, count, reserved[5];
    x86_operand operands[3];
} x86_instruction;

enum x86_status {
    X86_DECODED,
    X86_UNDEFINED, /* no instruction that is known */
    X86_TRUNCATED  /* the bytes end before the instruction does */
};

/* `mode`: 1: in a segment of 16-bit code; 2: 64-bit mode. */
int x86_decode(const x86_tables *, const uint8_t *code, size_t length, uint64_t address, int mode,
               x86_instruction *);

/* A program's code: `storage` has what is at address 0, and what is behind `hole`, `moved` bytes
   before where it would be.  `bounds` are the addresses where what can be executed begins and ends,
   whole pages of 4 KiB, `count` of them.  Instruction addresses count from `base`. */
typedef struct {
    const x86_tables *tables;
    const uint8_t *storage;
    uint64_t hole, moved;
    const uint64_t *bounds;
    size_t count;
    uint32_t base;
    int mode;
} x86_code;

/* The instruction at an address; X86_TRUNCATED: a fault. */
int x86_fetch(const x86_code *, uint64_t address, x86_instruction *);
/* It and those that follow it, up to a branch, at most `most`; how many.  Behind the first there
   are only those that lie in its page whatever they are.  `status` is that of the first. */
unsigned x86_fetch_more(const x86_code *, uint64_t address, unsigned most, x86_instruction *,
                        int *status);
/* The flags that code at an address may ask for; `beyond` are those that are wanted behind a branch
   to nobody knows where.  `pages` has room for 256 numbers of pages looked at; `count` are there. */
unsigned x86_wanted(const x86_code *, uint64_t address, unsigned beyond, uint64_t *pages,
                    size_t *count);
