"""Boot a toy kernel, stop it in the middle, look at its registers and storage, let it go on.

`ticks` counts five decrementer interrupts.  Its time is counted in instructions and idle time is
skipped, so the five seconds it takes pass at once, and every run is the same.
"""

from pyphyp import Machine, assemble_toy

with Machine(epoch=0) as machine:
    partition = machine.add_partition(memory="16M")
    program = assemble_toy("ticks")
    partition.load(program)

    # Run until the words appear; the guest stands right behind the hypercall that wrote them.
    partition.console.wait_for("tick 2\n")
    print(f"{partition.seconds:.3f} s: R15 counts {partition.registers.gpr(15)} interrupts")
    print("next:", *partition.disassemble(count=3), sep="\n  ")

    # Storage and registers may be written: this guest sees four interrupts that never were.
    partition.registers.set_gpr(15, 4)
    partition.registers.set_gpr(16, 4)
    outcome = partition.run()
    print(partition.console.output, end="")
    print("ended:", outcome.ending.value)
