"""Data: sets that come with the package, sets of one's own, and batches of them."""

from npnet.data.checks import check_finite, check_labels
from npnet.data.collate import default_collate
from npnet.data.csv_file import Table, read_csv
from npnet.data.dataset import ConcatDataset, Dataset, Subset, TensorDataset, random_split
from npnet.data.datasets import Samples, load_digits, train_test_split
from npnet.data.idx import read_idx
from npnet.data.loader import DataLoader
from npnet.data.mnist import load_fashion_mnist, load_mnist
from npnet.data.sources import Scaled, Source, open_npy

__all__ = [
    "ConcatDataset",
    "DataLoader",
    "Dataset",
    "Samples",
    "Scaled",
    "Source",
    "Subset",
    "Table",
    "TensorDataset",
    "check_finite",
    "check_labels",
    "default_collate",
    "load_digits",
    "load_fashion_mnist",
    "load_mnist",
    "open_npy",
    "random_split",
    "read_csv",
    "read_idx",
    "train_test_split",
]
