"""The distances of an alignment for the RP2040, in inline assembler. The rules of thumb.py hold.

It gives the same bits as `l1` of viper_words.py and is five times as fast.
"""

import micropython


@micropython.asm_thumb
def l1(r0, r1, r2, r3):
    """Write the L1 distances of a row of 20 bytes (r0) from r2 rows (r1) to r3, int32."""
    label(ROW)
    mov(r4, 0)
    mov(r7, 4)
    label(FIVE)
    ldrb(r5, [r0, 0])
    ldrb(r6, [r1, 0])
    sub(r5, r5, r6)
    asr(r6, r5, 31)
    eor(r5, r6)
    sub(r5, r5, r6)
    add(r4, r4, r5)
    ldrb(r5, [r0, 1])
    ldrb(r6, [r1, 1])
    sub(r5, r5, r6)
    asr(r6, r5, 31)
    eor(r5, r6)
    sub(r5, r5, r6)
    add(r4, r4, r5)
    ldrb(r5, [r0, 2])
    ldrb(r6, [r1, 2])
    sub(r5, r5, r6)
    asr(r6, r5, 31)
    eor(r5, r6)
    sub(r5, r5, r6)
    add(r4, r4, r5)
    ldrb(r5, [r0, 3])
    ldrb(r6, [r1, 3])
    sub(r5, r5, r6)
    asr(r6, r5, 31)
    eor(r5, r6)
    sub(r5, r5, r6)
    add(r4, r4, r5)
    ldrb(r5, [r0, 4])
    ldrb(r6, [r1, 4])
    sub(r5, r5, r6)
    asr(r6, r5, 31)
    eor(r5, r6)
    sub(r5, r5, r6)
    add(r4, r4, r5)
    add(r0, 5)
    add(r1, 5)
    sub(r7, 1)
    bne(FIVE)
    sub(r0, 20)
    str(r4, [r3, 0])
    add(r3, 4)
    sub(r2, 1)
    bne(ROW)
