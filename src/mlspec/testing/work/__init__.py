"""The work of two small kinds of steps that need no library: what the tests of the engine and of backends run."""
