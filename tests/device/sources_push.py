"""Test numbers that other code pushes."""

from fake_machine import BLOCK, config
from harness import done, equal, raises, test
from nearhum.errors import CommandError, ConfigError
from nearhum.sources import GAP, NONE, push


@test
def pushed_numbers_become_counts():
    source = push.Source(config(1, 2, driver="push", scale=[100, 10]))
    equal(source.read_into(BLOCK), NONE)
    source.put([23.456, -1])
    source.put([1e6, -1e6])
    equal(source.read_into(BLOCK), 2)
    equal(list(BLOCK[:4]), [2346, -10, 32767, -32768])
    raises(CommandError, source.put, [1])
    for i in range(70):
        source.put([i, i])
    equal((source.read_into(BLOCK), source.read_into(BLOCK)), (GAP, NONE))
    raises(ConfigError, push.Source, config(1, 2, driver="push", scale=[1]))


done()
