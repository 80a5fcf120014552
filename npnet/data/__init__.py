"""Data: sets that come with the package, sets of one's own, and batches of them."""

from npnet.data.collate import default_collate
from npnet.data.dataset import ConcatDataset, Dataset, Subset, TensorDataset, random_split
from npnet.data.datasets import Samples, load_digits, train_test_split
from npnet.data.loader import DataLoader

__all__ = [
    "ConcatDataset",
    "DataLoader",
    "Dataset",
    "Samples",
    "Subset",
    "TensorDataset",
    "default_collate",
    "load_digits",
    "random_split",
    "train_test_split",
]
