#!/usr/bin/env python3
"""Opens cube files of tessera with the readers that astronomers use, and checks what they see.

    tools/check_fits.py cube.fits [cube.h5] [--centre RA DEC] [--pixel-scale ARCSEC] [--wavelength FIRST STEP N]

A FITS cube is opened with astropy, mpdaf and spectral-cube: checksums, HDUs, shapes, units, variance, the quality flags, the
WCS (the centre of the field at CRVAL, the scale of a pixel, east to the left, the wavelength of each plane) and the maps.
An HDF5 cube is opened with h5py: layout, units that astropy can read, shapes. Given both, the numbers must be the same.
Exit status: 0 all right, 1 something is wrong, 2 wrong arguments, 77 a package is missing (nothing was checked).
"""
import argparse
import os
import sys
import warnings

try:
    import astropy.units as u
    import h5py
    import numpy as np
    from astropy.io import fits
    from astropy.wcs import WCS
    from astropy.wcs.utils import proj_plane_pixel_scales
    from mpdaf.obj import Cube
    from spectral_cube import SpectralCube
except ImportError as missing:
    print(f"skipped: {missing}; pip install numpy h5py astropy mpdaf spectral-cube", file=sys.stderr)
    sys.exit(77)

OUTSIDE_APERTURE = 2
failures = []


def check(fact, holds, found=""):
    """Prints one fact; remembers it when it does not hold."""
    if holds:
        print(f"  ok    {fact}")
    else:
        failures.append(fact)
        print(f"  WRONG {fact}: found {found}")


def close(a, b, tolerance):
    a, b = np.asarray(a, float), np.asarray(b, float)
    return a.shape == b.shape and bool(np.all(np.abs(a - b) <= tolerance))


def expected_wavelengths(arguments, header):
    """Centres of the planes in Angstrom: as given, else by the formula of the header's keywords, without a WCS library."""
    if arguments.wavelength:
        first, step, n = arguments.wavelength
        return first + step * np.arange(int(n))
    pixel = np.arange(header["NAXIS3"]) + 1 - header["CRPIX3"]
    if header["CTYPE3"].endswith("-LOG"):
        return header["CRVAL3"] * np.exp(pixel * header["CD3_3"] / header["CRVAL3"])
    return header["CRVAL3"] + pixel * header["CD3_3"]


def check_structure(hdus):
    names = [hdu.name for hdu in hdus]
    check("the first HDUs are primary, DATA, STAT, DQ", names[1:4] == ["DATA", "STAT", "DQ"], names)
    check("every HDU has CHECKSUM and DATASUM", all("CHECKSUM" in h.header and "DATASUM" in h.header for h in hdus), names)
    bad = [h.name for h in hdus if h.verify_checksum() != 1 or h.verify_datasum() != 1]
    check("every checksum is right", not bad, bad)
    problems = []
    for hdu in hdus:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            hdu.verify("warn")
        problems += [str(w.message) for w in caught]
    check("astropy finds nothing to mend", not problems, problems)
    shape = hdus["DATA"].data.shape
    for name, bitpix in (("DATA", -32), ("STAT", -32), ("DQ", 32)):
        check(f"{name} has the cube's shape and BITPIX {bitpix}",
              hdus[name].data.shape == shape and hdus[name].header["BITPIX"] == bitpix, hdus[name].header["BITPIX"])
    check("the primary header names its maker and time", all(k in hdus[0].header for k in ("CREATOR", "DATE", "OBJECT")))
    check("the configuration is in the table CONFIG", "CONFIG" in names and len(hdus["CONFIG"].data) > 0, names)


def is_square(squared, text):
    """MUSE writes "(unit)**2", which astropy does not parse: then the text must be exactly that."""
    if squared == f"({text})**2":
        return True
    try:
        return u.Unit(squared, format="fits") == u.Unit(text, format="fits") ** 2
    except ValueError:
        return False


