// The columns of group catalogues that selections may use. docs/catalogues.md has the same table; a test compares them.
#include "tessera/particles/subhaloes.hpp"

namespace tessera {

const std::vector<SubhaloColumn>& subhalo_columns() {
    static const std::vector<SubhaloColumn> all{
        {"id", "", "", "row of the subhalo in the catalogue, over all chunks"},
        {"group", "", "Subhalo/SubhaloGrNr", "row of the FoF group it belongs to"},
        {"central", "", "Group/GroupFirstSub", "whether it is the first (central) subhalo of its group", true},
        {"flag", "", "Subhalo/SubhaloFlag", "whether it is of cosmological origin, a galaxy rather than a clump", true},
        {"n_gas", "", "Subhalo/SubhaloLenType[0]", "gas cells bound to it"},
        {"n_stars", "", "Subhalo/SubhaloLenType[4]", "star particles bound to it, wind cells among them"},
        {"mass", "Msun", "Subhalo/SubhaloMass", "of all its particles"},
        {"mass_gas", "Msun", "Subhalo/SubhaloMassType[0]", "of its gas"},
        {"mass_dark", "Msun", "Subhalo/SubhaloMassType[1]", "of its dark matter"},
        {"mass_stars", "Msun", "Subhalo/SubhaloMassType[4]", "of its stars, today's mass"},
        {"mass_black_holes", "Msun", "Subhalo/SubhaloMassType[5]", "of its black holes"},
        {"mass_gas_2r", "Msun", "Subhalo/SubhaloMassInRadType[0]", "of its gas within two stellar half-mass radii"},
        {"mass_stars_2r", "Msun", "Subhalo/SubhaloMassInRadType[4]", "of its stars within two stellar half-mass radii"},
        {"r_half", "kpc", "Subhalo/SubhaloHalfmassRadType[4]", "radius of the sphere that holds half its stellar mass"},
        {"r_half_gas", "kpc", "Subhalo/SubhaloHalfmassRadType[0]", "the same of its gas"},
        {"sfr", "Msun/yr", "Subhalo/SubhaloSFR", "star formation rate of its gas"},
        {"sfr_2r", "Msun/yr", "Subhalo/SubhaloSFRinRad", "the same within two stellar half-mass radii"},
        {"metallicity_stars", "", "Subhalo/SubhaloStarMetallicity",
         "mass fraction of metals of its stars within two stellar half-mass radii"},
        {"metallicity_gas", "", "Subhalo/SubhaloGasMetallicity", "the same of its gas"},
        {"dispersion", "km/s", "Subhalo/SubhaloVelDisp", "one-dimensional velocity dispersion of all its particles"},
        {"v_max", "km/s", "Subhalo/SubhaloVmax", "largest circular velocity"},
        {"r_v_max", "kpc", "Subhalo/SubhaloVmaxRad", "radius at which it is reached"},
        {"mag_u", "mag", "Subhalo/SubhaloStellarPhotometrics[0]",
         "absolute magnitude of its stars without dust, U (Vega)"},
        {"mag_b", "mag", "Subhalo/SubhaloStellarPhotometrics[1]", "B (Vega)"},
        {"mag_v", "mag", "Subhalo/SubhaloStellarPhotometrics[2]", "V (Vega)"},
        {"mag_k", "mag", "Subhalo/SubhaloStellarPhotometrics[3]", "K (Vega)"},
        {"mag_g", "mag", "Subhalo/SubhaloStellarPhotometrics[4]", "g (AB)"},
        {"mag_r", "mag", "Subhalo/SubhaloStellarPhotometrics[5]", "r (AB)"},
        {"mag_i", "mag", "Subhalo/SubhaloStellarPhotometrics[6]", "i (AB)"},
        {"mag_z", "mag", "Subhalo/SubhaloStellarPhotometrics[7]", "z (AB)"},
        {"x", "kpc", "Subhalo/SubhaloPos[0]", "of its most bound particle, in the box"},
        {"y", "kpc", "Subhalo/SubhaloPos[1]", "likewise"},
        {"z", "kpc", "Subhalo/SubhaloPos[2]", "likewise"},
        {"v_x", "km/s", "Subhalo/SubhaloVel[0]", "peculiar velocity"},
        {"v_y", "km/s", "Subhalo/SubhaloVel[1]", "likewise"},
        {"v_z", "km/s", "Subhalo/SubhaloVel[2]", "likewise"},
        {"group_n_subhaloes", "", "Group/GroupNsubs", "subhaloes of its group"},
        {"group_mass", "Msun", "Group/GroupMass", "of all particles of its group"},
        {"group_mass_200", "Msun", "Group/Group_M_Crit200", "of its group, within 200 times the critical density"},
        {"group_r_200", "kpc", "Group/Group_R_Crit200", "radius of that sphere"},
    };
    return all;
}

} // namespace tessera
