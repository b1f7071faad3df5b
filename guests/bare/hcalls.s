# A shell for hypercalls: type a name or number and hexadecimal arguments, see what comes back.

        .include "papr.inc"

LINE_LIMIT  = 120
ENTRY       = 64                # bytes in an entry of the tables: a number and a name
NAME        = 8                 # where the name lies in it
POLL        = SECOND / 100
BACKSPACE   = 8
DELETE      = 127

        .org    0x900           # the decrementer only wakes us: set it again and go on
        std     r20,save(0)
        load64  r20,POLL
        mtdec   r20
        ld      r20,save(0)
        rfid

        .org    0x1000
_start:
        begin
        mr      r31,r5
        interrupts_too
        load64  r3,POLL
        mtdec   r3
        li      r3,welcome
        bl      puts
prompt:
        li      r3,prompt_text
        bl      puts
        bl      read_line
        li      r24,line        # R24: where we read in the line
        bl      skip_spaces
        cmpwi   r3,0
        beq     prompt
        li      r4,quit_word
        bl      match
        beq     exit
        li      r4,help_word
        bl      match
        beq     help
        bl      read_call
        bne     prompt          # it has been said what was wrong
        bl      read_arguments
        bne     prompt
        bl      call
        bl      show
        b       prompt

help:
        li      r3,help_text
        bl      puts
        li      r25,call_names
1:      ld      r3,0(r25)
        cmpdi   r3,0
        beq     prompt
        addi    r3,r25,NAME
        bl      puts
        li      r3,newline
        bl      puts
        addi    r25,r25,ENTRY
        b       1b

# ---- reading ------------------------------------------------------------------------------

# read_line: a line from the console into `line`, echoed; ends with a zero byte.
read_line:
        mflr    r30
        li      r26,line
        ld      r27,left(0)     # R27: characters left in `typed`, from R28 on
        ld      r28,next(0)
        b       each
more:   li      r4,CONSOLE
        hcall   H_GET_TERM_CHAR
        cmpdi   r4,0
        bne     1f
        hcall   H_CEDE          # until the decrementer or anything else wakes us
        b       more
1:      mr      r27,r4
        li      r28,typed
        .ifdef  __LITTLE_ENDIAN__
        li      r3,8            # the first character is the leftmost byte
        stdbrx  r5,0,r28
        stdbrx  r6,r3,r28
        .else
        std     r5,0(r28)
        std     r6,8(r28)
        .endif
each:   cmpdi   r27,0
        beq     more
        lbz     r29,0(r28)
        addi    r28,r28,1
        addi    r27,r27,-1
        cmpwi   r29,'\r'
        beq     done
        cmpwi   r29,'\n'
        beq     done
        cmpwi   r29,BACKSPACE
        beq     erase
        cmpwi   r29,DELETE
        beq     erase
        cmpwi   r29,' '
        blt     each
        cmpdi   r26,line+LINE_LIMIT
        bge     each
        stb     r29,0(r26)
        addi    r26,r26,1
        addi    r3,r26,-1
        li      r4,1
        bl      print
        b       each
erase:  cmpdi   r26,line
        ble     each
        addi    r26,r26,-1
        li      r3,erase_text
        bl      puts
        b       each
done:   std     r27,left(0)     # what came behind this line waits for the next
        std     r28,next(0)
        li      r3,0
        stb     r3,0(r26)
        li      r3,newline
        mtlr    r30
        b       puts

# skip_spaces: R24 to the next word; R3 is its first character, 0 at the end of the line.
skip_spaces:
        lbz     r3,0(r24)
        cmpwi   r3,' '
        bnelr
        addi    r24,r24,1
        b       skip_spaces

# match: is the word at R24 the one at R4?  If so CR0 says equal, and R24 moves behind it.
# Capitals and small letters are the same.
match:
        mr      r5,r24
1:      lbz     r6,0(r4)
        lbz     r7,0(r5)
        cmpwi   r6,0
        beq     3f
        xor     r8,r6,r7
        andi.   r8,r8,0xdf
        bnelr
        addi    r4,r4,1
        addi    r5,r5,1
        b       1b
3:      cmpwi   r7,' '
        bgtlr                   # the word goes on: greater is not equal
        mr      r24,r5
        cmpw    r7,r7
        blr

# read_call: the hypercall's number into `arguments`; CR0 equal if all is well.
read_call:
        mflr    r30
        li      r25,call_names
1:      ld      r3,0(r25)
        cmpdi   r3,0
        beq     2f
        addi    r4,r25,NAME
        bl      match
        beq     3f
        addi    r25,r25,ENTRY
        b       1b
2:      bl      read_number
        bne     unknown
        b       4f
3:      ld      r3,0(r25)
4:      std     r3,arguments(0)
        cmpd    r3,r3
        mtlr    r30
        blr
unknown:
        li      r3,unknown_text
        bl      puts
        crclr   eq
        mtlr    r30
        blr

# read_arguments: up to nine numbers into `arguments`, zeros behind; CR0 equal if all is well.
read_arguments:
        mflr    r30
        li      r25,arguments+8
        li      r26,arguments+8+9*8
        mr      r3,r25
        li      r4,0
