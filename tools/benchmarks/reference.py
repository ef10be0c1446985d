"""The expected spectra of the public set, by a slow computation in double precision that shares nothing with the program.

Each star: bilinear look-up in linear metallicity and age (stars outside the grid take its edge), then the integral of the
shifted spectrum, linear between the library's points, in closed form over each interval of wavelength. Observed intervals are
those of the telescope's pixels; the luminosity in an interval is a number in Lsun, whatever the redshift.
"""

import concurrent.futures

import numpy as np

SPEED_OF_LIGHT = 299792.458  # km/s
shared_library = None


def kpc_per_arcsec(redshift, h0=67.74, omega_m=0.3075):
    """Physical size of an arcsecond in Planck15, flat, matter and dark energy."""
    nodes, weights = np.polynomial.legendre.leggauss(64)
    z = 0.5 * redshift * (nodes + 1)
    comoving = SPEED_OF_LIGHT / h0 * 0.5 * redshift * np.sum(weights / np.sqrt(omega_m * (1 + z) ** 3 + 1 - omega_m))
    return comoving / (1 + redshift) * 1000 * np.pi / 648000


class Library:
    """A library in the plain layout: axes, and tables [node, wavelength] of the spectrum, its slope and its integral so far."""

    def __init__(self, path):
        import h5py

        with h5py.File(path, "r") as file:
            self.metallicity, self.age, self.wavelength = (file[name][:].astype(float) for name in
                                                           ("metallicity", "age", "wavelength"))
            flux = file["flux"][:].astype(float).reshape(-1, self.wavelength.size)
        step = np.diff(self.wavelength)
        rise = np.diff(flux, axis=1)
        pieces = step * (flux[:, :-1] + 0.5 * rise)
        self.flux = flux[:, :-1].copy()
        self.slope = rise / step
        self.cumulative = np.concatenate([np.zeros((len(flux), 1)), np.cumsum(pieces, axis=1)], axis=1)[:, :-1].copy()

    def luminosity(self, metallicity, age, rest_edges):
        """Luminosity below each edge [star, edge] in Lsun per solar mass formed, counted from the library's first point."""
        i, u = cell(self.metallicity, metallicity)
        j, w = cell(self.age, age)
        piece = np.clip(np.searchsorted(self.wavelength, rest_edges, side="right") - 1, 0, self.wavelength.size - 2)
        x = rest_edges - self.wavelength[piece]
        below = np.zeros(rest_edges.shape)
        for di, weight_i in ((0, 1 - u), (1, u)):
            for dj, weight_j in ((0, 1 - w), (1, w)):
                node = ((i + di) * self.age.size + j + dj)[:, None]
                integral = self.cumulative[node, piece] + x * (self.flux[node, piece] + 0.5 * x * self.slope[node, piece])
                below += (weight_i * weight_j)[:, None] * integral
        return below


def cell(knots, values):
    """The cell of each value and where in it, 0 to 1; values outside lie on the edge."""
    values = np.clip(values, knots[0], knots[-1])
    index = np.clip(np.searchsorted(knots, values, side="right") - 1, 0, knots.size - 2)
    return index, (values - knots[index]) / (knots[index + 1] - knots[index])


def pixel_edges(setup):
    """Edges of the telescope's pixels, Angstrom."""
    first, step, n = setup["first_pixel"], setup["pixel_step"], setup["n_pixel"]
    return first + step * (np.arange(n + 1) - 0.5)


