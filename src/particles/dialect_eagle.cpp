#include "particles/dialects.hpp"

#include "tessera/io/hdf5.hpp"

namespace tessera::particles {

// Field names: The EAGLE team (2017), arXiv:1706.09899. Smoothed metallicities are what the runs' cooling and yields used.
Plan plan_eagle(const InputFiles& input, const SnapshotOptions& options) {
    refuse_subhalo(options, "eagle");
    const GadgetDialect dialect{
        .format = SnapshotFormat::eagle,
        .kind = "EAGLE snapshot",
        .units = UnitScheme::gadget,
        .scale_factor_names = {"ExpansionFactor"}, // Time is a time there
        .stars =
            {
                {"positions", Quantity::length, 3, {"Coordinates"}},
                {"velocities", Quantity::velocity, 3, {"Velocity", "Velocities"}},
                {"formation scale factor", Quantity::none, 1, {"StellarFormationTime", "BirthScaleFactors"}},
                {"initial mass", Quantity::mass, 1, {"InitialMass", "InitialMasses"}},
                {"present mass", Quantity::mass, 1, {"Mass", "Masses"}, false},
                {"metallicity", Quantity::none, 1, {"SmoothedMetallicity", "Metallicity"}},
            },
        .gas =
            {
                {"positions", Quantity::length, 3, {"Coordinates"}},
                {"velocities", Quantity::velocity, 3, {"Velocity", "Velocities"}},
                {"mass", Quantity::mass, 1, {"Mass", "Masses"}},
                {"density", Quantity::density, 1, {"Density"}, false},
                {"metallicity", Quantity::none, 1, {"SmoothedMetallicity", "Metallicity"}, false},
                {"star formation rate", Quantity::star_formation_rate, 1, {"StarFormationRate"}, false},
                {"temperature", Quantity::temperature, 1, {"Temperature"}, false},
            },
    };
    const auto contents = count_rows(input, particle_groups(), "Coordinates", true);
    const io::Hdf5Group file = contents.first_file();
    const Header header = read_header(file, dialect.scale_factor_names);
    return plan_gadget(dialect, contents, header, unit_context(file, header, dialect.units), options);
}

} // namespace tessera::particles