1:      std     r4,0(r3)
        addi    r3,r3,8
        cmpd    r3,r26
        blt     1b
2:      bl      skip_spaces
        cmpwi   r3,0
        beq     3f
        cmpd    r25,r26
        bge     too_many
        bl      read_number
        bne     unknown
        std     r3,0(r25)
        addi    r25,r25,8
        b       2b
3:      mtlr    r30
        blr
too_many:
        li      r3,too_many_text
        bl      puts
        crclr   eq
        mtlr    r30
        blr

# read_number: the hexadecimal word at R24 into R3, with or without 0x; CR0 equal if it is one.
read_number:
        li      r3,0
        mr      r5,r24
        lbz     r6,0(r5)
        cmpwi   r6,'0'
        bne     1f
        lbz     r6,1(r5)
        cmpwi   r6,'x'
        bne     1f
        addi    r5,r5,2
1:      mr      r8,r5           # R8: where the digits begin
2:      lbz     r6,0(r5)
        cmpwi   r6,' '
        ble     4f
        ori     r6,r6,0x20      # small letters
        addi    r7,r6,-'0'
        cmplwi  r7,9
        ble     3f
        addi    r7,r6,-'a'+10
        cmpwi   r7,10
        bltlr
        cmpwi   r7,15
        bgtlr
3:      sldi    r3,r3,4
        or      r3,r3,r7
        addi    r5,r5,1
        b       2b
4:      cmpd    r5,r8           # no digit at all is no number
        beq     5f
        mr      r24,r5
        cmpd    r5,r5
        blr
5:      crclr   eq
        blr

# ---- calling and showing ------------------------------------------------------------------

# call: the hypercall in `arguments`; R3 to R12 as it leaves them into `results`.
call:
        ld      r3,arguments(0)
        ld      r4,arguments+8(0)
        ld      r5,arguments+16(0)
        ld      r6,arguments+24(0)
        ld      r7,arguments+32(0)
        ld      r8,arguments+40(0)
        ld      r9,arguments+48(0)
        ld      r10,arguments+56(0)
        ld      r11,arguments+64(0)
        ld      r12,arguments+72(0)
        sc      1
        std     r3,results(0)
        std     r4,results+8(0)
        std     r5,results+16(0)
        std     r6,results+24(0)
        std     r7,results+32(0)
        std     r8,results+40(0)
        std     r9,results+48(0)
        std     r10,results+56(0)
        std     r11,results+64(0)
        std     r12,results+72(0)
        blr

# show: the return code by number and name, then the registers behind it.
show:
        mflr    r30
        ld      r27,results(0)
        li      r3,code_text
        bl      puts
        mr      r3,r27
        bl      put_hex
        li      r3,two_spaces
        bl      puts
        li      r25,code_names
1:      lbz     r3,NAME(r25)
        cmpwi   r3,0            # the nameless end of the table
        beq     2f
        ld      r3,0(r25)
        cmpd    r3,r27
        beq     2f
        addi    r25,r25,ENTRY
        b       1b
2:      addi    r3,r25,NAME
        bl      puts
        li      r3,newline
        bl      puts
        li      r28,1           # R28: the register's place behind R3
3:      sldi    r4,r28,2        # its label: four characters
        li      r3,register_text-4
        add     r3,r3,r4
        li      r4,4
        bl      print
        li      r3,two_spaces
        bl      puts
        sldi    r4,r28,3
        li      r3,results
        ldx     r3,r3,r4
        bl      put_hex
        andi.   r4,r28,1
        li      r3,two_spaces   # two registers a line
        bne     4f
        li      r3,newline
4:      bl      puts
        addi    r28,r28,1
        cmpdi   r28,8
        ble     3b
        mtlr    r30
        blr

        .include "hex.inc"
        .include "console.inc"
        .include "exit.inc"

# ---- texts and storage --------------------------------------------------------------------

welcome:        .asciz  "Type a hypercall and its arguments; help lists the names, quit ends.\n"
prompt_text:    .asciz  "hcall> "
help_text:      .ascii  "NAME or NUMBER, then up to nine arguments, all hexadecimal.  For example:\n"
                .asciz  "    H_PUT_TERM_CHAR 0 3 6869210000000000\nNames known here:\n"
unknown_text:   .asciz  "That is no name known here and no hexadecimal number.\n"
too_many_text:  .asciz  "A hypercall takes at most nine arguments.\n"
code_text:      .asciz  "r3    "
two_spaces:     .asciz  "  "
newline:        .asciz  "\n"
erase_text:     .byte   BACKSPACE, ' ', BACKSPACE, 0
quit_word:      .asciz  "quit"
help_word:      .asciz  "help"
register_text:  .ascii  "r4  r5  r6  r7  r8  r9  r10 r11 "

        .include "hcall_names.inc"

        .balign 16
save:           .quad   0
typed:          .space  16
left:           .quad   0
next:           .quad   0
arguments:      .space  10 * 8
results:        .space  10 * 8
line:           .space  LINE_LIMIT + 8
