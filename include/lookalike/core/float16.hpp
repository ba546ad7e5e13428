#pragma once

/// \file
/// 16-bit floating point numbers (IEEE 754 binary16) as something that is stored: arithmetic happens in
/// float.

#include <bit>
#include <cstdint>

namespace lookalike {

/// The bits of a binary16 number: 1 sign, 5 exponent, 10 fraction bits. Laid out as NumPy's float16.
struct float16 {
  std::uint16_t bits = 0;

  friend constexpr bool operator==(float16, float16) = default;  // of bits: 0 and -0 differ
};

/// Exact. Zeros keep their sign, NaNs what they carry.
constexpr float to_float(float16 half) {
  const std::uint32_t sign = (half.bits & 0x8000U) << 16;
  const std::uint32_t exponent = (half.bits >> 10) & 0x1FU;
  const std::uint32_t fraction = half.bits & 0x3FFU;
  if (exponent == 0) {  // fraction * 2^-24, which is a normal float
    const auto magnitude = std::bit_cast<std::uint32_t>(static_cast<float>(fraction) * 0x1p-24F);
    return std::bit_cast<float>(sign | magnitude);
  }
  const std::uint32_t wide_exponent = exponent == 0x1F ? 0xFFU : exponent + (127 - 15);
  return std::bit_cast<float>(sign | (wide_exponent << 23) | (fraction << 13));
}

/// The nearest binary16 number, the even one of two as near; infinity from 65520 on.
constexpr float16 to_float16(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  const auto sign = static_cast<std::uint16_t>((bits >> 16) & 0x8000U);
  const std::uint32_t magnitude = bits & 0x7FFFFFFFU;
  const auto with_sign = [&](std::uint32_t rest) { return float16{static_cast<std::uint16_t>(sign | rest)}; };
  if (magnitude > 0x7F800000U) return with_sign(0x7E00U | ((magnitude >> 13) & 0x3FFU));  // NaN
  if (magnitude >= 0x477FF000U) return with_sign(0x7C00U);                                // 65520 and more
  if (magnitude < 0x38800000U) {
    // Below 2^-14 a step is 2^-24. Adding 1/2, whose last bit is worth as much, rounds as the processor does.
    const float shifted = std::bit_cast<float>(magnitude) + 0.5F;
    return with_sign(std::bit_cast<std::uint32_t>(shifted) - std::bit_cast<std::uint32_t>(0.5F));
  }
  const std::uint32_t rebiased = magnitude - ((127U - 15U) << 23);
  return with_sign((rebiased + 0xFFFU + ((rebiased >> 13) & 1U)) >> 13);
}

}  // namespace lookalike
