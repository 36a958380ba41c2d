"""Layers of a head for the RP2040, in inline assembler: the same bits as viper_head.

The rules of thumb.py hold.
"""

from array import array

import micropython

from nearhum.kernels.thumb import address


def layer(weights, bias, rescale, n_in, n_out, low):
    """Return a layer as the one argument in which `dense` takes it. Arguments: as viper_head.layer.

    Four rows are computed at once, with two inputs a turn. The words of a turn are w0 + (w1 << 16)
    and w2 + (w3 << 16) of one input, then of the next. Missing weights are 0. The sum of two
    products is -32512..32768, and less 1 it fits int16 in each half. So `dense` adds -0x8001 in
    each turn. The biases are corrected here for that, and for what the low and the high halves add
    to each other.
    """
    turns = (n_in + 1) >> 1
    words = array("i", [2 * turns, n_out, low, address(rescale)])

    def weight(r, i):
        w = weights[r * n_in + i] if r < n_out and i < n_in else 0
        return w - 256 if w > 127 else w

    for r in range(0, n_out, 4):
        for pair in (r, r + 2):
            first = bias[pair] if pair < n_out else 0
            second = bias[pair + 1] if pair + 1 < n_out else 0
            words.append(_int32(first + turns * 0x8001 + (second << 16)))
            words.append(second + turns)
        for i in range(2 * turns):
            for pair in (r, r + 2):
                words.append(weight(pair, i) + (weight(pair + 1, i) << 16))
    return words


def _int32(v):
    v &= 0xFFFFFFFF
    return v - (1 << 32) if v >> 31 else v


@micropython.asm_thumb
def dense(r0, r1, r2, r3):
   # r0: int8 x, r1: n_in, r2: int8 out, r3: words of `layer`.
   # Four rows at a time: w0 + (w1 << 16) and w2 + (w3 << 16) times x, two inputs a turn.
   # -0x8001 is added to each sum of two products: 0x7FFF to the low half, so that it carries
   # nothing into the high half, and -1 to the high half.
    mov(r4, r8)
    mov(r5, r9)
    mov(r6, r10)
    mov(r7, r11)
    push({r4, r5, r6, r7})  # r8-r11 belong to the caller
    data(2, 0xB08A)  # sub sp, 40; 0-12 sums, 16 out, 20 rows left, 24 rescale, 28 low, 36 x
    data(2, 0x9009)  # str r0, [sp, 36]
    data(2, 0x9204)  # str r2, [sp, 16]
    mov(r0, r3)
    data(2, 0xC878)  # ldmia r0!, {r3, r4, r5, r6}
    mov(lr, r3)  # inputs, even
    data(2, 0x9405)  # str r4, [sp, 20]
    data(2, 0x9507)  # str r5, [sp, 28]
    data(2, 0x9606)  # str r6, [sp, 24]
    mov(r2, 1)
    lsl(r2, r2, 15)
    add(r2, 1)
    neg(r2, r2)
    mov(r12, r2)  # -0x8001
    label(FOUR)
    # A group of rows: four initial sums, then the weights.
    data(2, 0xC83C)  # ldmia r0!, {r2, r3, r4, r5}
    mov(r8, r2)
    mov(r9, r3)
    mov(r10, r4)
    mov(r11, r5)
    data(2, 0x9909)  # ldr r1, [sp, 36]
    mov(r7, 0)
    label(INPUT)
    data(2, 0xC83C)  # ldmia r0!, {r2, r3, r4, r5}
    data(2, 0x57CE)  # ldrsb r6, [r1, r7]
    mul(r2, r6)
    mul(r3, r6)
    add(r7, 1)
    data(2, 0x57CE)  # ldrsb r6, [r1, r7]
    mul(r4, r6)
    mul(r5, r6)
    add(r7, 1)
    add(r2, r2, r4)
    add(r3, r3, r5)
    data(2, 0x4462)  # add r2, r12
    data(2, 0x4463)  # add r3, r12
    asr(r4, r2, 16)
    asr(r5, r3, 16)
    data(2, 0x4490)  # add r8, r2
    data(2, 0x44A1)  # add r9, r4
    data(2, 0x449A)  # add r10, r3
    data(2, 0x44AB)  # add r11, r5
    data(2, 0x4577)  # cmp r7, lr
    bne(INPUT)
    mov(r4, r9)
    lsl(r5, r4, 16)
    mov(r3, r8)
    sub(r3, r3, r5)  # removes what the high halves added to the sum of the low ones
    data(2, 0x9300)  # str r3, [sp, 0]
    data(2, 0x9401)  # str r4, [sp, 4]
    mov(r4, r11)
    lsl(r5, r4, 16)
    mov(r3, r10)
    sub(r3, r3, r5)
    data(2, 0x9302)  # str r3, [sp, 8]
    data(2, 0x9403)  # str r4, [sp, 12]
    mov(r8, r0)
    data(2, 0x9806)  # ldr r0, [sp, 24]
    data(2, 0x9904)  # ldr r1, [sp, 16]
    data(2, 0x9A07)  # ldr r2, [sp, 28]
    mov(r3, sp)
    mov(r4, sp)
    add(r4, 16)
    mov(r9, r4)
    label(ROW)
    data(2, 0xCB10)  # ldmia r3!, {r4}
    ldrh(r5, [r0, 0])
    mov(r6, 1)
    lsl(r6, r5)
    lsr(r6, r6, 1)
    add(r4, r4, r6)
    asr(r4, r5)
    ldrh(r5, [r0, 2])
    mul(r4, r5)
    ldrh(r5, [r0, 4])
    mov(r6, 1)
    lsl(r6, r5)
    lsr(r6, r6, 1)
    add(r4, r4, r6)
    asr(r4, r5)
    add(r0, 6)
    cmp(r4, r2)
    bge(ABOVE)
    mov(r4, r2)
    label(ABOVE)
    cmp(r4, 127)
    ble(BELOW)
    mov(r4, 127)
    label(BELOW)
    strb(r4, [r1, 0])
    add(r1, 1)
    data(2, 0x9D05)  # ldr r5, [sp, 20]
    sub(r5, 1)
    data(2, 0x9505)  # str r5, [sp, 20]
    beq(OUT)
    data(2, 0x454B)  # cmp r3, r9
    bne(ROW)
    data(2, 0x9006)  # str r0, [sp, 24]
    data(2, 0x9104)  # str r1, [sp, 16]
    mov(r0, r8)
    b(FOUR)
    label(OUT)
    data(2, 0xB00A)  # add sp, 40
    pop({r4, r5, r6, r7})
    mov(r8, r4)
    mov(r9, r5)
    mov(r10, r6)
    mov(r11, r7)
