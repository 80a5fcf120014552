"""Questions about npnet's speed, answered by measuring: ``python -m benchmarks --help``."""
