"""Kernels of the fixed path for the RP2040, in inline assembler.

They give the same bits as the viper kernels and are three times as fast. Enters and leaves: as in
viper_window.py and viper_nearest.py.

The core is a Cortex-M0+ (ARMv6-M). The inline assembler lacks load and store multiple, sign-
extending loads, stack-relative addresses, and most uses of r8-r12 and lr. Those instructions are
written as data(2, opcode), with their text in a comment. A function takes at most four arguments.
More are passed as an array of words, some of which are addresses (`bind`, and the tables of
thumb_spectrum). The caller of `bind` must keep the arrays alive, and arrays never move.
"""

from array import array

import micropython
import uctypes


def bind(*arguments):
    """Return the remaining arguments of a kernel as one array('i') of ints and addresses."""
    return array("i", [a if isinstance(a, int) else address(a) for a in arguments])


def address(a):
    # RAM begins at 0x20000000, so an address is a positive int32.
    return uctypes.addressof(a)


@micropython.asm_thumb
def centre(r0, r1, r2):
   # r0: int16 x, r1: n, r2: reading. Writes mean and rest, returns the mean in Q4.
   # As viper_window.centre.
    mov(r3, 0)  # total
    mov(lr, r1)
    mov(r4, 3)
    and_(r4, r1)  # samples beyond a multiple of four
    lsr(r1, r1, 2)
    mov(r5, 0)
    label(TAIL)
    cmp(r4, 0)
    beq(FOURS)
    data(2, 0x5F46)  # ldrsh r6, [r0, r5]
    add(r3, r3, r6)
    add(r0, 2)
    sub(r4, 1)
    b(TAIL)
    label(FOURS)
    cmp(r1, 0)
    beq(DIVIDE)
    mov(r4, 2)
    mov(r6, 4)
    label(SUM)
    data(2, 0x5F47)  # ldrsh r7, [r0, r5]
    add(r3, r3, r7)
    data(2, 0x5F07)  # ldrsh r7, [r0, r4]
    add(r3, r3, r7)
    data(2, 0x5F87)  # ldrsh r7, [r0, r6]
    add(r3, r3, r7)
    add(r0, 6)
    data(2, 0x5F47)  # ldrsh r7, [r0, r5]
    add(r3, r3, r7)
    add(r0, 2)
    sub(r1, 1)
    bne(SUM)
    label(DIVIDE)
    # mean_q4 = floor((16 total + n / 2) / n). |total| <= 2^25, so the quotient is at most 2^19.
    lsl(r3, r3, 4)
    mov(r1, lr)
    lsr(r4, r1, 1)
    add(r3, r3, r4)
    asr(r4, r3, 31)
    eor(r3, r4)  # A negative v becomes ~v, because floor(v / n) = ~floor(~v / n).
    lsl(r1, r1, 19)
    mov(r5, 0)
    mov(r7, 20)
    label(BIT)
    lsl(r5, r5, 1)
    cmp(r3, r1)
    bcc(LESS)
    sub(r3, r3, r1)
    add(r5, 1)
    label(LESS)
    lsr(r1, r1, 1)
    sub(r7, 1)
    bne(BIT)
    eor(r5, r4)  # mean_q4
    mov(r3, r5)
    add(r3, 8)
    asr(r3, r3, 4)  # mean
    str(r3, [r2, 0])
    lsl(r4, r3, 4)
    sub(r4, r5, r4)
    str(r4, [r2, 4])
    mov(r0, r5)

