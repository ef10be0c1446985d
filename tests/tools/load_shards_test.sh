#!/usr/bin/env bash
# tools/load_shards.py on a small catalogue: every cube once, on one side of the split, in another order with a seed.
# Usage: load_shards_test.sh SOURCE_TREE PROGRAM. PYTHON is the interpreter (that of tools/python_environment.sh, or python3). Exit status 77: it has no h5py.
set -euo pipefail

root=$1
program=$2
python=${PYTHON:-$root/build/python/bin/python}
[ -x "$python" ] || python=${PYTHON:-python3}
if ! "$python" -c 'import h5py, numpy' 2>/dev/null; then
    echo "skipped: $python has no h5py (pip install h5py numpy)"
    exit 77
fi
work=$(mktemp -d "${TMPDIR:-/tmp}/tessera_shards.XXXXXX")
trap 'rm -rf -- "$work"' EXIT
cd "$work"
export TESSERA_MPI=off
"$program" snapshot make --layout tng --stars 3000 --subhalos 6 --seed 3 -o box >/dev/null
cat >survey.yaml <<YAML
simulation: {format: tng, path: box, snapshot: 99}
telescope: {name: MUSE, field_of_view: 2, wavelength_range: [5000, 5040]}
view: {rotation: random}
output: {empty: zeros}
parallel: {threads: 1, device: cpu}
catalog: {select: null, views: 3, output: mocks, format: shards, shard_size: 4, validation: 0.4}
YAML
"$program" catalog survey.yaml -q
"$python" - "$root" <<'PYTHON'
import sys
sys.path.insert(0, sys.argv[1] + "/tools")
import h5py
import numpy as np
import load_shards

seen = {}
for split in ("train", "validation"):
    plain = list(load_shards.batches("mocks/shards", split, size=3, names=["flux", "maps/OBS_VEL"]))
    mixed = list(load_shards.batches("mocks/shards", split, size=3, seed=5))
    keys = [(int(i), int(v)) for batch in plain for i, v in zip(batch["id"], batch["view"])]
    other = [(int(i), int(v)) for batch in mixed for i, v in zip(batch["id"], batch["view"])]
    assert sorted(keys) == sorted(other) and len(set(keys)) == len(keys), split
    assert split == "validation" or keys != other, "a seed changes nothing"
    seen[split] = set(keys)
    for batch in plain:
        assert 1 <= len(batch["id"]) <= 3
        assert batch["flux"].shape[1:] == (32, 10, 10), batch["flux"].shape
        assert batch["maps/OBS_VEL"].shape[1:] == (10, 10)
ids = {split: {i for i, _ in keys} for split, keys in seen.items()}
assert not ids["train"] & ids["validation"] and all(ids.values()), ids
assert sum(map(len, seen.values())) == 18, seen
names, units = load_shards.parameters("mocks/shards")
assert len(names) == len(units) and units[names.index("mass_stars")] == "Msun"
with h5py.File("mocks/catalogue.hdf5") as table:
    mass = dict(zip(table["Galaxies/id"][:], table["Galaxies/mass_stars"][:]))
for batch in load_shards.batches("mocks/shards", "train"):
    for galaxy, theta in zip(batch["id"], batch["theta"]):
        assert theta[names.index("mass_stars")] == mass[galaxy]
PYTHON
"$python" "$root/tools/load_shards.py" mocks/shards | grep -q 'validation: .* cubes of' || exit 1
echo "all right"
