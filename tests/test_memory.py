"""Freed memory is kept: asking again for what was just freed costs no page faults."""

import platform
import subprocess
import sys

import pytest

CODE = """
import resource
from fal import memory
if {kept}:
    memory.keep_freed_memory()
faults = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for size in (20, 20):  # MiB
    before = faults()
    block = bytearray(size * 2**20)
    block[::4096] = b"x" * (size * 256)
    del block
print(faults() - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc can be told")
def test_what_is_freed_is_used_again():
    def faults(kept):
        code = CODE.format(kept=kept)
        return int(
            subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout
        )

    assert faults(True) < 100 < 5000 < faults(False)