def band_limits(setup):
    """First pixel of each wide band, and the end of the last one."""
    return [setup["n_pixel"] * b // setup["n_band"] for b in range(setup["n_band"] + 1)]


def sums(path, library, setup, start, stop):
    """The sums of `expected` over the rows start to stop of the particle file."""
    import h5py

    edges, limits = pixel_edges(setup), band_limits(setup)
    observed = np.concatenate([edges[limits], edges[setup["pixels"]], edges[np.array(setup["pixels"]) + 1]])
    half = 0.5 * setup["field"] * kpc_per_arcsec(setup["redshift"])
    n_edge, n_pixel, n_block = len(limits), len(setup["pixels"]), setup["n_block"]
    with h5py.File(path, "r") as file:
        stars = file["stars"]
        x = stars["coordinates"][start:stop].astype(float)
        inside = np.all((x[:, :2] >= -half) & (x[:, :2] < half), axis=1)
        v_z = stars["velocities"][start:stop][inside, 2].astype(float)
        formed, metallicity, age = (stars[name][start:stop][inside].astype(float) for name in
                                    ("initial_mass", "metallicity", "age"))
    shift = (1 + setup["redshift"]) * (1 + v_z / SPEED_OF_LIGHT)
    below = library.luminosity(metallicity, age, observed[None, :] / shift[:, None]) * formed[:, None]
    block = np.floor((x[inside, :2] + half) / (2 * half) * n_block).astype(int).clip(0, n_block - 1)
    return {"n_in_field": np.int64(np.count_nonzero(inside)), "mass_in_field": formed.sum(),
            "bands": np.diff(below[:, :n_edge], axis=1).sum(axis=0),
            "pixels": (below[:, n_edge + n_pixel:] - below[:, n_edge:n_edge + n_pixel]).sum(axis=0) / setup["pixel_step"],
            "blocks": np.bincount(block[:, 1] * n_block + block[:, 0], below[:, n_edge - 1] - below[:, 0], n_block * n_block)}


def expected(path, library_path, setup, n_star, processes=1, chunk=20_000, say=None):
    """What a cube of these particles must hold, summed over the stars in the field.

    setup    redshift, first_pixel, pixel_step, n_pixel, field (arcsec), n_spaxel (along an edge), n_band, n_block, pixels
    returns  n_in_field, mass_in_field [Msun formed], bands [Lsun] of the wide bands, pixels [Lsun/Angstrom] of the single
             pixels listed, blocks [Lsun], n_block x n_block row by row (y slowest), over all wavelengths
    """
    starts = range(0, n_star, chunk)
    total = None
    with concurrent.futures.ProcessPoolExecutor(processes, initializer=prepare, initargs=(library_path,)) as pool:
        jobs = [(str(path), setup, start, min(start + chunk, n_star)) for start in starts]
        for done, part in enumerate(pool.map(sums_of, jobs), 1):
            total = part if total is None else {name: total[name] + part[name] for name in part}
            if say and done % 100 == 0:
                say(f"  expected spectrum: {min(done * chunk, n_star)} of {n_star} stars")
    return {name: value.tolist() for name, value in total.items()}


def prepare(library_path):
    """Reads the library, once in each process."""
    global shared_library
    shared_library = Library(library_path)


def sums_of(job):
    path, setup, start, stop = job
    return sums(path, shared_library, setup, start, stop)


def observed_in(cube, setup):
    """The same sums of a cube file in Lsun/Angstrom [wavelength, y, x]: bands, pixels, blocks."""
    import h5py

    limits, side = band_limits(setup), setup["n_spaxel"] // setup["n_block"]
    bands, pixels = [], []
    image = np.zeros((setup["n_spaxel"], setup["n_spaxel"]))
    with h5py.File(cube, "r") as file:
        flux = file["flux"]
        for first, end in zip(limits[:-1], limits[1:]):
            planes = flux[first:end].astype(float)
            image += planes.sum(axis=0) * setup["pixel_step"]
            bands.append(planes.sum() * setup["pixel_step"])
        for pixel in setup["pixels"]:
            pixels.append(flux[pixel].astype(float).sum())
    blocks = image.reshape(setup["n_block"], side, setup["n_block"], side).sum(axis=(1, 3))
    return {"bands": bands, "pixels": pixels, "blocks": blocks.ravel().tolist()}