def check_values(hdus):
    data, stat, quality = hdus["DATA"].data, hdus["STAT"].data, hdus["DQ"].data
    outside = (quality & OUTSIDE_APERTURE) != 0
    check("not-a-number exactly outside the aperture", np.array_equal(np.isnan(data), outside), np.isnan(data).sum())
    check("the variance is finite and not negative inside", bool(np.all(stat[~outside] >= 0)), np.nanmin(stat))
    unit = u.Unit(hdus["DATA"].header["BUNIT"], format="fits")
    check("the variance's unit is the square of the data's", is_square(hdus["STAT"].header["BUNIT"], hdus["DATA"].header["BUNIT"]),
          hdus["STAT"].header["BUNIT"])
    check("the unit is a flux or luminosity density",
          unit.is_equivalent("erg/(s cm2 Angstrom)") or unit.is_equivalent("erg/(s Angstrom)"), unit)
    for hdu in hdus[4:]:
        if hdu.is_image and hdu.name != "WAVE":
            text = hdu.header.get("BUNIT", "")
            try:
                u.Unit(text, format="fits")
                known = True
            except ValueError:
                known = False
            check(f"map {hdu.name}: shape of the field, a unit that astropy knows", known and hdu.data.shape == data.shape[1:], text)


def check_world(hdus, arguments, wavelengths):
    header = hdus["DATA"].header
    world = WCS(header)
    n_wave, n_y, n_x = hdus["DATA"].data.shape
    centre = [(n_x - 1) / 2, (n_y - 1) / 2]
    expected = arguments.centre or [header["CRVAL1"], header["CRVAL2"]]
    check("the centre of the field is at CRVAL", close(world.celestial.wcs_pix2world([centre], 0)[0], expected, 1e-9),
          world.celestial.wcs_pix2world([centre], 0)[0])
    scales = proj_plane_pixel_scales(world.celestial) * 3600
    scale = arguments.pixel_scale or abs(header["CD1_1"]) * 3600
    check(f"a pixel is {scale:g} arcsec on both axes", close(scales, [scale, scale], 1e-9), scales)
    left, right = world.celestial.wcs_pix2world([[centre[0] - 1, centre[1]], [centre[0] + 1, centre[1]]], 0)
    check("east is to the left", (left[0] - right[0]) % 360 < 180, (left, right))
    below, above = world.celestial.wcs_pix2world([[centre[0], centre[1] - 1], [centre[0], centre[1] + 1]], 0)
    check("north is up", above[1] > below[1], (below, above))
    check("no PC or CDELT beside CD", not any(k.startswith(("PC", "CDELT")) and k != "PCOUNT" for k in header))
    spectral = world.spectral.wcs_pix2world(np.arange(n_wave)[:, None], 0)[:, 0] * 1e10
    check("astropy's wavelengths are the ones expected (1e-6 Angstrom)", close(spectral, wavelengths, 1e-6), spectral[:3])
    check("CTYPE3 says air or vacuum as MEDIUM does",
          header["CTYPE3"].startswith({"air": "AWAV", "vacuum": "WAVE", "unknown": "WAVE"}[header["MEDIUM"]]), header["CTYPE3"])
    for name in ("STAT", "DQ"):
        check(f"{name} has the same WCS", WCS(hdus[name].header).wcs.compare(world.wcs))


def check_mpdaf(path, hdus, wavelengths):
    cube = Cube(path)
    data = hdus["DATA"].data
    flagged = np.isnan(data) | (hdus["DQ"].data != 0)  # mpdaf masks what DQ flags
    check("mpdaf: shape", cube.shape == data.shape, cube.shape)
    check("mpdaf: the variance is there and right",
          cube.var is not None and np.array_equal(np.ma.getdata(cube.var)[~flagged], hdus["STAT"].data[~flagged]))
    check("mpdaf: values, flagged ones and not-a-number masked", np.array_equal(np.ma.getmaskarray(cube.data), flagged)
          and np.array_equal(cube.data.data[~flagged], data[~flagged]))
    check("mpdaf: unit", cube.unit == u.Unit(hdus["DATA"].header["BUNIT"], format="fits"), cube.unit)
    if not hdus["DATA"].header["CTYPE3"].endswith("-LOG"):  # mpdaf knows linear axes only
        check("mpdaf: wavelengths (1e-6 Angstrom)", close(cube.wave.coord(unit=u.angstrom), wavelengths, 1e-6), cube.wave.coord()[:3])
    steps = cube.wcs.get_step(unit=u.arcsec)
    check("mpdaf: scale of a pixel", close(steps, [abs(hdus["DATA"].header["CD1_1"]) * 3600] * 2, 1e-6), steps)


