"""RUBIX in its own environment: python rubix_run.py SETTINGS.json. Each line on standard input asks for something, and each line
of JSON on standard output answers:

    first      the first call of run_sharded, as RUBIX's documentation has it, tracing and compilation within
    again      run_sharded once more (RUBIX 0.0.5 traces and compiles in each call)
    compile    the sharded pipeline of that call under jax.jit: what compiling it alone takes
    compiled   one call of that: arithmetic only, stars in memory and on their devices
    cube PATH  saves the last cube [y, x, wavelength] as a numpy file

Settings: folder (with rubix_galaxy.h5), ssp (file in RUBIX's layout), interpolation, redshift, devices (cores: one JAX CPU device each,
as RUBIX's notebooks do), psf_sigma, psf_size (spaxels), lsf_sigma (Angstrom).
"""

import json
import os
import sys
import time


def pipeline(settings):
    """RUBIX's pipeline calc_ifu for MUSE with this library; noise at a signal-to-noise of 1e15 leaves the cube as it is."""
    import rubix

    field = {"in_log": False}
    rubix.config["ssp"]["templates"]["benchmark"] = {
        "name": "benchmark", "format": "HDF5", "source": "none", "file_name": os.path.abspath(settings["ssp"]),
        "fields": {"age": {"name": "age", "units": "Gyr", **field}, "metallicity": {"name": "metallicity", "units": "", **field},
                   "wavelength": {"name": "wavelength", "units": "Angstrom", **field},
                   "flux": {"name": "flux", "units": "Lsun/Angstrom", **field}}}
    rubix.config["logger"]["log_level"] = "WARNING"
    from rubix.core.pipeline import RubixPipeline

    return RubixPipeline({
        "pipeline": {"name": "calc_ifu"},
        "logger": {"log_level": "WARNING", "log_file_path": None, "format": "%(message)s"},
        "data": {"name": "NihaoHandler", "args": {"particle_type": ["stars"]}, "load_galaxy_args": {"reuse": True},
                 "subset": {"use_subset": False, "subset_size": 0}},
        "simulation": {"name": "NIHAO"},  # takes the stars as they lie; IllustrisTNG would rotate them first
        "output_path": settings["folder"],
        "telescope": {"name": "MUSE", "psf": {"name": "gaussian", "size": settings["psf_size"], "sigma": settings["psf_sigma"]},
                      "lsf": {"sigma": settings["lsf_sigma"]}, "noise": {"signal_to_noise": 1e15, "noise_distribution": "normal"}},
        "cosmology": {"name": "PLANCK15"},
        "galaxy": {"dist_z": settings["redshift"], "rotation": {"alpha": 0.0, "beta": 0.0, "gamma": 0.0}},
        "ssp": {"template": {"name": "benchmark"}, "method": settings["interpolation"],
                "dust": {"extinction_model": "Cardelli89", "dust_to_gas_ratio": 0.01, "dust_to_metals_ratio": 0.4,
                         "dust_grain_density": 3.5, "Rv": 3.1}}})


def remember_sharded_pipeline():
    """Makes run_sharded leave its sharded function and stars behind: they are local to it, and not kept from call to call."""
    import rubix.core.pipeline

    kept = {}
    shard_map = rubix.core.pipeline.shard_map

    def keep(function, **settings):
        sharded = shard_map(function, **settings)

        def call(stars):
            kept.update(function=sharded, stars=stars)
            return sharded(stars)

        return call

    rubix.core.pipeline.shard_map = keep
    return kept


def main(settings):
    # RUBIX prints; answers keep the real standard output for themselves.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    start = time.perf_counter()
    import jax

    jax.config.update("jax_num_cpu_devices", settings["devices"])
    pipe = pipeline(settings)
    kept = remember_sharded_pipeline()
    imported = time.perf_counter()
    stars = pipe.prepare_data()
    jax.block_until_ready(stars.stars.coords)
    prepared = time.perf_counter()

    def answer(**values):
        print(json.dumps(values), file=answers, flush=True)

    import importlib.metadata

    versions = {name: importlib.metadata.version(name) for name in ("astro-rubix", "jax", "jaxlib", "interpax", "numpy")}
    answer(import_s=imported - start, prepare_s=prepared - imported, stars=int(stars.stars.coords.shape[0]),
           devices=len(jax.devices()), versions=versions)
    cube, compiled = None, None
    for line in sys.stdin:
        words = line.split()
        start, cpu = time.perf_counter(), time.process_time()
        if words[0] in ("first", "again"):
            cube = pipe.run_sharded(stars).block_until_ready()
        elif words[0] == "compile":
            compiled = jax.jit(kept["function"]).lower(kept["stars"]).compile()
        elif words[0] == "compiled":
            cube = compiled(kept["stars"]).block_until_ready()
        elif words[0] == "cube":
            import numpy as np

            np.save(words[1], np.asarray(cube))
        answer(seconds=time.perf_counter() - start, cpu_s=time.process_time() - cpu)


if __name__ == "__main__":
    with open(sys.argv[1], encoding="utf-8") as stream:
        main(json.load(stream))
