"""x87, MMX, and SSE up to 4.2: what each instruction does, exactly, and how it becomes POWER code.

`interpret` carries out any of them on the processor's state, by integer arithmetic alone: the
meaning that translations are held against, and what they fall back on in rare cases (`assist`).
`lower` emits POWER code for those that programs use.
"""
