#pragma once

/// \file
/// A 64-bit hash of bytes: XXH64 by Yann Collet (the published algorithm, seed 0). Fast, evenly spread, the
/// same on every machine; no protection against someone who looks for collisions.

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

namespace lookalike {

namespace detail {

struct xxh64 {
  static constexpr std::uint64_t prime1 = 0x9E3779B185EBCA87;
  static constexpr std::uint64_t prime2 = 0xC2B2AE3D27D4EB4F;
  static constexpr std::uint64_t prime3 = 0x165667B19E3779F9;
  static constexpr std::uint64_t prime4 = 0x85EBCA77C2B2AE63;
  static constexpr std::uint64_t prime5 = 0x27D4EB2F165667C5;

  static std::uint64_t round(std::uint64_t sum, std::uint64_t word) {
    return std::rotl(sum + word * prime2, 31) * prime1;
  }
  static std::uint64_t merge(std::uint64_t hash, std::uint64_t sum) {
    return (hash ^ round(0, sum)) * prime1 + prime4;
  }
  static std::uint64_t avalanche(std::uint64_t hash) {
    hash = (hash ^ (hash >> 33)) * prime2;
    hash = (hash ^ (hash >> 29)) * prime3;
    return hash ^ (hash >> 32);
  }
  template <class Word>
  static Word load(const std::byte* at) {
    static_assert(std::endian::native == std::endian::little, "the hash reads little-endian words");
    Word word;
    std::memcpy(&word, at, sizeof word);
    return word;
  }
};

}  // namespace detail

/// XXH64 of `bytes` with seed 0. Linear, several bytes a clock cycle.
inline std::uint64_t hash64(std::span<const std::byte> bytes) {
  using x = detail::xxh64;
  const std::byte* at = bytes.data();
  std::size_t left = bytes.size();
  std::uint64_t hash = x::prime5;
  if (left >= 32) {
    std::array<std::uint64_t, 4> sums{x::prime1 + x::prime2, x::prime2, 0, std::uint64_t{0} - x::prime1};
    for (; left >= 32; at += 32, left -= 32) {
      for (std::size_t lane = 0; lane < 4; ++lane) {
        sums[lane] = x::round(sums[lane], x::load<std::uint64_t>(at + 8 * lane));
      }
    }
    hash = std::rotl(sums[0], 1) + std::rotl(sums[1], 7) + std::rotl(sums[2], 12) + std::rotl(sums[3], 18);
    for (const std::uint64_t sum : sums) hash = x::merge(hash, sum);
  }
  hash += bytes.size();
  for (; left >= 8; at += 8, left -= 8) {
    hash = std::rotl(hash ^ x::round(0, x::load<std::uint64_t>(at)), 27) * x::prime1 + x::prime4;
  }
  if (left >= 4) {
    hash = std::rotl(hash ^ (x::load<std::uint32_t>(at) * x::prime1), 23) * x::prime2 + x::prime3;
    at += 4;
    left -= 4;
  }
  for (; left > 0; ++at, --left) {
    hash = std::rotl(hash ^ (std::to_integer<std::uint64_t>(*at) * x::prime5), 11) * x::prime1;
  }
  return x::avalanche(hash);
}

inline std::uint64_t hash64(std::string_view text) {
  return hash64(std::as_bytes(std::span(text)));
}

}  // namespace lookalike
