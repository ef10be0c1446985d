#include "tessera/core/options.hpp"

#include "tests/support/test_support.hpp"

namespace tessera {
enum class Shape { round, square };
template <>
struct EnumWords<Shape> {
    static constexpr std::array words{std::pair{Shape::round, std::string_view("round")},
                                      std::pair{Shape::square, std::string_view("square")}};
};
namespace {

struct ToyOptions {
    double width = 0.8;
    std::optional<double> height;
    std::int64_t count = 3;
    bool fast = false;
    std::string name = "toy";
    Shape shape = Shape::round;
    std::array<double, 2> range{1, 2};
    void describe(OptionTable& key) {
        key("toy.width", width, unit::arcsec, "width of the toy", above(0), at_most(10));
        key("toy.height", height, unit::arcsec, "height of the toy");
        key("toy.count", count, unit::none, "number of toys", at_least(1));
        key("toy.fast", fast, unit::none, "whether the toy is fast");
        key("toy.name", name, unit::none, "name of the toy");
        key("toy.shape", shape, unit::none, "shape of the toy");
        key("box.range", range, unit::kpc, "range of the box", at_least(0));
    }
};

struct OptionsTest : testing::Test {
    OptionsTest() { toy.describe(table); }
    std::string failure(const std::string& yaml) {
        const auto error = test::error_of([&] { table.set_all(parse_yaml(yaml, "toy.yaml"), "toy.yaml"); });
        if (!error) { return "no error"; }
        EXPECT_EQ(error->kind(), Kind::config);
        return error->what();
    }
    ToyOptions toy;
    OptionTable table;
};

TEST_F(OptionsTest, ReadsEveryTypeFromYaml) {
    table.set_all(
        parse_yaml(
            "toy: {width: 2, height: 1e-1, count: 4, fast: true, name: a b, shape: square}\nbox: {range: [3, 4.5]}",
            "t"),
        "t");
    EXPECT_EQ(toy.width, 2.0);
    EXPECT_EQ(toy.height, 0.1);
    EXPECT_EQ(toy.count, 4);
    EXPECT_TRUE(toy.fast);
    EXPECT_EQ(toy.name, "a b");
    EXPECT_EQ(toy.shape, Shape::square);
    EXPECT_EQ(toy.range[1], 4.5);
}

TEST(OptionTypes, AListOfAnyLengthIsReadAndPrinted) {
    using Shapes = OptionType<std::vector<Shape>>;
    EXPECT_EQ(Shapes::parse(parse_yaml("[square, round, square]", "t")),
              (std::vector<Shape>{Shape::square, Shape::round, Shape::square}));
    EXPECT_TRUE(Shapes::parse(parse_yaml("[]", "t")).empty());
    EXPECT_EQ(Shapes::print({Shape::square, Shape::round}).text(), "[square, round]");
    EXPECT_EQ(Shapes::name(), "list of round | square");
    for (const char* wrong : {"square", "[square, oval]", "3"}) {
        EXPECT_THROW(Shapes::parse(parse_yaml(wrong, "t")), std::invalid_argument) << wrong;
    }
}

TEST_F(OptionsTest, NullUnsetsAnOptionalAndLeavesASectionAlone) {
    toy.height = 5;
    table.set_all(parse_yaml("toy: {height: null}\nbox: null", "t"), "t");
    EXPECT_FALSE(toy.height.has_value());
    EXPECT_EQ(toy.range[0], 1.0);
}

TEST_F(OptionsTest, AnUnknownKeyIsAnErrorWithTheNearestName) {
    const std::string text = failure("toy: {widht: 2}");
    EXPECT_NE(text.find("'toy.widht'"), std::string::npos) << text;
    EXPECT_NE(text.find("'toy.width'"), std::string::npos) << text;
    EXPECT_NE(failure("tyo: {width: 2}").find("unknown key"), std::string::npos);
}

TEST_F(OptionsTest, AWrongTypeOrRangeNamesKeyValueAndExpectation) {
    const std::string type = failure("toy: {width: wide}");
    EXPECT_NE(type.find("toy.width: found wide; expected a finite number [arcsec]"), std::string::npos) << type;
    EXPECT_NE(failure("toy: {width: -1}").find("a value > 0"), std::string::npos);
    EXPECT_NE(failure("toy: {width: .nan}").find("a value > 0"), std::string::npos);
    EXPECT_NE(failure("toy: {height: .inf}").find("a finite number"), std::string::npos);
    EXPECT_NE(failure("toy: {count: 1.5}").find("an integer"), std::string::npos);
    EXPECT_NE(failure("toy: {shape: oval}").find("round | square"), std::string::npos);
    EXPECT_NE(failure("box: {range: [1, -2]}").find("a value >= 0"), std::string::npos);
    EXPECT_NE(failure("box: {range: [1]}").find("list of 2 numbers"), std::string::npos);
    EXPECT_NE(failure("toy: 5").find("a section"), std::string::npos);
}

TEST_F(OptionsTest, ThePrintedValuesReadBackTheSame) {
    toy.width = 0.1 + 0.2;
    toy.name = "true";
    toy.height = 3;
    const std::string first = table.yaml();
    ToyOptions again;
    OptionTable other;
    again.describe(other);
    other.set_all(parse_yaml(first, "t"), "t");
    EXPECT_EQ(other.yaml(), first);
    EXPECT_EQ(again.name, "true");
    EXPECT_EQ(again.width, 0.1 + 0.2);
}

TEST(Yaml, BrokenTextNamesLineAndColumn) {
    const auto error = test::error_of([] { parse_yaml("a: 1\nb: [1, 2\n", "broken.yaml"); });
    ASSERT_TRUE(error.has_value());
    EXPECT_EQ(error->kind(), Kind::config);
    EXPECT_NE(std::string(error->what()).find("broken.yaml, line 3"), std::string::npos) << error->what();
}

TEST(Yaml, AKeyTwiceIsAnError) {
    const auto error = test::error_of([] { parse_yaml("a: {b: 1, b: 2}", "twice.yaml"); });
    ASSERT_TRUE(error.has_value());
    EXPECT_NE(std::string(error->what()).find("'b' a second time"), std::string::npos);
}

TEST(Yaml, AMissingFileIsAConfigError) {
    const auto error = test::error_of([] { read_yaml("/nowhere/at/all.yaml"); });
    ASSERT_TRUE(error.has_value());
    EXPECT_EQ(error->kind(), Kind::config);
    EXPECT_NE(std::string(error->what()).find("/nowhere/at/all.yaml"), std::string::npos);
}

} // namespace
} // namespace tessera
