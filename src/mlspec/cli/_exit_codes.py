"""What the exit codes of the commands mean; 0 is done."""

HOLDS_NOT, WRONG, STEP_FAILED, PENDING, INTERNAL, INTERRUPTED, BROKEN_PIPE = 1, 2, 3, 4, 70, 130, 141
