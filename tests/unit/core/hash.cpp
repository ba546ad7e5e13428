#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include <lookalike/core/hash.hpp>

TEST_CASE("hash64 is XXH64 with seed 0, at lengths around every step of the algorithm") {
  // python -c "import xxhash; print(xxhash.xxh64(bytes((i*7+3)%256 for i in range(N))).hexdigest())"
  const std::vector<std::pair<std::size_t, std::uint64_t>> expected{
      {0, 0xef46db3751d8e999},   {1, 0x1f25c8d0bc1f4bb6},  {3, 0x31d2363f52e564c9},
      {4, 0x9bb64b7d66ee9fda},   {8, 0xdab99d95c6f90092},  {31, 0xa2aa5f33cc4a6119},
      {32, 0x23c3c17ef790fd97},  {33, 0x50a7cfc7ba588784}, {100, 0xa61f8d4c170fe531},
      {1000, 0x5f235fa033f1a3fb}};
  for (const auto& [length, hash] : expected) {
    std::vector<std::byte> bytes(length);
    for (std::size_t i = 0; i < length; ++i) bytes[i] = static_cast<std::byte>((i * 7 + 3) % 256);
    INFO("length " << length);
    CHECK(lookalike::hash64(bytes) == hash);
  }
}