@micropython.asm_thumb
def distances(r0, r1, r2):
   # r0: int8 x, r1: n_prototypes, r2: bind(means, weights, w_step, n, out).
   # As viper_nearest.distances.
    mov(r4, r8)
    mov(r5, r9)
    mov(r6, r10)
    mov(r7, r11)
    push({r4, r5, r6, r7})  # r8-r11 belong to the caller
    mov(r3, r1)
    mov(r1, r2)
    mov(r2, r3)
    cmp(r2, 0)
    bne(SOME)
    b(NONE)
    label(SOME)
    ldr(r3, [r1, 16])
    mov(r8, r3)  # out
    lsl(r2, r2, 2)
    add(r2, r2, r3)
    mov(r9, r2)  # its end
    ldr(r3, [r1, 8])
    mov(r10, r3)  # w_step
    ldr(r3, [r1, 12])
    mov(r11, r3)  # n
    ldr(r2, [r1, 4])
    ldr(r1, [r1, 0])
    mov(r3, 1)
    lsl(r3, r3, 30)
    sub(r3, 1)
    mov(lr, r3)  # 2^30 - 1
    label(PROTOTYPE)
    mov(r7, 0)
    mov(r3, r11)
    sub(r3, 1)
    mov(r12, r2)
    # Goes from the last dimension to the first, so that the index is also the loop's counter.
    label(TERM)
    data(2, 0x56C4)  # ldrsb r4, [r0, r3]
    data(2, 0x56CD)  # ldrsb r5, [r1, r3]
    data(2, 0x5CD6)  # ldrb r6, [r2, r3]
    sub(r4, r4, r5)
    mul(r4, r4)
    mul(r4, r6)
    add(r7, r7, r4)
    sub(r3, 1)
    bmi(WHOLE)
    data(2, 0x56C4)  # ldrsb r4, [r0, r3]
    data(2, 0x56CD)  # ldrsb r5, [r1, r3]
    data(2, 0x5CD6)  # ldrb r6, [r2, r3]
    sub(r4, r4, r5)
    mul(r4, r4)
    mul(r4, r6)
    add(r7, r7, r4)
    sub(r3, 1)
    bpl(TERM)
    label(WHOLE)
    mov(r4, lr)
    cmp(r7, r4)
    ble(HELD)
    mov(r7, r4)
    label(HELD)
    mov(r4, r8)
    data(2, 0xC480)  # stmia r4!, {r7}
    mov(r8, r4)
    data(2, 0x4459)  # add r1, r11
    data(2, 0x4452)  # add r2, r10
    data(2, 0x454C)  # cmp r4, r9
    bne(PROTOTYPE)
    label(NONE)
    pop({r4, r5, r6, r7})
    mov(r8, r4)
    mov(r9, r5)
    mov(r10, r6)
    mov(r11, r7)

