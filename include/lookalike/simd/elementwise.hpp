#pragma once

/// \file
/// Sums, products and multiples of maps, and dropout.
///
/// Sums and products broadcast: an input of 1 x 1 pixels stands for a constant over height and width, one
/// with one channel for the same number in all channels, of the same picture. Backward functions sum up what
/// was spread. They overwrite gx, or add to it with `accumulate`.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

#include <lookalike/simd/detail/lanes.hpp>

namespace lookalike::simd::inline LOOKALIKE_SIMD_NAMESPACE {

namespace detail {

/// An input seen at the extents of another map.
template <class Scalar>
struct broadcast_map {
  feature_map<const Scalar> map;
  bool one_pixel = false;    ///< spread over height and width
  bool one_channel = false;  ///< spread over the channels

  broadcast_map(const char* where, const feature_map<const Scalar>& m, const feature_map<const Scalar>& to)
      : map(m),
        one_pixel(m.height == 1 && m.width == 1 && (to.height != 1 || to.width != 1)),
        one_channel(m.channels == 1 && to.channels != 1) {
    require(m.batch == to.batch && (one_pixel || (m.height == to.height && m.width == to.width)) &&
                (one_channel || m.channels == to.channels),
            where, ": given a map of ", printed_extents<feature_map<const Scalar>>{m}, " for one of ",
            printed_extents<feature_map<const Scalar>>{to},
            ", wanted the same extents, or one pixel, or one channel");
  }

