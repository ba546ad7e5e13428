#pragma once

/// \file
/// Chance that can be repeated. Philox4x32-10 (Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy
/// as 1, 2, 3", SC 2011) is a keyed scrambling of a counter: the n-th number of a stream comes without those
/// before it, so that results depend neither on threads nor on what else was drawn, and a checkpoint needs
/// one number to resume. The same bits on all machines: no `std::` distributions, no `std::log`, whose
/// results differ between libraries.

#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <numeric>
#include <span>
#include <utility>
#include <vector>

#include <lookalike/core/error.hpp>

namespace lookalike {

/// 128 random bits: the cipher Philox4x32-10 with key `seed`, applied to the 128-bit number whose upper half
/// is `stream` and whose lower half is `counter`. Words come lowest first, as in the paper's own library.
constexpr std::array<std::uint32_t, 4> philox(std::uint64_t seed, std::uint64_t stream,
                                              std::uint64_t counter) {
  constexpr auto low = [](std::uint64_t x) { return static_cast<std::uint32_t>(x); };
  constexpr auto high = [](std::uint64_t x) { return static_cast<std::uint32_t>(x >> 32); };
  constexpr int rounds = 10;
  std::array<std::uint32_t, 4> words{low(counter), high(counter), low(stream), high(stream)};
  std::uint32_t key0 = low(seed);
  std::uint32_t key1 = high(seed);
  for (int round = 0; round < rounds; ++round) {
    const std::uint64_t product0 = std::uint64_t{0xD2511F53} * words[0];
    const std::uint64_t product1 = std::uint64_t{0xCD9E8D57} * words[2];
    words = {high(product1) ^ words[1] ^ key0, low(product1), high(product0) ^ words[3] ^ key1,
             low(product0)};
    key0 += 0x9E3779B9;  // the golden ratio
    key1 += 0xBB67AE85;  // the square root of 3, less 1
  }
  return words;
}

namespace detail {

// The functions below are made of single operations and explicit fused multiply-adds. A compiler may fuse
// `a * b + c` or not, as the instruction set allows; that would change the last bit between machines.

/// The sum of coefficients[i] * z^i.
template <std::size_t Size>
double polynomial(const std::array<double, Size>& coefficients, double z) {
  double sum = coefficients[Size - 1];
  for (std::size_t i = Size - 1; i-- > 0;) sum = std::fma(sum, z, coefficients[i]);
  return sum;
}

/// Natural logarithm of a positive normal number, within 2 units in the last place.
inline double portable_log(double x) {
  const auto bits = std::bit_cast<std::uint64_t>(x);
  constexpr std::uint64_t fraction = (std::uint64_t{1} << 52) - 1;
  int exponent = static_cast<int>(bits >> 52) - 1023;
  double mantissa = std::bit_cast<double>((bits & fraction) | (std::uint64_t{1023} << 52));  // in [1, 2)
  if (mantissa > 1.4142135623730951) {
    mantissa *= 0.5;
    ++exponent;
  }
  // log(m) = 2 artanh((m - 1) / (m + 1)), by its series
  constexpr std::array<double, 11> series{1.0,      1.0 / 3,  1.0 / 5,  1.0 / 7,  1.0 / 9, 1.0 / 11,
                                          1.0 / 13, 1.0 / 15, 1.0 / 17, 1.0 / 19, 1.0 / 21};
  const double s = (mantissa - 1.0) / (mantissa + 1.0);
  const double part = 2.0 * s * polynomial(series, s * s);
  return std::fma(static_cast<double>(exponent), 0.6931471805599453, part);
}

/// cos(2 pi turn) for 0 <= turn < 1, within 2e-16.
inline double portable_cosine_of_turn(double turn) {
  constexpr std::array<double, 9> cosine{1.0,
                                         -1.0 / 2,
                                         1.0 / 24,
                                         -1.0 / 720,
                                         1.0 / 40320,
                                         -1.0 / 3628800,
                                         1.0 / 479001600,
                                         -1.0 / 87178291200,
                                         1.0 / 20922789888000};
  constexpr std::array<double, 8> sine{1.0,          -1.0 / 6,        1.0 / 120,        -1.0 / 5040,
                                       1.0 / 362880, -1.0 / 39916800, 1.0 / 6227020800, -1.0 / 1307674368000};
  const double quarters = 4.0 * turn;  // exact, as is the remainder
  const int quarter = static_cast<int>(quarters + 0.5);
  const double angle = (quarters - quarter) * 1.5707963267948966;  // within pi/4
  const double square = angle * angle;
  switch (quarter % 4) {
    case 0:
      return polynomial(cosine, square);
    case 1:
      return -(angle * polynomial(sine, square));
    case 2:
      return -polynomial(cosine, square);
    default:
      return angle * polynomial(sine, square);
  }
}

/// The 128-bit product of two words: {upper half, lower half}.
constexpr std::pair<std::uint64_t, std::uint64_t> full_product(std::uint64_t a, std::uint64_t b) {
  constexpr std::uint64_t low = 0xFFFFFFFF;
  const std::uint64_t low_low = (a & low) * (b & low);
  const std::uint64_t high_low = (a >> 32) * (b & low);
  const std::uint64_t low_high = (a & low) * (b >> 32);
  const std::uint64_t middle = (low_low >> 32) + (high_low & low) + low_high;
  return {(a >> 32) * (b >> 32) + (high_low >> 32) + (middle >> 32), a * b};
}

}  // namespace detail

/// A sequence of random numbers: which one, is said by `seed` and `stream`; where in it, by `position`, which
/// counts the 64-bit words drawn so far. Nothing else is remembered: a sequence set to a position goes on as
/// the one that was there. A UniformRandomBitGenerator; small and cheap to make, so that every picture, layer
/// or worker may have a stream of its own.
class random_sequence {
 public:
  using result_type = std::uint64_t;
  static constexpr result_type min() { return 0; }
  static constexpr result_type max() { return std::numeric_limits<result_type>::max(); }

