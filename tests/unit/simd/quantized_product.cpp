/// \file
/// Products of 8-bit codes against sums of 64-bit numbers, and what is kept of them against a plain loop.

#include <cstdint>
#include <limits>
#include <random>
#include <vector>

#include <catch2/catch.hpp>

#include <lookalike/simd/quantized_product.hpp>

using namespace lookalike;

namespace {

template <class Value>
std::vector<Value> random_whole(std::size_t count, int lowest, int highest, unsigned seed) {
  std::mt19937 random(seed);
  std::uniform_int_distribution<int> number(lowest, highest);
  std::vector<Value> result(count);
  for (Value& value : result) value = static_cast<Value>(number(random));
  return result;
}

}  // namespace

TEST_CASE("quantized products equal sums of 64-bit numbers, for any number of groups and queries") {
  for (const std::ptrdiff_t groups : {1, 2, 7, 9, 16}) {
    for (const std::ptrdiff_t columns : {2, 32, 152, 512}) {
      for (const std::ptrdiff_t queries : {1, 3, 4, 9}) {
        CAPTURE(groups, columns, queries);
        const std::ptrdiff_t rows = groups * simd::quantized_rows;
        // The largest codes and factors too: a 32-bit sum must hold them.
        const int most_factor = columns == 512 ? 32767 : 3000;
        const auto codes = random_whole<std::int8_t>(static_cast<std::size_t>(rows * columns), -127, 127, 1);
        const auto factors = random_whole<std::int16_t>(static_cast<std::size_t>(queries * columns),
                                                        -most_factor, most_factor, 2);
        std::vector<std::int8_t> table(codes.size());
        for (std::ptrdiff_t row = 0; row < rows; ++row) {
          for (std::ptrdiff_t column = 0; column < columns; ++column) {
            table[static_cast<std::size_t>(simd::quantized_place(row, column, columns))] =
                codes[static_cast<std::size_t>(row * columns + column)];
          }
        }
        std::vector<std::int32_t> pairs, sums(static_cast<std::size_t>(queries * rows), -1);
        for (std::size_t i = 0; i < factors.size(); i += 2) {
          pairs.push_back(static_cast<std::int32_t>(
              static_cast<std::uint16_t>(factors[i]) |
              static_cast<std::uint32_t>(static_cast<std::uint16_t>(factors[i + 1])) << 16));
        }
        std::vector<const std::int32_t*> asked;
        std::vector<std::int32_t*> to;
        for (std::ptrdiff_t q = 0; q < queries; ++q) {
          asked.push_back(pairs.data() + q * columns / 2);
          to.push_back(sums.data() + q * rows);
        }
        simd::quantized_products(table.data(), groups, columns, asked.data(), to.data(), queries);
        for (std::ptrdiff_t q = 0; q < queries; ++q) {
          for (std::ptrdiff_t row = 0; row < rows; ++row) {
            std::int64_t wanted = 0;
            for (std::ptrdiff_t i = 0; i < columns; ++i) {
              wanted += std::int64_t{codes[static_cast<std::size_t>(row * columns + i)]} *
                        factors[static_cast<std::size_t>(q * columns + i)];
            }
            REQUIRE(sums[static_cast<std::size_t>(q * rows + row)] == wanted);
          }
        }
      }
    }
  }
}

TEST_CASE("products of records equal sums of 64-bit numbers") {
  for (const std::ptrdiff_t columns : {16, 64, 192, 512}) {
    CAPTURE(columns);
    const auto size = static_cast<std::size_t>(columns);
    const auto codes = random_whole<std::int8_t>(simd::records_at_once * size, -127, 127, 3);
    const auto factors = random_whole<std::int16_t>(size, -32767, 32767, 4);
    const std::int8_t* records[simd::records_at_once];
    for (int r = 0; r < simd::records_at_once; ++r) {
      records[r] = codes.data() + (simd::records_at_once - 1 - r) * columns;
    }
    std::int32_t products[simd::records_at_once];
    simd::record_products(records, factors.data(), columns, products);
    for (int r = 0; r < simd::records_at_once; ++r) {
      std::int64_t wanted = 0;
      for (std::size_t i = 0; i < size; ++i) wanted += std::int64_t{records[r][i]} * factors[i];
      REQUIRE(products[r] == wanted);
    }
  }
}

TEST_CASE("what promises enough is kept in its order, and what is no number too") {
  constexpr float infinity = std::numeric_limits<float>::infinity();
  for (const std::size_t count : {0U, 5U, 8U, 100U, 1003U}) {
    for (const int cut : {-1000, 0, 90, 1000}) {
      CAPTURE(count, cut);
      const auto sums = random_whole<std::int32_t>(count, -100, 100, 5);
      // Whole numbers: floats add them exactly.
      const auto offsets = random_whole<float>(count, -10, 10, 6);
      auto tails = random_whole<float>(count, 0, 5, 7);
      for (std::size_t i = 0; i < count; i += 97) tails[i] = infinity;
      std::vector<float> values(count + simd::kept_room);
      std::vector<std::uint32_t> kept(count + simd::kept_room);
      for (const float tail : {0.0f, 2.0f}) {  // 0 times infinity is no number
        std::vector<float> promises, parts;
        std::vector<std::uint32_t> rows;
        for (std::size_t i = 0; i < count; ++i) {
          const float part = 3 * static_cast<float>(sums[i]) + offsets[i];
          const float whole = part + tail * tails[i];
          if (whole < static_cast<float>(cut)) continue;
          promises.push_back(whole == whole ? whole : infinity);
          parts.push_back(part);
          rows.push_back(1000 + static_cast<std::uint32_t>(i));
        }
        const auto check = [&](std::ptrdiff_t found, const std::vector<float>& wanted) {
          REQUIRE(found == std::ssize(rows));
          for (std::size_t i = 0; i < rows.size(); ++i) {
            REQUIRE(kept[i] == rows[i]);
            REQUIRE(values[i] == wanted[i]);
          }
        };
        const auto size = static_cast<std::ptrdiff_t>(count);
        check(simd::keep_promising<simd::kept_value::promise>(sums.data(), offsets.data(), tails.data(), size,
                                                              3.0f, tail, static_cast<float>(cut), 1000,
                                                              values.data(), kept.data()),
              promises);
        check(simd::keep_promising<simd::kept_value::sum>(sums.data(), offsets.data(), tails.data(), size,
                                                          3.0f, tail, static_cast<float>(cut), 1000,
                                                          values.data(), kept.data()),
              parts);
      }
    }
  }
}
