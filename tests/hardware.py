"""What a machine lacks and no installation gives: a GPU, a kernel feature, a permission. CI skips for nothing else."""

from typing import NoReturn

import pytest

LACKS = "this machine: "


def skip(reason: str) -> NoReturn:
    """Skip the test that is running."""
    pytest.skip(LACKS + reason)


def needs(there: object, reason: str) -> pytest.MarkDecorator:
    """A mark that skips a test where ``there`` is false; ``reason`` says what is missing."""
    return pytest.mark.skipif(not there, reason=LACKS + reason)
