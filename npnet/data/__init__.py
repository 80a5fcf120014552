"""Data: sets that come with the package, and batches of them."""

from npnet.data.datasets import Samples, load_digits, train_test_split
from npnet.data.loader import DataLoader

__all__ = ["DataLoader", "Samples", "load_digits", "train_test_split"]