  constexpr explicit random_sequence(std::uint64_t seed = 0, std::uint64_t stream = 0,
                                     std::uint64_t position = 0)
      : seed_(seed), stream_(stream) {
    set_position(position);
  }

  constexpr std::uint64_t seed() const { return seed_; }
  constexpr std::uint64_t stream() const { return stream_; }
  constexpr std::uint64_t position() const { return position_; }
  constexpr void set_position(std::uint64_t position) {
    position_ = position;
    if (position_ % 2 != 0) block_ = philox(seed_, stream_, position_ / 2);
  }

  /// The next 64 random bits.
  constexpr result_type operator()() {
    const bool second = position_ % 2 != 0;  // a block of 128 bits serves two draws
    if (!second) block_ = philox(seed_, stream_, position_ / 2);
    ++position_;
    const std::size_t word = second ? 2 : 0;
    return (std::uint64_t{block_[word + 1]} << 32) | block_[word];
  }

  /// Uniform in [0, 1): a multiple of 2^-53. One draw.
  constexpr double uniform() { return static_cast<double>((*this)() >> 11) * 0x1p-53; }

  /// Uniform in [lowest, highest); `lowest` if they are equal. One draw. Throws `value_error` unless both
  /// bounds and their difference are finite and in order.
  double uniform(double lowest, double highest) {
    const double width = highest - lowest;
    require(width >= 0 && std::isfinite(width), "uniform: given bounds ", lowest, " and ", highest,
            ", wanted finite ones in order");
    const double value = std::fma(uniform(), width, lowest);
    return value < highest ? value : width > 0 ? std::nextafter(highest, lowest) : lowest;
  }

  /// Normal with mean 0 and deviation 1, by Box and Muller's cosine. Two draws; magnitude at most 8.6.
  double normal() {
    const double radius_draw = static_cast<double>(((*this)() >> 11) + 1) * 0x1p-53;  // in (0, 1]
    const double turn = uniform();
    return std::sqrt(-2.0 * detail::portable_log(radius_draw)) * detail::portable_cosine_of_turn(turn);
  }

  /// Normal with the given mean and deviation. Two draws.
  double normal(double mean, double deviation) { return std::fma(normal(), deviation, mean); }

  /// Uniform among 0, 1, ..., count - 1, without bias (Lemire, "Fast random integer generation in an
  /// interval", 2019). One draw, seldom more. Throws `value_error` below 1.
  constexpr std::int64_t integer(std::int64_t count) {
    if (count < 1) require(false, "integer: given a count of ", count, ", wanted at least 1");
    const auto range = static_cast<std::uint64_t>(count);
    auto [value, rest] = detail::full_product((*this)(), range);
    if (rest < range) {
      const std::uint64_t surplus = (0 - range) % range;  // 2^64 mod count
      while (rest < surplus) {
        const auto again = detail::full_product((*this)(), range);
        value = again.first;
        rest = again.second;
      }
    }
    return static_cast<std::int64_t>(value);
  }

  /// Brings `values` into random order, all orders equally likely (Fisher and Yates). Size - 1 draws or a few
  /// more.
  template <class Value>
  constexpr void shuffle(std::span<Value> values) {
    for (std::size_t left = values.size(); left > 1; --left) {
      const auto chosen = static_cast<std::size_t>(integer(static_cast<std::int64_t>(left)));
      std::swap(values[left - 1], values[chosen]);
    }
  }
  template <class Value>
  constexpr void shuffle(std::vector<Value>& values) {
    shuffle(std::span<Value>(values));
  }

  /// 0, 1, ..., count - 1 in random order. Throws `value_error` below 0.
  std::vector<std::int64_t> permutation(std::int64_t count) {
    require(count >= 0, "permutation: given a count of ", count, ", wanted at least 0");
    std::vector<std::int64_t> order(static_cast<std::size_t>(count));
    std::iota(order.begin(), order.end(), std::int64_t{0});
    shuffle(order);
    return order;
  }

  /// Whether both will draw the same numbers from here on.
  friend constexpr bool operator==(const random_sequence& a, const random_sequence& b) {
    return a.seed_ == b.seed_ && a.stream_ == b.stream_ && a.position_ == b.position_;
  }

 private:
  std::uint64_t seed_;
  std::uint64_t stream_;
  std::uint64_t position_ = 0;
  std::array<std::uint32_t, 4> block_{};  // where the position is odd: the block it points into
};

}  // namespace lookalike
