#pragma once

/// \file
/// 16-bit floating point numbers as they lie in files of weights. Widening is exact, so it is only a matter
/// of moving bits: zeros keep their sign, NaNs what they carry.

#include <bit>
#include <cstdint>

namespace lookalike::detail {

/// IEEE 754 binary16: 1 sign, 5 exponent, 10 fraction bits.
constexpr float float_from_binary16(std::uint16_t half) {
  const std::uint32_t sign = (half & 0x8000U) << 16;
  const std::uint32_t exponent = (half >> 10) & 0x1FU;
  const std::uint32_t fraction = half & 0x3FFU;
  if (exponent == 0) {  // fraction * 2^-24, which is a normal float
    const auto magnitude = std::bit_cast<std::uint32_t>(static_cast<float>(fraction) * 0x1p-24F);
    return std::bit_cast<float>(sign | magnitude);
  }
  const std::uint32_t wide_exponent = exponent == 0x1F ? 0xFFU : exponent + (127 - 15);
  return std::bit_cast<float>(sign | (wide_exponent << 23) | (fraction << 13));
}

/// bfloat16: the upper half of a float.
constexpr float float_from_bfloat16(std::uint16_t upper) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(upper) << 16);
}

}  // namespace lookalike::detail