  bool plain() const { return !one_pixel && !one_channel; }
  /// The pixel that stands at number `i` of the whole batch of larger pictures of `plane` pixels.
  const Scalar* pixel(std::ptrdiff_t i, std::ptrdiff_t plane) const {
    return map.data + (one_pixel ? i / plane : i) * map.pitch;
  }
  template <class Vector>
  xsimd::batch<Scalar> load(const Scalar* pixel, std::ptrdiff_t c, const Vector& vector) const {
    return one_channel ? xsimd::batch<Scalar>(*pixel) : vector.load(pixel + c);
  }
};

/// y = y op input, or y = input.
enum class combination : unsigned char { assign, add, multiply };

template <class Scalar>
void combine(const char* where, const feature_map<const Scalar>& input, combination how,
             const feature_map<Scalar>& y) {
  using batch = xsimd::batch<Scalar>;
  const broadcast_map<Scalar> from(where, input, y);
  if (from.plain()) {
    if (how == combination::assign)
      map_elements(
          y, false, [](const batch& v) { return v; }, input);
    if (how == combination::add)
      map_elements(
          y, true, [](const batch& v) { return v; }, input);
    if (how == combination::multiply)
      map_elements(
          y, false, [](const batch& a, const batch& b) { return a * b; }, y, input);
    return;
  }
  const std::ptrdiff_t plane = std::ptrdiff_t{y.height} * y.width;
  for_ranges(y.pixels(), y.channels * std::ptrdiff_t{2}, [&](std::ptrdiff_t first, std::ptrdiff_t last) {
    for (std::ptrdiff_t i = first; i < last; ++i) {
      const Scalar* pixel = from.pixel(i, plane);
      Scalar* to = y.data + i * y.pitch;
      for_vectors<Scalar>(y.channels, [&](std::ptrdiff_t c, auto vector) {
        batch value = from.load(pixel, c, vector);
        if (how == combination::add) value = vector.load(to + c) + value;
        if (how == combination::multiply) value = vector.load(to + c) * value;
        vector.store(to + c, value);
      });
    }
  });
}

/// gx = the sum of term(pixel of gy's extents, c, vector) over all that gx was spread to.
template <class Scalar, class Term>
void reduce(const feature_map<const Scalar>& gy, const broadcast_map<Scalar>& spread,
            const feature_map<Scalar>& gx, bool accumulate, const Term& term) {
  using batch = xsimd::batch<Scalar>;
  const std::ptrdiff_t plane = std::ptrdiff_t{gy.height} * gy.width;
  const auto deliver = [&](Scalar& to, Scalar value) { to = accumulate ? to + value : value; };
  const auto sum_of_lanes = [](const batch& value, std::ptrdiff_t count) {
    return xsimd::hadd(xsimd::select(first_lanes<Scalar>(count), value, batch(Scalar(0))));
  };
  if (!spread.one_pixel) {  // over the channels, or not at all
    for_ranges(gy.pixels(), gy.channels * std::ptrdiff_t{3}, [&](std::ptrdiff_t first, std::ptrdiff_t last) {
      for (std::ptrdiff_t i = first; i < last; ++i) {
        Scalar* to = gx.data + i * gx.pitch;
        Scalar sum = 0;
        for_vectors<Scalar>(gy.channels, [&](std::ptrdiff_t c, auto vector) {
          const batch value = term(i, c, vector);
          if (spread.one_channel) {
            sum += sum_of_lanes(value, vector.count);
          } else {
            vector.store(to + c, accumulate ? vector.load(to + c) + value : value);
          }
        });
        if (spread.one_channel) deliver(*to, sum);
      }
    });
    return;
  }
  for_blocks(gy.batch, gy.pixels() * gy.channels * 3, [&](std::ptrdiff_t n) {
    Scalar* to = gx.data + n * gx.pitch;
    Scalar sum = 0;
    for_vectors<Scalar>(gy.channels, [&](std::ptrdiff_t c, auto vector) {
      constexpr std::ptrdiff_t run = 64;  // short, so that sums of many floats stay accurate
      batch total(Scalar(0));
      for (std::ptrdiff_t first = 0; first < plane; first += run) {
        batch part(Scalar(0));
        for (std::ptrdiff_t i = first; i < std::min(first + run, plane); ++i)
          part += term(n * plane + i, c, vector);
        total += part;
      }
      if (spread.one_channel) {
        sum += sum_of_lanes(total, vector.count);
      } else {
        vector.store(to + c, accumulate ? vector.load(to + c) + total : total);
      }
    });
    if (spread.one_channel) deliver(*to, sum);
  });
}

}  // namespace detail

/// y = the sum of the inputs, at least one. y may be the first input if that is not broadcast.
template <class Scalar>
void add(std::span<const std::type_identity_t<feature_map<const Scalar>>> inputs,
         const feature_map<Scalar>& y) {
  using batch = xsimd::batch<Scalar>;
  require(!inputs.empty(), "add: given no input, wanted at least one");
  std::size_t done = 1;
  if (inputs.size() > 1 && detail::same_extents(inputs[0], y) && detail::same_extents(inputs[1], y)) {
    detail::map_elements(
        y, false, [](const batch& a, const batch& b) { return a + b; }, inputs[0], inputs[1]);
    done = 2;
  } else {
    detail::combine<Scalar>("add", inputs[0], detail::combination::assign, y);
  }
  for (const auto& input : inputs.subspan(done))
    detail::combine<Scalar>("add", input, detail::combination::add, y);
}

/// The gradient of one input of a sum.
template <class Scalar>
void add_backward(const input_map<Scalar>& gy, const feature_map<Scalar>& gx, bool accumulate) {
  using batch = xsimd::batch<Scalar>;
  const detail::broadcast_map<Scalar> spread("add_backward", gx, gy);
  if (spread.plain()) {
    detail::map_elements(
        gx, accumulate, [](const batch& g) { return g; }, gy);
    return;
  }
  detail::reduce<Scalar>(gy, spread, gx, accumulate, [&](std::ptrdiff_t i, std::ptrdiff_t c, auto vector) {
    return vector.load(gy.data + i * gy.pitch + c);
  });
}

/// y = the product of the inputs, at least one. y may be the first input if that is not broadcast.
template <class Scalar>
void multiply(std::span<const std::type_identity_t<feature_map<const Scalar>>> inputs,
              const feature_map<Scalar>& y) {
  using batch = xsimd::batch<Scalar>;
  require(!inputs.empty(), "multiply: given no input, wanted at least one");
  std::size_t done = 1;
  if (inputs.size() > 1 && detail::same_extents(inputs[0], y) && detail::same_extents(inputs[1], y)) {
    detail::map_elements(
        y, false, [](const batch& a, const batch& b) { return a * b; }, inputs[0], inputs[1]);
    done = 2;
  } else {
    detail::combine<Scalar>("multiply", inputs[0], detail::combination::assign, y);
  }
  for (const auto& input : inputs.subspan(done))
    detail::combine<Scalar>("multiply", input, detail::combination::multiply, y);
}

/// The gradient of input number `which` of a product: gy times the other inputs.
template <class Scalar>
void multiply_backward(std::span<const std::type_identity_t<feature_map<const Scalar>>> inputs,
                       const input_map<Scalar>& gy, std::size_t which, const feature_map<Scalar>& gx,
                       bool accumulate) {
  using batch = xsimd::batch<Scalar>;
  require(which < inputs.size(), "multiply_backward: given input ", which, " of ", inputs.size(),
          ", wanted one of them");
  detail::require_same_extents("multiply_backward", inputs[which], gx);
  const detail::broadcast_map<Scalar> spread("multiply_backward", gx, gy);
  const std::ptrdiff_t plane = std::ptrdiff_t{gy.height} * gy.width;
  detail::reduce<Scalar>(gy, spread, gx, accumulate, [&](std::ptrdiff_t i, std::ptrdiff_t c, auto vector) {
    batch value = vector.load(gy.data + i * gy.pitch + c);
    for (std::size_t j = 0; j < inputs.size(); ++j) {
      if (j == which) continue;
      const detail::broadcast_map<Scalar> other("multiply_backward", inputs[j], gy);
      value *= other.load(other.pixel(i, plane), c, vector);
    }
    return value;
  });
}

/// y = factor x, or y += factor x. y may be x. Its own gradient.
template <class Scalar>
void scale(const input_map<Scalar>& x, std::type_identity_t<Scalar> factor, const feature_map<Scalar>& y,
           bool accumulate = false) {
  using batch = xsimd::batch<Scalar>;
  detail::require_same_extents("scale", x, y);
  detail::map_elements(
      y, accumulate, [factor](const batch& v) { return v * batch(factor); }, x);
}

namespace detail {

/// Elements whose fate is decided at a time.
inline constexpr std::ptrdiff_t dropout_run = 64;

/// keep[i] = 1, or 0 where the word for element `first` + i of the stream is below `threshold`; `first` is a
/// multiple of `dropout_run`. This is `philox` for 16 counters side by side, which compilers turn into
/// vectors.
template <class Scalar>
void decide_dropout(std::uint64_t seed, std::uint64_t stream, std::uint64_t first, std::uint32_t threshold,
                    Scalar* keep) {
  constexpr int counters = dropout_run / 4;
  constexpr auto low = [](std::uint64_t x) { return static_cast<std::uint32_t>(x); };
  constexpr auto high = [](std::uint64_t x) { return static_cast<std::uint32_t>(x >> 32); };
  std::uint32_t word0[counters], word1[counters], word2[counters], word3[counters];
  for (int l = 0; l < counters; ++l) {
    const std::uint64_t counter = first / 4 + static_cast<std::uint64_t>(l);
    word0[l] = low(counter);
    word1[l] = high(counter);
    word2[l] = low(stream);
    word3[l] = high(stream);
  }
  std::uint32_t key0 = low(seed);
  std::uint32_t key1 = high(seed);
  for (int round = 0; round < 10; ++round) {
    for (int l = 0; l < counters; ++l) {
      const std::uint64_t product0 = std::uint64_t{0xD2511F53} * word0[l];
      const std::uint64_t product1 = std::uint64_t{0xCD9E8D57} * word2[l];
      word0[l] = high(product1) ^ word1[l] ^ key0;
      word2[l] = high(product0) ^ word3[l] ^ key1;
      word1[l] = low(product1);
      word3[l] = low(product0);
    }
    key0 += 0x9E3779B9;
    key1 += 0xBB67AE85;
  }
  // not `? 0 : 1`, which would be a branch that nobody can predict
  const auto kept = [threshold](std::uint32_t word) { return static_cast<Scalar>(word >= threshold); };
  for (int l = 0; l < counters; ++l) {
    keep[4 * l] = kept(word0[l]);
    keep[4 * l + 1] = kept(word1[l]);
    keep[4 * l + 2] = kept(word2[l]);
    keep[4 * l + 3] = kept(word3[l]);
  }
}

}  // namespace detail

/// Inverted dropout (Srivastava et al., 2014): with probability `rate`, an element becomes 0; the others are
/// divided by 1 - rate. Whether element c of pixel i of picture n is dropped, is said by word e % 4 of
/// philox(seed, n, e / 4) (core/random.hpp), e = i * channels + c: by nothing else, so that dropping the same
/// elements of the gradient is the backward run, and no mask is stored. y may be x. Throws `value_error`
/// unless 0 <= rate <= 1; at rate 1 everything is 0.
template <class Scalar>
void dropout(const input_map<Scalar>& x, double rate, std::uint64_t seed, const feature_map<Scalar>& y,
             bool accumulate = false) {
  using batch = xsimd::batch<Scalar>;
  detail::require_same_extents("dropout", x, y);
  require(rate >= 0 && rate <= 1, "dropout: given a rate of ", rate, ", wanted one from 0 to 1");
  if (rate == 1) {
    detail::map_elements(y, accumulate, [] { return batch(Scalar(0)); });
    return;
  }
  const auto threshold =
      static_cast<std::uint32_t>(std::min(rate * 0x1p32, 0x1p32 - 1));  // words below it drop
  const batch factor(static_cast<Scalar>(1 / (1 - rate)));
  const bool dense = x.pitch == x.channels && y.pitch == y.channels;
  const std::ptrdiff_t elements = std::ptrdiff_t{y.height} * y.width * y.channels;  // of a picture
  const std::ptrdiff_t blocks = detail::rounded_up_quotient(elements, detail::block_scalars);
  detail::for_blocks(y.batch * blocks, y.batch * elements * 8, [&](std::ptrdiff_t i) {
    const auto n = static_cast<int>(i / blocks);
    const Scalar* from = x.pixel(n, 0, 0);
    Scalar* to = y.pixel(n, 0, 0);
    alignas(64) Scalar keep[detail::dropout_run];
    const std::ptrdiff_t start = i % blocks * detail::block_scalars;
    const std::ptrdiff_t end = std::min(start + detail::block_scalars, elements);
    for (std::ptrdiff_t run = start; run < end; run += detail::dropout_run) {
      detail::decide_dropout(seed, static_cast<std::uint64_t>(n), static_cast<std::uint64_t>(run), threshold,
                             keep);
      const std::ptrdiff_t run_end = std::min(run + detail::dropout_run, end);
      for (std::ptrdiff_t e = run; e < run_end;) {  // pixel by pixel, where there are gaps between them
        const std::ptrdiff_t pixel = dense ? 0 : e / y.channels;
        const std::ptrdiff_t channel = e - pixel * y.channels;
        const std::ptrdiff_t count = dense ? run_end - e : std::min(run_end - e, y.channels - channel);
        const Scalar* source = from + pixel * x.pitch + channel;
        Scalar* target = to + pixel * y.pitch + channel;
        detail::for_vectors<Scalar>(count, [&](std::ptrdiff_t at, auto vector) {
          const batch kept = vector.load(keep + (e - run) + at);
          const batch zero(Scalar(0));
          const batch value = xsimd::select(kept > zero, vector.load(source + at) * factor, zero);
          vector.store(target + at, accumulate ? value + vector.load(target + at) : value);
        });
        e += count;
      }
    }
  });
}

}  // namespace lookalike::simd::inline LOOKALIKE_SIMD_NAMESPACE
