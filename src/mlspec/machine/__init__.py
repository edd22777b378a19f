"""The machine below mlspec: files, child processes, git, and what the kernel allows this process to do."""
