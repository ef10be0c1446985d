#include "tessera/view/options.hpp"

#include <stdexcept>

#include <gmock/gmock.h>

#include "tests/support/test_support.hpp"

namespace tessera {
namespace {

using testing::HasSubstr;

struct Both {
    GalaxyOptions galaxy;
    ViewOptions view;
    OptionTable table;
    Both() {
        galaxy.describe(table);
        view.describe(table);
    }
    void set_yaml(const std::string& text) { table.set_all(parse_yaml(text, "test.yaml"), "test.yaml"); }
};

TEST(GalaxyOptions, CentreAndVelocityAreAutomaticUntilSaidOtherwise) {
    const Both options;
    EXPECT_EQ(options.galaxy.centre.kind, CentreKind::automatic);
    EXPECT_EQ(options.galaxy.velocity.kind, VelocityKind::automatic);
    EXPECT_EQ(options.galaxy.velocity_radius, 10);
    EXPECT_EQ(options.view.rotation.kind, RotationKind::none);
}

TEST(GalaxyOptions, WordsAndListsAreRead) {
    Both options;
    options.set_yaml("galaxy: {redshift: 1, centre: [1, 2.5, -3], velocity: [0, 0, 7]}");
    EXPECT_EQ(options.galaxy.redshift, 1.0); // an integer is a number
    EXPECT_EQ(options.galaxy.centre.kind, CentreKind::point);
    EXPECT_EQ(options.galaxy.centre.point, (Vector3{1, 2.5, -3}));
    EXPECT_EQ(options.galaxy.velocity.kind, VelocityKind::point);
    EXPECT_EQ(options.galaxy.velocity.point, (Vector3{0, 0, 7}));
    for (const auto& [word, kind] : {std::pair{"auto", CentreKind::automatic},
                                     {"file", CentreKind::file},
                                     {"mass", CentreKind::mass},
                                     {"shrinking-sphere", CentreKind::shrinking_sphere},
                                     {"median", CentreKind::median}}) {
        options.set_yaml(std::string("galaxy: {centre: ") + word + "}");
        EXPECT_EQ(options.galaxy.centre.kind, kind) << word;
        EXPECT_EQ(word_of(kind), word);
    }
    for (const auto& [word, kind] : {std::pair{"auto", VelocityKind::automatic},
                                     {"file", VelocityKind::file},
                                     {"mass", VelocityKind::mass},
                                     {"median", VelocityKind::median}}) {
        options.set_yaml(std::string("galaxy: {velocity: ") + word + "}");
        EXPECT_EQ(options.galaxy.velocity.kind, kind) << word;
        EXPECT_EQ(word_of(kind), word);
    }
}

TEST(ViewOptions, RotationIsAWordOrAnglesOrAMatrix) {
    Both options;
    for (const auto& [word, kind] : {std::pair{"none", RotationKind::none},
                                     {"face-on", RotationKind::face_on},
                                     {"edge-on", RotationKind::edge_on},
                                     {"random", RotationKind::random}}) {
        options.set_yaml(std::string("view: {rotation: ") + word + "}");
        EXPECT_EQ(options.view.rotation.kind, kind) << word;
        EXPECT_EQ(word_of(kind), word);
    }
    options.set_yaml("view: {rotation: [40, 25, 70], seed: 5}"); // integers are angles too
    EXPECT_EQ(options.view.rotation.kind, RotationKind::euler);
    EXPECT_EQ(options.view.rotation.angles, (Vector3{40, 25, 70}));
    EXPECT_EQ(options.view.seed, 5);
    options.set_yaml("view: {rotation: [[0, 1, 0], [-1, 0, 0], [0, 0, 1]]}");
    EXPECT_EQ(options.view.rotation.kind, RotationKind::matrix);
    EXPECT_EQ(options.view.rotation.matrix(0, 1), 1.0);
    EXPECT_EQ(options.view.rotation.matrix(1, 0), -1.0);
}

TEST(ViewOptions, PrintedValuesReadBackAsTheSame) {
    for (const std::string text :
         {"galaxy: {centre: [1, 2.5, -3], velocity: median, velocity_radius: 3.5}\nview: {rotation: [[0, 1, 0], [-1, "
          "0, 0], [0, 0, 1]]}",
          "galaxy: {centre: shrinking-sphere, velocity: [1, 2, 3]}\nview: {rotation: [1, 2, 3.5]}",
          "view: {rotation: edge-on, seed: 9}"}) {
        Both first, second;
        first.set_yaml(text);
        second.set_yaml(first.table.yaml());
        EXPECT_EQ(first.table.yaml(), second.table.yaml());
        EXPECT_EQ(first.galaxy.centre.point, second.galaxy.centre.point);
        EXPECT_EQ(first.view.rotation.kind, second.view.rotation.kind);
        EXPECT_EQ(first.view.rotation.matrix(0, 1), second.view.rotation.matrix(0, 1));
    }
}

TEST(GalaxyOptions, WrongValuesAreConfigurationErrorsThatSayWhatIsPossible) {
    for (const auto& [text, part] : {std::pair{"galaxy: {centre: middle}", "shrinking-sphere"},
                                     {"galaxy: {centre: [1, 2]}", "list of 3 numbers"},
                                     {"galaxy: {centre: [1, 2, .nan]}", "list of 3 numbers"},
                                     {"galaxy: {centre: 5}", "list of 3 numbers"},
                                     {"galaxy: {velocity: shrinking-sphere}", "auto | file | median | mass"},
                                     {"galaxy: {velocity: [1, x, 3]}", "median"},
                                     {"galaxy: {redshift: 0}", "> 0"},
                                     {"galaxy: {redshift: -0.1}", "> 0"},
                                     {"galaxy: {velocity_radius: 0}", "> 0"},
                                     {"view: {rotation: upside-down}", "face-on"},
                                     {"view: {rotation: [1, 2, 3, 4]}", "3x3 matrix"},
                                     {"view: {rotation: [[1, 0, 0], [0, 1], [0, 0, 1]]}", "3x3 matrix"},
                                     {"view: {rotation: [.inf, 0, 0]}", "3x3 matrix"},
                                     {"view: {seed: -1}", ">= 0"}}) {
        Both options;
        const auto error = test::error_of([&, text = text] { options.set_yaml(text); });
        ASSERT_TRUE(error) << text;
        EXPECT_EQ(error->kind(), Kind::config) << text;
        EXPECT_THAT(error->what(), HasSubstr(part)) << text;
    }
}

} // namespace
} // namespace tessera