@micropython.asm_thumb
def score(r0, r1, r2):
   # r0: int8 x, r1: n_prototypes, at least 1, r2: bind(means, weights, n, log2, scales, out).
   # As viper_window.score.
    mov(r4, r8)
    mov(r5, r9)
    mov(r6, r10)
    mov(r7, r11)
    push({r4, r5, r6, r7})  # r8-r11 belong to the caller
    mov(r3, r1)
    mov(r1, r2)
    mov(r2, r3)
    push({r1, r2})
    data(2, 0xB084)  # sub sp, 16; 0 best score, 8 this prototype, 12 end; 16 words, 20 prototypes
    mov(r3, 1)
    lsl(r3, r3, 30)
    sub(r3, 1)
    data(2, 0x9300)  # str r3, [sp, 0]
    mov(lr, r3)  # 2^30 - 1
    mov(r3, 0)
    data(2, 0x9302)  # str r3, [sp, 8]
    ldr(r3, [r1, 8])
    mov(r11, r3)  # n
    ldr(r2, [r1, 4])
    ldr(r1, [r1, 0])
    label(PROTOTYPE)
    mov(r7, 0)
    mov(r12, r7)  # largest term
    mov(r3, r11)
    sub(r3, 1)
    label(TERM)
    data(2, 0x56C4)  # ldrsb r4, [r0, r3]
    data(2, 0x56CD)  # ldrsb r5, [r1, r3]
    data(2, 0x5CD6)  # ldrb r6, [r2, r3]
    sub(r4, r4, r5)
    mul(r4, r4)
    mul(r4, r6)
    add(r7, r7, r4)
    data(2, 0x4564)  # cmp r4, r12
    ble(SMALLER)
    mov(r12, r4)
    label(SMALLER)
    sub(r3, 1)
    bpl(TERM)
    mov(r4, lr)
    cmp(r7, r4)
    ble(HELD)
    mov(r7, r4)
    label(HELD)
    mov(r4, r11)
    mov(r5, r12)
    mul(r5, r4)  # n / 4 times the largest term, halved as the sum is
    asr(r5, r5, 3)
    asr(r7, r7, 1)
    add(r7, r7, r5)
    mov(r3, 1)
    lsl(r3, r3, 8)  # 256 log2(2): a halved sum of 0 or 1 counts as 1
    cmp(r7, 1)
    ble(LOGGED)
    mov(r3, 31)
    lsl(r3, r3, 8)
    lsr(r4, r7, 15)
    bne(N1)
    lsl(r7, r7, 16)
    mov(r4, 16)
    lsl(r4, r4, 8)
    sub(r3, r3, r4)
    label(N1)
    lsr(r4, r7, 23)
    bne(N2)
    lsl(r7, r7, 8)
    mov(r4, 8)
    lsl(r4, r4, 8)
    sub(r3, r3, r4)
    label(N2)
    lsr(r4, r7, 27)
    bne(N3)
    lsl(r7, r7, 4)
    mov(r4, 4)
    lsl(r4, r4, 8)
    sub(r3, r3, r4)
    label(N3)
    lsr(r4, r7, 29)
    bne(N4)
    lsl(r7, r7, 2)
    mov(r4, 2)
    lsl(r4, r4, 8)
    sub(r3, r3, r4)
    label(N4)
    lsr(r4, r7, 30)
    bne(N5)
    lsl(r7, r7, 1)
    sub(r3, 255)
    sub(r3, 1)
    label(N5)
    lsl(r7, r7, 2)
    lsr(r7, r7, 24)
    data(2, 0x9C04)  # ldr r4, [sp, 16]
    ldr(r5, [r4, 12])
    data(2, 0x5DED)  # ldrb r5, [r5, r7]
    add(r3, r3, r5)
    label(LOGGED)
    data(2, 0x9C04)  # ldr r4, [sp, 16]
    ldr(r5, [r4, 16])
    data(2, 0x9E02)  # ldr r6, [sp, 8]
    lsl(r7, r6, 2)
    data(2, 0x59ED)  # ldr r5, [r5, r7]
    sub(r3, r3, r5)
    ldr(r5, [r4, 20])
    data(2, 0x51EB)  # str r3, [r5, r7]
    data(2, 0x9C00)  # ldr r4, [sp, 0]
    cmp(r3, r4)
    bge(WORSE)
    data(2, 0x9300)  # str r3, [sp, 0]
    label(WORSE)
    add(r6, 1)
    data(2, 0x9602)  # str r6, [sp, 8]
    data(2, 0x4459)  # add r1, r11
    data(2, 0x445A)  # add r2, r11
    data(2, 0x9C05)  # ldr r4, [sp, 20]
    cmp(r6, r4)
    beq(DONE)
    b(PROTOTYPE)
    label(DONE)
    data(2, 0x9800)  # ldr r0, [sp, 0]
    data(2, 0xB006)  # add sp, 24
    pop({r4, r5, r6, r7})
    mov(r8, r4)
    mov(r9, r5)
    mov(r10, r6)
    mov(r11, r7)

@micropython.asm_thumb
def learn(r0, r1, r2, r3):
   # r0: int8 x, r1: n, r2: sums, r3: squares. As viper_window.learn.
    add(r1, r1, r0)
    mov(r12, r1)  # end of x
    mov(r7, 0)
    label(VALUE)
    data(2, 0x4560)  # cmp r0, r12
    beq(DONE)
    data(2, 0x57C4)  # ldrsb r4, [r0, r7]
    ldr(r5, [r2, 0])
    add(r5, r5, r4)
    data(2, 0xC220)  # stmia r2!, {r5}
    mul(r4, r4)
    ldr(r5, [r3, 4])
    add(r4, r4, r5)
    ldr(r6, [r3, 0])
    lsr(r5, r4, 24)
    add(r6, r6, r5)
    lsl(r4, r4, 8)
    lsr(r4, r4, 8)
    str(r6, [r3, 0])
    str(r4, [r3, 4])
    add(r3, 8)
    add(r0, 1)
    b(VALUE)
    label(DONE)
