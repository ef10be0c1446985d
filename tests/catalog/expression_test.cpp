// Statements about columns: what they mean, and what is said of those that mean nothing.
#include "tessera/catalog/expression.hpp"

#include <cmath>
#include <functional>

#include "tests/support/test_support.hpp"

namespace tessera {
namespace {

const std::vector<ExpressionColumn> columns{{"mass", "Msun"}, {"sfr", "Msun/yr"},    {"r", "kpc"},    {"v", "km/s"},
                                            {"n", ""},        {"central", "", true}, {"mag_r", "mag"}};

struct Row {
    double mass, sfr, r, v, n, central, mag_r;
};

/// 3000 rows: more than two blocks and a rest.
std::vector<Row> rows() {
    std::vector<Row> out;
    for (int i = 0; i < 3000; ++i) {
        out.push_back({.mass = 1e8 * (1 + i % 31),
                       .sfr = 0.01 * (i % 17),
                       .r = 0.5 * (i % 13),
                       .v = 20.0 * (i % 11),
                       .n = static_cast<double>(i % 7),
                       .central = static_cast<double>(i % 2),
                       .mag_r = -24.0 + i % 9});
    }
    return out;
}

double value_of(const Row& row, const std::string& name) {
    if (name == "mass") { return row.mass; }
    if (name == "sfr") { return row.sfr; }
    if (name == "r") { return row.r; }
    if (name == "v") { return row.v; }
    if (name == "n") { return row.n; }
    if (name == "central") { return row.central; }
    return row.mag_r;
}

std::vector<std::uint8_t> evaluate(const std::string& text, const std::vector<Row>& table) {
    const Expression expression = Expression::compile(text, columns, "catalog.select");
    std::vector<std::vector<double>> values;
    for (const std::string& name : expression.columns()) {
        std::vector<double>& column = values.emplace_back();
        for (const Row& row : table) { column.push_back(value_of(row, name)); }
    }
    return expression.evaluate({values.begin(), values.end()}, std::ssize(table));
}

void expect_means(const std::string& text, const std::function<bool(const Row&)>& meaning) {
    const auto table = rows();
    const auto found = evaluate(text, table);
    ASSERT_EQ(found.size(), table.size());
    int n_true = 0;
    for (std::size_t i = 0; i < table.size(); ++i) {
        ASSERT_EQ(found[i] != 0, meaning(table[i])) << text << ", row " << i;
        n_true += found[i];
    }
    EXPECT_GT(n_true, 0) << text << ": a case that is never true shows little";
    EXPECT_LT(n_true, std::ssize(table)) << text;
}

void expect_refused(const std::string& text, const std::vector<std::string>& words) {
    const auto error = test::error_of([&] { static_cast<void>(Expression::compile(text, columns, "catalog.select")); });
    ASSERT_TRUE(error.has_value()) << text;
    EXPECT_EQ(error->kind(), Kind::config);
    for (const std::string& word : words) {
        EXPECT_NE(std::string(error->what()).find(word), std::string::npos) << word << " is not in: " << error->what();
    }
}

TEST(Expression, ComparesColumnsWithQuantities) {
    expect_means("mass > 1e9 Msun", [](const Row& x) { return x.mass > 1e9; });
    expect_means("1e9 Msun < mass", [](const Row& x) { return x.mass > 1e9; });
    expect_means("sfr >= 0.1 Msun/yr", [](const Row& x) { return x.sfr >= 0.1; });
    expect_means("n == 3", [](const Row& x) { return x.n == 3; });
    expect_means("n != 3", [](const Row& x) { return x.n != 3; });
    expect_means("mag_r < -20 mag", [](const Row& x) { return x.mag_r < -20; });
    expect_means("r <= 2.2 kpc", [](const Row& x) { return x.r <= 2.2; });
}

TEST(Expression, ConvertsUnits) {
    expect_means("r > 2200 pc", [](const Row& x) { return x.r > 2.2; });
    expect_means("sfr > 0.11e9 Msun/Gyr", [](const Row& x) { return x.sfr > 0.11; });
    // 1 kpc/Gyr = 0.97779 km/s
    expect_means("v > 70 kpc/Gyr", [](const Row& x) { return x.v > 70 * 0.9777922; });
    // The time to cross, r/v: 1 kpc/(km/s) = 0.97779 Gyr
    expect_means("n > 0 and v > 0 km/s and r / v > 20 Myr",
                 [](const Row& x) { return x.n > 0 && x.v > 0 && x.r / x.v * 0.9777922 > 0.020; });
    expect_means("mass / r^2 > 1e8 Msun/kpc^2", [](const Row& x) { return x.mass / (x.r * x.r) > 1e8; });
    expect_means("sfr / mass > 1.03e-11 / yr", [](const Row& x) { return x.sfr / x.mass > 1.03e-11; });
    expect_means("log10(mass / Msun) > 9.1", [](const Row& x) { return std::log10(x.mass) > 9.1; });
    expect_means("sqrt(r^2) > 3 kpc", [](const Row& x) { return x.r > 3; });
}

TEST(Expression, KeepsPrecedence) {
    expect_means("n == 1 or n == 2 and central", [](const Row& x) { return x.n == 1 || (x.n == 2 && x.central == 1); });
    expect_means("(n == 1 or n == 2) and central",
                 [](const Row& x) { return (x.n == 1 || x.n == 2) && x.central == 1; });
    expect_means("not n == 1 and central", [](const Row& x) { return x.n != 1 && x.central == 1; });
    expect_means("not (n == 1 and central)", [](const Row& x) { return !(x.n == 1 && x.central == 1); });
    expect_means("not not central", [](const Row& x) { return x.central == 1; });
    expect_means("2 + 3 * n > 10 - n - 1", [](const Row& x) { return 2 + 3 * x.n > 10 - x.n - 1; });
    expect_means("12 / 2 / 3 < n", [](const Row& x) { return x.n > 2; });
    expect_means("-n^2 < -8", [](const Row& x) { return -(x.n * x.n) < -8; });
    expect_means("(2 - n) ** 3 < 0", [](const Row& x) { return x.n > 2; });
    expect_means("abs(n - 3) < 2 && !central || max(n, 5) > 5",
                 [](const Row& x) { return (std::abs(x.n - 3) < 2 && x.central == 0) || x.n > 5; });
}

TEST(Expression, ChainsComparisons) {
    expect_means("1 kpc < r < 3 kpc", [](const Row& x) { return 1 < x.r && x.r < 3; });
    expect_means("1 < n + 1 <= 4 < 2 * n", [](const Row& x) { return 1 < x.n + 1 && x.n + 1 <= 4 && 4 < 2 * x.n; });
}

TEST(Expression, TakesTruthsAsStatementsAndAsNumbers) {
    expect_means("central", [](const Row& x) { return x.central == 1; });
    expect_means("central == 0", [](const Row& x) { return x.central == 0; });
    expect_means("n > 2 and not central", [](const Row& x) { return x.n > 2 && x.central == 0; });
}

TEST(Expression, IsTrueOfEverythingWhenEmpty) {
    const auto found = evaluate("  ", rows());
    EXPECT_EQ(std::count(found.begin(), found.end(), 1), 3000);
}

TEST(Expression, IsFalseWhereAValueIsNoNumber) {
    std::vector<Row> table(1);
    table[0].r = std::nan("");
    for (const char* text : {"r > 1 kpc", "r < 1 kpc", "r == 1 kpc", "r != 1 kpc"}) {
        EXPECT_EQ(evaluate(text, table)[0], 0) << text;
    }
}

TEST(Expression, NamesItsColumnsOnce) {
    const auto expression = Expression::compile("r > 1 kpc and n > 2 and r < 9 kpc", columns, "");
    EXPECT_EQ(expression.columns(), (std::vector<std::string>{"r", "n"}));
}

TEST(Expression, RefusesDimensionsThatDoNotMatchAndNamesBoth) {
    expect_refused("mass > 3 kpc", {"'mass' in Msun", "'3 kpc' in kpc"});
    expect_refused("sfr > 0.1", {"Msun/yr", "a pure number", "Write 0.1 Msun/yr"});
    expect_refused("mass + r > 1 Msun", {"Msun", "kpc"});
    expect_refused("v > 3 km", {"km/s"});
    expect_refused("log10(mass) > 9", {"log10(mass_stars / Msun)"});
    expect_refused("max(mass, r) > 1 Msun", {"Msun", "kpc"});
    expect_refused("sqrt(r) > 1", {"kpc"});
}

TEST(Expression, RefusesNumbersForStatementsAndTheReverse) {
    expect_refused("mass", {"the number 'mass'", "a statement"});
    expect_refused("n > 2 and r", {"'r'"});
    expect_refused("not mass", {"'mass'"});
    expect_refused("(n > 2) + 1 > 2", {"the statement '(n > 2)'", "a number"});
}

TEST(Expression, NamesTheNearestOfAnUnknownWord) {
    expect_refused("mas > 1e9 Msun", {"character 1", "'mas'", "Did you mean 'mass'?"});
    expect_refused("mass > 1e9 Msum", {"'Msum'", "Did you mean 'Msun'?"});
    expect_refused("n > log(3)", {"'log'", "log10"});
}

TEST(Expression, RefusesBrokenTextsAndSaysWhere) {
    expect_refused("mass >", {"character 7", "the end"});
    expect_refused("n = 3", {"character 3", "=="});
    expect_refused("(n > 3", {"'(' at character 1"});
    expect_refused("n > 3)", {"character 6", "')'"});
    expect_refused("n > 3 n < 2", {"character 7"});
    expect_refused("n > 1.2.3", {"broken number"});
    expect_refused("n # 3", {"'#'"});
    expect_refused("n ^ r > 3", {"whole number"});
    expect_refused("min(n) > 3", {"second argument"});
    expect_refused(std::string(1000, '(') + "n > 3" + std::string(1000, ')'), {"levels"});
    expect_refused("n > 1e999", {"broken number"});
}

} // namespace
} // namespace tessera