def check_spectral_cube(path, hdus, wavelengths):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        cube = SpectralCube.read(path, hdu=1)
        check("spectral-cube: shape", cube.shape == hdus["DATA"].data.shape, cube.shape)
        axis = cube.spectral_axis.to_value(u.angstrom)
        check("spectral-cube: wavelengths (1e-6 Angstrom)", close(axis, wavelengths, 1e-6), axis[:3])
        check("spectral-cube: unit", cube.unit == u.Unit(hdus["DATA"].header["BUNIT"], format="fits"), cube.unit)
        values = cube.filled_data[:].value
        check("spectral-cube: values", np.array_equal(values, hdus["DATA"].data, equal_nan=True))


def check_hdf5(path):
    with h5py.File(path) as file:
        shape = file["flux"].shape
        for name in ("flux", "variance", "mask"):
            check(f"/{name} has the cube's shape", file[name].shape == shape, file[name].shape)
        check("/wavelength has a value a plane", file["wavelength"].shape == shape[:1], file["wavelength"].shape)
        for name, dataset in [("flux", file["flux"]), ("variance", file["variance"]), ("wavelength", file["wavelength"]),
                              *((f"maps/{n}", d) for n, d in file["maps"].items())]:
            try:
                u.Unit(dataset.attrs["units"])
                known = dataset.attrs["unit"] == dataset.attrs["units"]
            except (KeyError, ValueError):
                known = False
            check(f"/{name} has a unit that astropy knows, axes and a description",
                  known and "axes" in dataset.attrs and "description" in dataset.attrs, dict(dataset.attrs))
        for name, dataset in file["maps"].items():
            check(f"/maps/{name} has the shape of the field", dataset.shape == shape[1:], dataset.shape)
        attributes = file["provenance"].attrs
        check("/provenance holds config and version", isinstance(attributes.get("config"), str) and "version" in attributes)
        check("/provenance/traffic is there", "traffic" in file["provenance"])


def check_equal(fits_path, hdf5_path):
    with fits.open(fits_path) as hdus, h5py.File(hdf5_path) as file:
        inside = (hdus["DQ"].data & OUTSIDE_APERTURE) == 0
        check("the mask is the same in both", np.array_equal(hdus["DQ"].data, file["mask"][:]))
        check("flux is the same in both", np.array_equal(hdus["DATA"].data[inside], file["flux"][:][inside]))
        check("variance is the same in both", np.array_equal(hdus["STAT"].data[inside], file["variance"][:][inside]))
        for name, dataset in file["maps"].items():
            hdu = next((h for h in hdus if h.name in (name, f"RAW_{name}", f"OBS_{name}")), None)
            check(f"map {name} is the same in both", hdu is not None and np.array_equal(hdu.data, dataset[:], equal_nan=True))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+", help="cube.fits, cube.h5, or both of one run")
    parser.add_argument("--centre", nargs=2, type=float, metavar=("RA", "DEC"), help="degree")
    parser.add_argument("--pixel-scale", type=float, metavar="ARCSEC")
    parser.add_argument("--wavelength", nargs=3, type=float, metavar=("FIRST", "STEP", "N"), help="Angstrom")
    arguments = parser.parse_args()
    for path in arguments.files:
        if not os.path.isfile(path):
            parser.error(f"{path}: no such file")
    fits_paths = [p for p in arguments.files if p.endswith((".fits", ".fits.gz"))]
    hdf5_paths = [p for p in arguments.files if p not in fits_paths]
    for path in fits_paths:
        print(path)
        with fits.open(path, checksum=True) as hdus:
            wavelengths = expected_wavelengths(arguments, hdus["DATA"].header)
            check_structure(hdus)
            check_values(hdus)
            check_world(hdus, arguments, wavelengths)
            check_mpdaf(path, hdus, wavelengths)
            check_spectral_cube(path, hdus, wavelengths)
            if hdf5_paths:
                with h5py.File(hdf5_paths[0]) as file:
                    check("the header's wavelengths are those of /wavelength (1e-6 Angstrom)",
                          close(wavelengths, file["wavelength"][:], 1e-6))
    for path in hdf5_paths:
        print(path)
        check_hdf5(path)
    if fits_paths and hdf5_paths:
        check_equal(fits_paths[0], hdf5_paths[0])
    print(f"{len(failures)} wrong" if failures else "all right")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
