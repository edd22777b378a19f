"""One thread for numeric libraries, in the tests and in what they start: the suite itself uses all cores, and threads
that wait for each other's cores take three times as long as one."""

import os

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")
