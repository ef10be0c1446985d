#!/usr/bin/env python3
"""Reads the shards of a catalogue (catalog.format: shards) batch by batch; needs h5py and numpy.

    for batch in batches("mocks/shards", "train", size=32, seed=1, names=["flux", "maps/OBS_VEL"]):
        batch["flux"]       # [cube, wavelength, y, x]
        batch["theta"]      # [cube, parameter]; parameters("mocks/shards") has their names and units

From the command line: load_shards.py mocks/shards prints what is there and reads all of it once.
"""

import argparse
import pathlib
import time

import h5py
import numpy as np

DONE = 2  # values of the dataset `status`; what failed has a slot of zeros


def files(folder, split):
    """The shards of a split, "train" or "validation", in order."""
    return sorted(pathlib.Path(folder).glob(f"{split}_*.h5"))


def parameters(folder):
    """Names and units of the columns of theta."""
    path = next(iter(sorted(pathlib.Path(folder).glob("*.h5"))))
    with h5py.File(path) as shard:
        attributes = shard["theta"].attrs
        names, units = (text.decode() if isinstance(text, bytes) else text for text in (attributes["names"], attributes["units"]))
        return names.split(","), units.split(",")


def batches(folder, split, size=32, seed=None, names=("flux",)):
    """Yields dictionaries of arrays: the datasets of `names`, theta, id and view, of up to `size` cubes of one shard.

    Nothing is read before it is asked for, and a cube is one contiguous read. With a seed shards and cubes come in a random order; another
    seed an epoch gives another. Cubes that failed are left out.
    """
    random = None if seed is None else np.random.default_rng(seed)
    paths = files(folder, split)
    if random is not None:
        random.shuffle(paths)
    for path in paths:
        with h5py.File(path) as shard:
            slots = np.flatnonzero(shard["status"][:] == DONE)
            if random is not None:
                random.shuffle(slots)
            for first in range(0, len(slots), size):
                chosen = np.sort(slots[first : first + size])  # h5py takes ascending indices
                yield {name: shard[name][chosen] for name in (*names, "theta", "id", "view")}


def torch_batches(*arguments, **options):
    """The same with tensors of PyTorch, which must be installed."""
    import torch

    for batch in batches(*arguments, **options):
        yield {name: torch.from_numpy(values) for name, values in batch.items()}


def main():
    parser = argparse.ArgumentParser(description="Reads all shards of a folder once.")
    parser.add_argument("folder")
    parser.add_argument("--size", type=int, default=32, help="cubes in a batch")
    given = parser.parse_args()
    names, units = parameters(given.folder)
    print("theta:", ", ".join(f"{name} [{unit}]" if unit else name for name, unit in zip(names, units)))
    galaxies = {}
    for split in ("train", "validation"):
        began, n_cube, n_byte = time.perf_counter(), 0, 0
        galaxies[split] = set()
        for batch in batches(given.folder, split, given.size, seed=1):
            n_cube += len(batch["id"])
            n_byte += batch["flux"].nbytes
            galaxies[split].update(batch["id"].tolist())
        seconds = time.perf_counter() - began
        print(f"{split}: {n_cube} cubes of {len(galaxies[split])} galaxies, {n_byte / 1e6:.1f} MB of flux in {seconds:.2f} s")
    if galaxies["train"] & galaxies["validation"]:
        raise SystemExit("galaxies on both sides of the split")


if __name__ == "__main__":
    main()
