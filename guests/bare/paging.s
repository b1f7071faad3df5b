# Builds a page table with hypercalls, and repairs what faults: no segment, no page, no permission.

        .include "papr.inc"

MSR_IR_DR       = 0x30          # relocate instruction and data addresses

KERNEL_VSID     = 0x100
WINDOW_VSID     = 0x200
WINDOW          = 0x12345000    # where we look, another segment than the kernel's,
REAL_PAGE       = 0x300000      # and what we shall see there
CONTENT         = 0x0123456789ABCDEF
NEW_CONTENT     = 0x2A

DSISR_FORBIDDEN = 0x08000000    # why: not because there is no page, but it may not be done

# ---- interrupts ---------------------------------------------------------------------------
#
# They are taken in real mode, so the handlers need no page.  Where this program faults it keeps
# nothing in R3 to R12, R20 to R23, LR or CR: the handlers save nothing.

        .org    0x300           # data storage: there is no page, or it forbids the access
        b       data_storage
        .org    0x380           # data segment: the SLB knows no segment for the address
        b       data_segment
        .org    0x900           # the decrementer is of no use here
        mtsprg  1,r3
        load64  r3,0x7fffffff
        mtdec   r3
        mfsprg  r3,1
        rfid

        .org    0x1000
_start:
        begin
        mr      r31,r5
        interrupts_too
        bl      find_page_table
        li      r3,no_table_text
        beq     give_up

# The kernel's own pages come first, each where it lies anyway: or the first instruction that is
# fetched with translation on would fault, and all that follow.
        li      r14,0           # R14: a page's address
1:      srdi    r6,r14,PAGE_SHIFT
        ori     r7,r14,LOW_READ_WRITE
        li      r8,KERNEL_VSID
        bl      enter_page
        cmpdi   r3,0
        bne     refused
        addi    r14,r14,PAGE
        cmpdi   r14,end_of_kernel
        blt     1b
        li      r4,0
        li      r5,KERNEL_VSID
        li      r6,0
        bl      enter_segment
        srdi    r3,r14,PAGE_SHIFT
        bl      put_decimal
        li      r3,entered_text
        bl      puts

        load64  r3,CONTENT
        load64  r4,REAL_PAGE
        std     r3,0(r4)

        mfmsr   r3
        ori     r3,r3,MSR_IR_DR
        mtmsrd  r3
        isync
        li      r3,on_text
        bl      puts

        load64  r24,WINDOW
        ld      r25,0(r24)      # no segment; then no page; then it comes
        li      r3,read_text
        bl      puts
        mr      r3,r25
        bl      put_hex
        bl      show_entry

        li      r25,NEW_CONTENT
        std     r25,0(r24)      # the page says: not written to; then it may be
        li      r3,written_text
        bl      puts
        bl      show_entry

        li      r4,0            # flags
        mr      r5,r26
        li      r6,0
        hcall   H_REMOVE
        li      r3,removed_text
        bl      puts
        ld      r25,0(r24)      # no page again; but the segment is still there
        li      r3,read_text
        bl      puts
        mr      r3,r25
        bl      put_hex
        bl      show_entry

        mfmsr   r3              # firmware is called in real mode
        xori    r3,r3,MSR_IR_DR
        mtmsrd  r3
        isync
        b       exit

refused:
        mr      r14,r3
        li      r3,refused_text
        bl      puts
        mr      r3,r14
        bl      put_hex
        li      r3,newline
give_up:
        bl      puts
        b       exit

# show_entry: what the processor noted in the page's entry, whose index is R26.
show_entry:
        mflr    r27
        li      r4,0            # flags: this one entry
        mr      r5,r26
        hcall   H_READ
        andi.   r3,r5,LOW_REFERENCE
        srdi    r3,r3,8
        addi    r3,r3,'0'
        stb     r3,reference_digit(0)
        andi.   r3,r5,LOW_CHANGE
        srdi    r3,r3,7
        addi    r3,r3,'0'
        stb     r3,change_digit(0)
        li      r3,entry_text
        bl      puts
        mtlr    r27
        blr

# ---- the faults ---------------------------------------------------------------------------

# tell_address: where it happened.
tell_address:
        mflr    r28
        li      r3,at_text
        bl      puts
        mfdar   r3
        bl      put_hex
        mtlr    r28
        blr

data_segment:
        bl      tell_address
        li      r3,no_segment_text
        bl      puts
        mfdar   r4
        li      r5,WINDOW_VSID
        li      r6,1
        bl      enter_segment
        rfid                    # the same instruction again

data_storage:
        bl      tell_address
        mfdsisr r3
        andis.  r3,r3,DSISR_FORBIDDEN >> 16
        bne     forbidden
        li      r3,no_page_text
        bl      puts
        mfdar   r6
        srdi    r6,r6,PAGE_SHIFT
        andi.   r6,r6,0xffff    # the page's number within its segment
        load64  r7,REAL_PAGE | LOW_READ_ONLY
        li      r8,WINDOW_VSID
        bl      enter_page
        cmpdi   r3,0
        bne     refused
        mr      r26,r4          # R26: the entry's index
        rfid

forbidden:
        li      r3,forbidden_text
        bl      puts
        li      r4,LOW_READ_WRITE       # flags: what may be done from now on
        mr      r5,r26
        li      r6,0
        hcall   H_PROTECT
        cmpdi   r3,0
        bne     refused
        rfid

        .include "page_table.inc"
        .include "console.inc"
        .include "decimal.inc"
        .include "hex.inc"
        .include "exit.inc"

        .data
no_table_text:  .asciz  "This partition has no hashed page table.\n"
entered_text:   .asciz  " pages of the kernel are entered.\n"
on_text:        .asciz  "Translation is on.\n"
at_text:        .asciz  "  "
no_segment_text: .asciz ": no segment. An SLB entry is made.\n"
no_page_text:   .asciz  ": no page. One is entered, to be read only.\n"
forbidden_text: .asciz  ": not allowed. The page may be written to now.\n"
read_text:      .asciz  "Read "
written_text:   .asciz  "Written"
removed_text:   .asciz  "The page is removed.\n"
entry_text:     .ascii  ": reference "
reference_digit: .ascii "?, change "
change_digit:   .asciz  "?.\n"
refused_text:   .asciz  "The hypervisor refuses: "
newline:        .asciz  "\n"
end_of_kernel:
