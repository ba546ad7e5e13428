#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include <lookalike/nn/safetensor.hpp>

namespace safetensor_test {

namespace {

using namespace lookalike;

/// The value of a 16-bit floating point number by its definition.
double by_definition(std::uint16_t bits, int exponent_bits, int fraction_bits) {
  const int fraction = bits & ((1 << fraction_bits) - 1);
  const int exponent = (bits >> fraction_bits) & ((1 << exponent_bits) - 1);
  const int bias = (1 << (exponent_bits - 1)) - 1;
  double magnitude = 0;
  if (exponent == (1 << exponent_bits) - 1) {
    magnitude = fraction == 0 ? INFINITY : NAN;
  } else if (exponent == 0) {
    magnitude = std::ldexp(fraction, 1 - bias - fraction_bits);
  } else {
    magnitude = std::ldexp(fraction + (1 << fraction_bits), exponent - bias - fraction_bits);
  }
  return (bits >> 15) != 0 ? -magnitude : magnitude;
}

template <class Convert>
void check_all(int exponent_bits, int fraction_bits, Convert convert) {
  for (std::uint32_t i = 0; i <= 0xFFFF; ++i) {
    const auto bits = static_cast<std::uint16_t>(i);
    const double expected = by_definition(bits, exponent_bits, fraction_bits);
    const float given = convert(bits);
    const auto given_bits = std::bit_cast<std::uint32_t>(given);
    if (std::isnan(expected)) {
      // the sign and all that the NaN carries, at the top of the wider fraction
      const std::uint32_t fraction = i & ((1U << fraction_bits) - 1);
      const bool same = std::isnan(given) && (given_bits >> 31) == (i >> 15) &&
                        (given_bits & 0x7FFFFF) == fraction << (23 - fraction_bits);
      if (!same) FAIL("NaN " << i);
    } else if (static_cast<double>(given) != expected || std::signbit(given) != std::signbit(expected)) {
      FAIL(i << " gives " << given << ", wanted " << expected);
    }
  }
}

template <class Number, std::size_t Count>
std::span<const std::byte> bytes_of_array(const std::array<Number, Count>& numbers) {
  return std::as_bytes(std::span(numbers));
}

}  // namespace

TEST_CASE("all 65536 half precision numbers widen exactly: subnormals, infinities, NaNs, both zeros") {
  check_all(5, 10, detail::float_from_binary16);
}

TEST_CASE("all 65536 bfloat16 numbers widen exactly") {
  check_all(8, 7, detail::float_from_bfloat16);
}

TEST_CASE("types know their names and sizes, and numbers their types") {
  using enum safetensor_type;
  STATIC_REQUIRE(name_of(bfloat16) == "BF16");
  STATIC_REQUIRE(bytes_of(int16) == 2);
  STATIC_REQUIRE(safetensor_type_called("F64") == float64);
  STATIC_REQUIRE(!safetensor_type_called("f64"));
  STATIC_REQUIRE(!safetensor_type_called(""));
  for (std::size_t i = 0; i < detail::safetensor_types.size(); ++i) {
    const auto type = static_cast<safetensor_type>(i);
    CHECK(safetensor_type_called(name_of(type)) == type);
  }
  STATIC_REQUIRE(safetensor_type_of<bool>() == boolean);
  STATIC_REQUIRE(safetensor_type_of<float>() == float32);
  STATIC_REQUIRE(safetensor_type_of<double>() == float64);
  STATIC_REQUIRE(safetensor_type_of<std::int8_t>() == int8);
  STATIC_REQUIRE(safetensor_type_of<std::int16_t>() == int16);
  STATIC_REQUIRE(safetensor_type_of<std::int32_t>() == int32);
  STATIC_REQUIRE(safetensor_type_of<std::int64_t>() == int64);
  STATIC_REQUIRE(safetensor_type_of<std::uint8_t>() == uint8);
  STATIC_REQUIRE(safetensor_type_of<std::uint16_t>() == uint16);
  STATIC_REQUIRE(safetensor_type_of<std::uint32_t>() == uint32);
  STATIC_REQUIRE(safetensor_type_of<std::uint64_t>() == uint64);
}

TEST_CASE("any floating type is read as float and as double, from unaligned bytes too") {
  using enum safetensor_type;
  const std::array<std::uint16_t, 2> halves{0x3C01, 0x8001};  // 1 + 2^-10, -2^-24
  const std::array<std::uint16_t, 2> brains{0x3F81, 0xC2F7};  // 1 + 2^-7, -123.5
  const std::array<float, 2> floats{0.1F, -3.25F};
  const std::array<double, 2> doubles{0.1, 1e300};
  struct sample {
    safetensor_type type;
    std::span<const std::byte> bytes;
    std::array<double, 2> as_double;
    std::array<float, 2> as_float;
  };
  const std::vector<sample> samples{
      {float16, bytes_of_array(halves), {1 + 0x1p-10, -0x1p-24}, {1 + 0x1p-10F, -0x1p-24F}},
      {bfloat16, bytes_of_array(brains), {1 + 0x1p-7, -123.5}, {1 + 0x1p-7F, -123.5F}},
      {float32, bytes_of_array(floats), {static_cast<double>(0.1F), -3.25}, {0.1F, -3.25F}},
      {float64, bytes_of_array(doubles), {0.1, 1e300}, {0.1F, std::numeric_limits<float>::infinity()}}};
  for (const sample& s : samples) {
    INFO(name_of(s.type));
    std::vector<std::byte> shifted(s.bytes.size() + 1);
    std::memcpy(shifted.data() + 1, s.bytes.data(), s.bytes.size());
    for (const auto bytes : {s.bytes, std::span<const std::byte>(shifted).subspan(1)}) {
      const safetensor tensor{"x", s.type, {2}, bytes};
      std::array<double, 2> as_double{};
      copy_numbers(tensor, std::span<double>(as_double));
      CHECK(as_double == s.as_double);
      std::array<float, 2> as_float{};
      copy_numbers(tensor, std::span<float>(as_float));
      CHECK(as_float == s.as_float);
    }
  }
}

TEST_CASE("integers and truth values are read as themselves only") {
  const std::array<std::int64_t, 2> numbers{-5, 1LL << 40};
  const safetensor tensor = make_safetensor("x", {2}, std::span<const std::int64_t>(numbers));
  std::array<std::int64_t, 2> back{};
  copy_numbers(tensor, std::span<std::int64_t>(back));
  CHECK(back == numbers);
  std::array<float, 2> floats{};
  CHECK_THROWS_WITH(copy_numbers(tensor, std::span<float>(floats)),
                    "tensor 'x' is of type I64, wanted one that can be read as F32");
  std::array<std::uint64_t, 2> others{};
  CHECK_THROWS_AS(copy_numbers(tensor, std::span<std::uint64_t>(others)), value_error);

  const std::array<std::uint8_t, 3> bytes{0, 1, 200};  // anything but zero is true
  const safetensor truths{"t", safetensor_type::boolean, {3}, bytes_of_array(bytes)};
  std::array<bool, 3> values{};
  copy_numbers(truths, std::span<bool>(values));
  CHECK(values == std::array<bool, 3>{false, true, true});
  std::array<std::int8_t, 3> small{};
  CHECK_THROWS_AS(copy_numbers(truths, std::span<std::int8_t>(small)), value_error);
}

TEST_CASE("room for another number of numbers is refused") {
  const std::array<float, 2> numbers{1, 2};
  const safetensor tensor = make_safetensor("x", {2}, std::span<const float>(numbers));
  std::array<float, 3> more{};
  CHECK_THROWS_WITH(copy_numbers(tensor, std::span<float>(more)),
                    "tensor 'x' has 2 numbers, given room for 3");
}

}  // namespace safetensor_test
