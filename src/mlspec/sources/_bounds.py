"""What one look at a source may take. What is beyond is not looked at, or the source is refused."""

ROWS = 1_000
BYTES = 4 << 20  # of text, decompressed
COLUMNS = 20_000
NAME = 1_000  # characters of a column's name
CELL = 131_072  # characters of one cell

# A child process that looks:
MEMORY = 512 << 20
CPU_SECONDS = 10
SECONDS = 30.0  # for one source
ALL_SECONDS = 60.0  # for all sources of a spec
REPLY = 32 << 20  # bytes
