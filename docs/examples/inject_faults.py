"""Put yourself between a guest and the hypervisor: refuse, replace and observe its hypercalls.

The terminal is made to answer every other write with H_BUSY, as a real one does when its buffer is
full.  A guest that handles this right, as `hello` does, just tries again.
"""

from pyphyp import H, HcallError, Machine, assemble_toy

with Machine(epoch=0) as machine:
    calls = 0

    @machine.before("H_PUT_TERM_CHAR")
    def busy_every_other_time(event):
        global calls
        calls += 1
        if calls % 2:
            raise HcallError(H.BUSY, "the terminal's buffer is full")

    @machine.replace("H_RANDOM")
    def chosen_by_fair_dice_roll(event):
        return 4

    @machine.after("*")
    def tell(event):
        print(f"  {event.name} {event.arguments} = {event.code_name} {event.why}")

    partition = machine.add_partition(memory="16M")
    partition.load(assemble_toy("hello"))
    partition.run()
    print(partition.console.output, end="")
    print(f"{calls} calls for two pieces of text")
