"""How this process takes memory from the system."""

import ctypes

# Names and numbers of glibc's malloc.h.
M_TRIM_THRESHOLD, M_TOP_PAD, M_MMAP_THRESHOLD = -1, -2, -3
MIB = 2**20


def keep_freed_memory() -> None:
    """Have malloc keep what is freed for the next request instead of giving it back.

    A training frees and asks again for the same large tensors at each step; giving them back means
    that the system clears tens of thousands of pages for every thousand samples
    (benchmarks/README.md). Blocks above 32 MiB, the most that glibc allows here, are still given
    back. Does nothing where malloc is not glibc's.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(M_MMAP_THRESHOLD, 32 * MIB)
        mallopt(M_TRIM_THRESHOLD, 1024 * MIB)
        mallopt(M_TOP_PAD, 64 * MIB)
