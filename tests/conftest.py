"""What all tests share: one torch thread per process, so that parallel tests do not fight."""

import os

os.environ["OMP_NUM_THREADS"] = "1"
