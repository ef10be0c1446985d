// What a user of the installed library writes: distances, and a telescope that came with the installation.
#include <cstdio>

#include <tessera/cosmology/cosmology.hpp>
#include <tessera/instrument/telescope.hpp>

int main() {
    const tessera::Cosmology cosmology(tessera::CosmologyOptions{});
    const tessera::Telescope telescope = tessera::load_telescope({.name = "MUSE"}, ".");
    std::printf("%s %.3f kpc/arcsec\n", telescope.name.c_str(), cosmology.kpc_per_arcsec(0.1));
    return telescope.name == "MUSE" && cosmology.kpc_per_arcsec(0.1) > 1.8 && cosmology.kpc_per_arcsec(0.1) < 1.95 ? 0
                                                                                                                   : 1;
}
