"""Conformance suites for plug-in authors: a class that inherits from one inherits its tests."""

import sys

SUITES = ("plugins", "sources", "transforms", "anonymizers", "models", "metrics", "baselines", "backends")

if "pytest" in sys.modules:
    # A failed assertion shows its values in the modules that pytest rewrites alone.
    sys.modules["pytest"].register_assert_rewrite(*(f"{__name__}.{name}" for name in SUITES))
