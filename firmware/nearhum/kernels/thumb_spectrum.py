"""From a window to log bands on the RP2040, in one call of inline assembler.

The same bits as viper_spectrum. The rules of thumb.py hold.
"""

import micropython


class Spectrum:
    """The transform of one window length into log bands. Allocates its tables once."""

    def __init__(self, n_window, n, *given):
        """Make the tables. Arguments: as viper_spectrum.Spectrum."""
        from nearhum.kernels.thumb_tables import words_of

        self._words, self.power, self._kept = words_of(n_window, n, *given)

    @micropython.native
    def extract_into(self, x, out):
        """Write the int8 levels of the bands of window x to out. Allocates nothing.

        x: int16 (n_window,), whose mean `centre` has put into `reading`. out: (n_bands,).
        """
        spectrum(x, self._words, out)


@micropython.asm_thumb
def spectrum(r0, r1, r2):
   # r0: int16 x, r1: words of thumb_tables, r2: int8 out.
   # The stages and their bounds are those of viper_fft and viper_spectrum.
    mov(r4, r8)
    mov(r5, r9)
    mov(r6, r10)
    mov(r7, r11)
    push({r4, r5, r6, r7})  # r8-r11 belong to the caller
    # On the stack: 0 shift, 4 half of 1 << shift, 8 twiddles, 12 peak (later: bytes to the next
    # twiddles), 16 end of the group, 20 sum of the shifts, 24 words, 28 pass, 32 out.
    data(2, 0xB089)  # sub sp, 36
    data(2, 0x9106)  # str r1, [sp, 24]
    data(2, 0x9208)  # str r2, [sp, 32]
    # --- load: ((x - mean) * w - (rest * w >> 4)) >> 2, and the OR of all magnitudes
    ldr(r6, [r1, 0])  # reading
    ldr(r4, [r6, 0])
    neg(r4, r4)
    mov(r8, r4)  # -mean
    ldr(r7, [r6, 4])  # rest
    mov(r5, 0)  # peak
    data(2, 0x9505)  # str r5, [sp, 20]
    ldr(r2, [r1, 4])  # z
    ldr(r4, [r1, 12])  # bytes of the window, a multiple of four samples
    mov(r12, r4)
    ldr(r4, [r1, 16])  # end of z
    mov(lr, r4)
    ldr(r1, [r1, 8])  # window, Q14
    mov(r6, 0)
    label(LOAD)
    data(2, 0x5F83)  # ldrsh r3, [r0, r6]
    data(2, 0x5B8C)  # ldrh r4, [r1, r6]
    data(2, 0x4443)  # add r3, r8
    mul(r3, r4)
    mul(r4, r7)
    asr(r4, r4, 4)
    sub(r3, r3, r4)
    asr(r3, r3, 2)
    data(2, 0xC208)  # stmia r2!, {r3}
    asr(r4, r3, 31)
    eor(r4, r3)
    orr(r5, r4)
    add(r6, 2)
    data(2, 0x5F83)  # ldrsh r3, [r0, r6]
    data(2, 0x5B8C)  # ldrh r4, [r1, r6]
    data(2, 0x4443)  # add r3, r8
    mul(r3, r4)
    mul(r4, r7)
    asr(r4, r4, 4)
    sub(r3, r3, r4)
    asr(r3, r3, 2)
    data(2, 0xC208)  # stmia r2!, {r3}
    asr(r4, r3, 31)
    eor(r4, r3)
    orr(r5, r4)
    add(r6, 2)
    data(2, 0x5F83)  # ldrsh r3, [r0, r6]
    data(2, 0x5B8C)  # ldrh r4, [r1, r6]
    data(2, 0x4443)  # add r3, r8
    mul(r3, r4)
    mul(r4, r7)
    asr(r4, r4, 4)
    sub(r3, r3, r4)
    asr(r3, r3, 2)
    data(2, 0xC208)  # stmia r2!, {r3}
    asr(r4, r3, 31)
    eor(r4, r3)
    orr(r5, r4)
    add(r6, 2)
    data(2, 0x5F83)  # ldrsh r3, [r0, r6]
    data(2, 0x5B8C)  # ldrh r4, [r1, r6]
    data(2, 0x4443)  # add r3, r8
    mul(r3, r4)
    mul(r4, r7)
    asr(r4, r4, 4)
    sub(r3, r3, r4)
    asr(r3, r3, 2)
    data(2, 0xC208)  # stmia r2!, {r3}
    asr(r4, r3, 31)
    eor(r4, r3)
    orr(r5, r4)
    add(r6, 2)
    data(2, 0x4566)  # cmp r6, r12
    bne(LOAD)
    data(2, 0x9503)  # str r5, [sp, 12]
    mov(r3, 0)
    mov(r4, 0)
    b(PADDED)
    label(PAD)
    data(2, 0xC218)  # stmia r2!, {r3, r4}
    label(PADDED)
    data(2, 0x4572)  # cmp r2, lr
    bne(PAD)
    # --- passes of radix 4; the first one also scales down to 16 bits
    data(2, 0x9B03)  # ldr r3, [sp, 12]
    lsr(r3, r3, 16)
    bl(RESCALE)
    data(2, 0x9906)  # ldr r1, [sp, 24]
    # Three words a pass: q, twiddles, bytes between them. q is a quarter of the span in bytes, and
    # 0 after the last pass.
    ldr(r7, [r1, 20])
    data(2, 0x9707)  # str r7, [sp, 28]
    label(PASS)
    data(2, 0x9F07)  # ldr r7, [sp, 28]
    ldr(r2, [r7, 0])
    cmp(r2, 0)
    bne(RADIX4)
    b(LAST)
    label(RADIX4)
    lsl(r3, r2, 1)
    sub(r3, 8)
    mov(r8, r3)  # 2 q - 8
    mov(r3, 1)
    lsl(r3, r3, 13)
    mov(r12, r3)  # 8192
    data(2, 0x9906)  # ldr r1, [sp, 24]
    ldr(r0, [r1, 4])
    mov(lr, r0)  # leg 0
    label(GROUP)
    data(2, 0x9F07)  # ldr r7, [sp, 28]
    ldr(r2, [r7, 0])
    ldr(r3, [r7, 4])
    data(2, 0x9302)  # str r3, [sp, 8]
    ldr(r3, [r7, 8])
    data(2, 0x9303)  # str r3, [sp, 12]
    mov(r0, lr)
    add(r0, r0, r2)
    mov(r9, r0)  # leg 1
    data(2, 0x9004)  # str r0, [sp, 16]
    label(BUTTERFLY)
    data(2, 0x9F00)  # ldr r7, [sp, 0]
    cmp(r7, 0)
    bne(SCALED)
    mov(r0, lr)
    data(2, 0xC806)  # ldmia r0!, {r1, r2}; a
    data(2, 0x4440)  # add r0, r8
    data(2, 0xC818)  # ldmia r0!, {r3, r4}; c
    sub(r5, r1, r3)
    mov(r10, r5)  # t1 = a - c
    add(r1, r1, r3)  # t0 = a + c
    sub(r5, r2, r4)
    mov(r11, r5)
    add(r2, r2, r4)
    mov(r0, r9)
    data(2, 0xC818)  # ldmia r0!, {r3, r4}; b
    data(2, 0x4440)  # add r0, r8
    ldr(r5, [r0, 0])  # d
    ldr(r0, [r0, 4])
    b(CROSS)
    label(SCALED)
    data(2, 0x9E01)  # ldr r6, [sp, 4]
    mov(r0, lr)
    data(2, 0xC806)  # ldmia r0!, {r1, r2}; a
    add(r1, r1, r6)
    asr(r1, r7)
    add(r2, r2, r6)
    asr(r2, r7)
    data(2, 0x4440)  # add r0, r8
    data(2, 0xC818)  # ldmia r0!, {r3, r4}; c
    add(r3, r3, r6)
    asr(r3, r7)
    add(r4, r4, r6)
    asr(r4, r7)
    sub(r5, r1, r3)
    mov(r10, r5)  # t1 = a - c
    add(r1, r1, r3)  # t0 = a + c
    sub(r5, r2, r4)
    mov(r11, r5)
    add(r2, r2, r4)
    mov(r0, r9)
    data(2, 0xC818)  # ldmia r0!, {r3, r4}; b
    add(r3, r3, r6)
    asr(r3, r7)
    add(r4, r4, r6)
    asr(r4, r7)
    data(2, 0x4440)  # add r0, r8
    ldr(r5, [r0, 0])  # d
    add(r5, r5, r6)
    asr(r5, r7)
    ldr(r0, [r0, 4])
    add(r0, r0, r6)
    asr(r0, r7)
    label(CROSS)
    add(r6, r3, r5)  # t2 = b + d
    sub(r5, r3, r5)
    add(r3, r4, r0)
    sub(r4, r4, r0)  # t3 = -j (b - d) = (r4, -r5)
    add(r0, r1, r6)  # leg 0: t0 + t2
    sub(r1, r1, r6)  # t0 - t2
    add(r7, r2, r3)
    sub(r2, r2, r3)
    add(r0, 2)
    asr(r0, r0, 2)
    add(r7, 2)
    asr(r7, r7, 2)
    mov(r6, lr)
    data(2, 0xC681)  # stmia r6!, {r0, r7}
    mov(lr, r6)
    mov(r6, r10)
    add(r0, r6, r4)  # t1 + t3
    sub(r6, r6, r4)  # t1 - t3
    mov(r7, r11)
    sub(r4, r7, r5)
    add(r7, r7, r5)
    push({r0, r4, r6, r7})
    data(2, 0x9806)  # ldr r0, [sp, 24]
    # Leg 2: (x + j y)(c + j s) from (x + y) c, y (c + s) and x (s - c), exact modulo 2^32.
    data(2, 0xC870)  # ldmia r0!, {r4, r5, r6}
    add(r7, r1, r2)
    mul(r7, r4)
    data(2, 0x4467)  # add r7, r12
    mul(r2, r5)
    mul(r1, r6)
    sub(r4, r7, r2)
    add(r5, r7, r1)
    asr(r4, r4, 14)
    asr(r5, r5, 14)
    mov(r7, lr)
    data(2, 0x4447)  # add r7, r8
    data(2, 0xC730)  # stmia r7!, {r4, r5}
    pop({r1, r2})
    data(2, 0xC870)  # ldmia r0!, {r4, r5, r6}; leg 1
    add(r7, r1, r2)
    mul(r7, r4)
    data(2, 0x4467)  # add r7, r12
    mul(r2, r5)
    mul(r1, r6)
    sub(r4, r7, r2)
    add(r5, r7, r1)
    asr(r4, r4, 14)
    asr(r5, r5, 14)
    mov(r7, r9)
    data(2, 0xC730)  # stmia r7!, {r4, r5}
    mov(r9, r7)
    pop({r1, r2})
    data(2, 0xC870)  # ldmia r0!, {r4, r5, r6}; leg 3
    add(r7, r1, r2)
    mul(r7, r4)
    data(2, 0x4467)  # add r7, r12
    mul(r2, r5)
    mul(r1, r6)
    sub(r4, r7, r2)
    add(r5, r7, r1)
    asr(r4, r4, 14)
    asr(r5, r5, 14)
    mov(r7, r9)
    data(2, 0x4447)  # add r7, r8
    data(2, 0xC730)  # stmia r7!, {r4, r5}
    data(2, 0x9903)  # ldr r1, [sp, 12]
    add(r0, r0, r1)
    data(2, 0x9002)  # str r0, [sp, 8]
    data(2, 0x9904)  # ldr r1, [sp, 16]
    data(2, 0x458E)  # cmp lr, r1
    beq(NEXT)
    b(BUTTERFLY)
    label(NEXT)
    data(2, 0x9F07)  # ldr r7, [sp, 28]
    ldr(r2, [r7, 0])
    lsl(r3, r2, 1)
    add(r2, r2, r3)
    data(2, 0x4496)  # add lr, r2; three quarters on: the next group
    data(2, 0x9906)  # ldr r1, [sp, 24]
    ldr(r3, [r1, 16])
    data(2, 0x459E)  # cmp lr, r3
    beq(PASSED)
    b(GROUP)
    label(PASSED)
    add(r7, 12)
    data(2, 0x9707)  # str r7, [sp, 28]
    mov(r3, 0)
    data(2, 0x9300)  # str r3, [sp, 0]
    b(PASS)
    # --- computes the shift of the next stage: the bit length of r3
    label(RESCALE)
    mov(r0, 0)
    b(MORE)
    label(LONGER)
    add(r0, 1)
    lsr(r3, r3, 1)
    label(MORE)
    cmp(r3, 0)
    bne(LONGER)
    data(2, 0x9000)  # str r0, [sp, 0]
    mov(r3, 1)
    lsl(r3, r0)
    lsr(r3, r3, 1)
    data(2, 0x9301)  # str r3, [sp, 4]
    data(2, 0x9B05)  # ldr r3, [sp, 20]
    add(r3, r3, r0)
    data(2, 0x9305)  # str r3, [sp, 20]
    data(2, 0x4770)  # bx lr
    label(LAST)
    data(2, 0x9906)  # ldr r1, [sp, 24]
    ldr(r0, [r1, 4])
    mov(r3, 0)
    mov(lr, r3)  # peak
    ldr(r3, [r1, 24])
    cmp(r3, 0)
    beq(OF8)
    b(OF4)
    # --- spans of eight neighbours: two butterflies of radix 4, then radix 2, not rounded between
    label(OF8)
    ldr(r1, [r0, 0])
    ldr(r2, [r0, 4])
    ldr(r3, [r0, 32])
    ldr(r4, [r0, 36])
    sub(r5, r1, r3)
    mov(r10, r5)  # t1
    add(r1, r1, r3)  # t0
    sub(r5, r2, r4)
    mov(r11, r5)
    add(r2, r2, r4)
    ldr(r3, [r0, 16])
    ldr(r4, [r0, 20])
    ldr(r5, [r0, 48])
    ldr(r6, [r0, 52])
    add(r7, r3, r5)  # t2
    sub(r5, r3, r5)
    add(r3, r4, r6)
    sub(r6, r4, r6)  # t3 = (r6, -r5)
    add(r4, r1, r7)
    str(r4, [r0, 0])
    sub(r1, r1, r7)
    str(r1, [r0, 32])
    add(r4, r2, r3)
    str(r4, [r0, 4])
    sub(r2, r2, r3)
    str(r2, [r0, 36])
    mov(r4, r10)
    add(r3, r4, r6)
    str(r3, [r0, 16])
    sub(r4, r4, r6)
    str(r4, [r0, 48])
    mov(r4, r11)
    sub(r3, r4, r5)
    str(r3, [r0, 20])
    add(r4, r4, r5)
    str(r4, [r0, 52])
    ldr(r1, [r0, 8])
    ldr(r2, [r0, 12])
    ldr(r3, [r0, 40])
    ldr(r4, [r0, 44])
    sub(r5, r1, r3)
    mov(r10, r5)
    add(r1, r1, r3)
    sub(r5, r2, r4)
    mov(r11, r5)
    add(r2, r2, r4)
    ldr(r3, [r0, 24])
    ldr(r4, [r0, 28])
    ldr(r5, [r0, 56])
    ldr(r6, [r0, 60])
    add(r7, r3, r5)
    sub(r5, r3, r5)
    add(r3, r4, r6)
    sub(r6, r4, r6)
    add(r4, r1, r7)  # leg 0
    sub(r1, r1, r7)  # leg 2 before its turn by -j
    add(r7, r2, r3)
    sub(r2, r2, r3)
    mov(r12, r4)
    mov(r3, r10)
    mov(r10, r7)  # leg 0 = (r12, r10)
    neg(r1, r1)  # leg 2 = (r2, r1)
    add(r4, r3, r6)  # t1 + t3 = (r4, r6)
    sub(r3, r3, r6)  # t1 - t3 = (r3, r5)
    mov(r6, r11)
    add(r5, r6, r5)
    add(r6, r6, r6)
    sub(r6, r6, r5)
    mov(r7, 181)  # 2896 = 16 * 181: cos 45 degrees, Q12
    lsl(r7, r7, 4)
    add(r4, r4, r6)  # re + im
    add(r6, r6, r6)
    sub(r6, r6, r4)  # im - re
    sub(r5, r5, r3)  # im - re
    add(r3, r3, r3)
    add(r3, r3, r5)
    neg(r3, r3)  # -(re + im)
    mul(r4, r7)
    mul(r6, r7)
    mul(r3, r7)
    mul(r5, r7)
    mov(r7, 1)
    lsl(r7, r7, 11)
    add(r4, r4, r7)
    add(r6, r6, r7)
    add(r3, r3, r7)
    add(r5, r5, r7)
    asr(r4, r4, 12)  # leg 1 = (r4, r6)
    asr(r6, r6, 12)
    asr(r3, r3, 12)  # leg 3 = (r5, r3)
    asr(r5, r5, 12)
    push({r3, r5})
    push({r1, r2})
    mov(r1, r6)
    mov(r2, r4)
    push({r1, r2})
    mov(r1, r10)
    mov(r2, r12)
    push({r1, r2})
    mov(r7, 4)
    mov(r12, r7)
    label(PAIR)
    pop({r1, r2})  # (r2, r1)
    ldr(r5, [r0, 0])
    ldr(r6, [r0, 4])
    add(r3, r5, r2)
    add(r4, r6, r1)
    sub(r5, r5, r2)
    sub(r6, r6, r1)
    data(2, 0xC078)  # stmia r0!, {r3, r4, r5, r6}
    asr(r7, r3, 31)
    eor(r7, r3)
    asr(r1, r4, 31)
    eor(r1, r4)
    orr(r1, r7)
    asr(r7, r5, 31)
    eor(r7, r5)
    orr(r1, r7)
    asr(r7, r6, 31)
    eor(r7, r6)
    orr(r1, r7)
    mov(r7, lr)
    orr(r1, r7)
    mov(lr, r1)
    mov(r7, r12)
    sub(r7, 1)
    mov(r12, r7)
    bne(PAIR)
    data(2, 0x9F06)  # ldr r7, [sp, 24]
    ldr(r7, [r7, 16])
    cmp(r0, r7)
    beq(FINISH)
    b(OF8)
    # --- spans of four neighbours, without twiddles
    label(OF4)
    data(2, 0xC81E)  # ldmia r0!, {r1, r2, r3, r4}
    mov(r10, r3)  # b
    mov(r11, r4)
    data(2, 0xC878)  # ldmia r0!, {r3, r4, r5, r6}
    sub(r0, 32)
    add(r7, r1, r3)  # t0
    sub(r1, r1, r3)  # t1 = (r1, r3)
    add(r3, r2, r4)
    sub(r2, r2, r4)
    mov(r12, r1)
    mov(r1, r10)
    add(r4, r1, r5)  # t2
    sub(r5, r1, r5)  # b - d
    mov(r1, r11)
    mov(r10, r2)
    add(r2, r1, r6)
    sub(r6, r1, r6)
    mov(r1, r12)
    mov(r12, r0)
    add(r0, r7, r4)  # leg 0
    sub(r4, r7, r4)  # leg 2
    add(r7, r3, r2)
    sub(r2, r3, r2)
    mov(r3, r12)
    data(2, 0xC381)  # stmia r3!, {r0, r7}
    asr(r3, r0, 31)
    eor(r3, r0)
    asr(r0, r7, 31)
    eor(r0, r7)
    orr(r3, r0)
    asr(r0, r4, 31)
    eor(r0, r4)
    orr(r3, r0)
    asr(r0, r2, 31)
    eor(r0, r2)
    orr(r3, r0)
    mov(r0, r12)
    str(r4, [r0, 16])
    str(r2, [r0, 20])
    add(r4, r1, r6)  # leg 1: t1 - j (b - d)
    sub(r1, r1, r6)  # leg 3
    mov(r2, r10)
    add(r6, r2, r5)
    sub(r2, r2, r5)
    str(r4, [r0, 8])
    str(r2, [r0, 12])
    str(r1, [r0, 24])
    str(r6, [r0, 28])
    asr(r7, r4, 31)
    eor(r7, r4)
    orr(r3, r7)
    asr(r7, r2, 31)
    eor(r7, r2)
    orr(r3, r7)
    asr(r7, r1, 31)
    eor(r7, r1)
    orr(r3, r7)
    asr(r7, r6, 31)
    eor(r7, r6)
    orr(r3, r7)
    mov(r7, lr)
    orr(r3, r7)
    mov(lr, r3)
    add(r0, 32)
    data(2, 0x9F06)  # ldr r7, [sp, 24]
    ldr(r7, [r7, 16])
    cmp(r0, r7)
    beq(FINISH)
    b(OF4)
    label(FINISH)
    mov(r3, lr)
    lsr(r3, r3, 15)
    bl(RESCALE)
    # --- power of bins 1 to m - 1: two bins of the real transform from two of the complex one
    data(2, 0x9806)  # ldr r0, [sp, 24]
    ldr(r1, [r0, 4])
    mov(r8, r1)  # z
    data(2, 0x9A00)  # ldr r2, [sp, 0]
    mov(r9, r2)  # shift
    mov(r3, 1)
    lsl(r3, r2)
    lsr(r3, r3, 1)
    mov(r10, r3)  # half of 1 << shift
    mov(r3, 1)
    lsl(r3, r3, 11)
    mov(r12, r3)  # 2048
    ldr(r3, [r0, 32])
    add(r3, 4)
    mov(lr, r3)  # power of bin 1
    ldr(r3, [r0, 36])
    data(2, 0x9302)  # str r3, [sp, 8]; address of bin k + address of bin m - k
    ldr(r3, [r0, 28])
    ldr(r4, [r0, 40])
    data(2, 0x9403)  # str r4, [sp, 12]; end of the table
    # A row for each bin k up to m / 2: byte offsets of k and m - k, c, c + s, s - c.
    mov(r0, r3)
    label(BIN)
    data(2, 0xC81E)  # ldmia r0!, {r1, r2, r3, r4}
    mov(r11, r0)
    data(2, 0xB28D)  # uxth r5, r1
    lsr(r1, r1, 16)
    data(2, 0x4445)  # add r5, r8
    data(2, 0x4441)  # add r1, r8
    data(2, 0xCDC0)  # ldmia r5!, {r6, r7}; Z = z[k]
    ldr(r0, [r1, 4])  # z[m - k], the conjugate of Y
    ldr(r1, [r1, 0])
    mov(r5, r9)
    data(2, 0x4456)  # add r6, r10
    asr(r6, r5)
    data(2, 0x4457)  # add r7, r10
    asr(r7, r5)
    data(2, 0x4451)  # add r1, r10
    asr(r1, r5)
    data(2, 0x4450)  # add r0, r10
    asr(r0, r5)
    add(r5, r7, r0)  # -j (Z - Y) = (r5, r0)
    sub(r7, r7, r0)  # Z + Y = (r6, r7)
    sub(r0, r1, r6)
    add(r6, r6, r1)
    add(r1, r5, r0)  # times c + j s
    mul(r1, r2)
    data(2, 0x4461)  # add r1, r12
    mul(r0, r3)
    mul(r5, r4)
    sub(r0, r1, r0)
    add(r5, r1, r5)
    asr(r0, r0, 12)
    asr(r5, r5, 12)
    add(r6, 2)
    add(r7, 2)
    add(r1, r6, r0)
    sub(r6, r6, r0)
    add(r2, r7, r5)
    sub(r7, r7, r5)
    asr(r1, r1, 2)
    asr(r2, r2, 2)
    asr(r6, r6, 2)
    asr(r7, r7, 2)
    mul(r1, r1)
    mul(r2, r2)
    mul(r6, r6)
    mul(r7, r7)
    add(r1, r1, r2)
    add(r6, r6, r7)
    mov(r2, lr)
    data(2, 0x9B02)  # ldr r3, [sp, 8]
    sub(r3, r3, r2)
    data(2, 0xC202)  # stmia r2!, {r1}
    mov(lr, r2)
    str(r6, [r3, 0])  # If k = m - k, this second store is the one that stays.
    mov(r0, r11)
    data(2, 0x9903)  # ldr r1, [sp, 12]
    cmp(r0, r1)
    bne(BIN)
    # --- bands: the sum of each, its logarithm in steps, and the floor below the strongest
    data(2, 0x9806)  # ldr r0, [sp, 24]
    mov(r3, 0)  # the strongest bin below the bands and above them
    ldr(r1, [r0, 64])
    ldr(r4, [r0, 68])
    mov(r6, 2)
    label(OUTSIDE)
    cmp(r1, r4)
    beq(INSIDE)
    data(2, 0xC920)  # ldmia r1!, {r5}
    cmp(r5, r3)
    ble(OUTSIDE)
    mov(r3, r5)
    b(OUTSIDE)
    label(INSIDE)
    ldr(r1, [r0, 72])
    ldr(r4, [r0, 76])
    sub(r6, 1)
    bne(OUTSIDE)
    data(2, 0x9908)  # ldr r1, [sp, 32]
    ldr(r2, [r0, 32])
    # This goes to bin 0, which is treated as the first band. The next band overwrites it in out.
    str(r3, [r2, 0])
    mov(r3, 0)
    data(2, 0x9301)  # str r3, [sp, 4]; by how much a band advances out: 0 once, then 1
    ldr(r2, [r0, 44])  # band table: address of the first power, number of bins
    data(2, 0x9B05)  # ldr r3, [sp, 20]; shifts
    lsl(r3, r3, 9)
    ldr(r4, [r0, 52])
    add(r3, r3, r4)
    mov(r8, r3)  # offset, with (30 << 8) + 16
    ldr(r3, [r0, 56])
    mov(r9, r3)  # logarithms
    ldr(r3, [r0, 48])
    add(r3, r3, r1)
    mov(r10, r3)  # end of out
    mov(r3, 127)
    mvn(r3, r3)
    mov(lr, r3)  # strongest band
    label(BAND)
    data(2, 0xCA18)  # ldmia r2!, {r3, r4}
    mov(r5, 0)  # sum, 64 bits: low in r5, high in r6
    mov(r6, 0)
    mov(r7, 0)
    mov(r12, r2)
    label(ADD)
    data(2, 0xCB04)  # ldmia r3!, {r2}
    add(r5, r5, r2)
    adc(r6, r7)
    sub(r4, 1)
    bne(ADD)
    mov(r2, r12)
    mov(r3, r8)
    lsl(r6, r6, 8)  # now as high * 2^24 + low, as in viper_bands
    lsr(r4, r5, 24)
    orr(r6, r4)
    cmp(r6, 64)
    bcc(SHORT)
    lsl(r5, r5, 8)
    lsr(r5, r5, 8)
    lsr(r5, r5, 17)
    lsl(r6, r6, 7)
    orr(r5, r6)
    mov(r4, 17)
    lsl(r4, r4, 8)
    add(r3, r3, r4)
    label(SHORT)
    mov(r4, 127)
    mvn(r4, r4)
    cmp(r5, 0)
    beq(STORE)
    lsr(r7, r5, 15)
    bne(N1)
    lsl(r5, r5, 16)
    mov(r7, 16)
    lsl(r7, r7, 8)
    sub(r3, r3, r7)
    label(N1)
    lsr(r7, r5, 23)
    bne(N2)
    lsl(r5, r5, 8)
    mov(r7, 8)
    lsl(r7, r7, 8)
    sub(r3, r3, r7)
    label(N2)
    lsr(r7, r5, 27)
    bne(N3)
    lsl(r5, r5, 4)
    mov(r7, 4)
    lsl(r7, r7, 8)
    sub(r3, r3, r7)
    label(N3)
    lsr(r7, r5, 29)
    bne(N4)
    lsl(r5, r5, 2)
    mov(r7, 2)
    lsl(r7, r7, 8)
    sub(r3, r3, r7)
    label(N4)
    lsr(r7, r5, 30)
    bne(N5)
    lsl(r5, r5, 1)
    sub(r3, 255)
    sub(r3, 1)
    label(N5)
    lsl(r5, r5, 2)
    lsr(r5, r5, 24)
    data(2, 0x444D)  # add r5, r9
    ldrb(r5, [r5, 0])
    add(r3, r3, r5)
    asr(r3, r3, 5)
    cmp(r3, r4)
    blt(STORE)
    mov(r4, r3)
    mov(r7, 127)
    cmp(r4, r7)
    ble(STORE)
    mov(r4, r7)
    label(STORE)
    strb(r4, [r1, 0])
    data(2, 0x9B01)  # ldr r3, [sp, 4]
    add(r1, r1, r3)
    mov(r3, 1)
    data(2, 0x9301)  # str r3, [sp, 4]
    data(2, 0x4574)  # cmp r4, lr
    ble(LOWER)
    mov(lr, r4)
    label(LOWER)
    data(2, 0x4551)  # cmp r1, r10
    beq(RAISE)
    b(BAND)
    label(RAISE)
    data(2, 0x9806)  # ldr r0, [sp, 24]
    data(2, 0x9908)  # ldr r1, [sp, 32]
    ldr(r3, [r0, 60])
    mov(r4, lr)
    sub(r4, r4, r3)  # the floor; if it is below -128, no int8 is less and nothing is raised
    mov(r5, 0)
    label(FLOOR)
    data(2, 0x574B)  # ldrsb r3, [r1, r5]
    cmp(r3, r4)
    bge(HIGH)
    strb(r4, [r1, 0])
    label(HIGH)
    add(r1, 1)
    data(2, 0x4551)  # cmp r1, r10
    bne(FLOOR)
    data(2, 0xB009)  # add sp, 36
    pop({r4, r5, r6, r7})
    mov(r8, r4)
    mov(r9, r5)
    mov(r10, r6)
    mov(r11, r7)
