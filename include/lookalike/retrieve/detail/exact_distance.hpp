#pragma once

/// \file
/// The distance of two vectors as it is defined: in double precision, and of bytes from whole numbers.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <lookalike/retrieve/metric.hpp>
#include <lookalike/retrieve/vector_view.hpp>
#include <lookalike/simd/byte_products.hpp>
#include <lookalike/simd/float16.hpp>
#include <lookalike/simd/precise.hpp>
#include <lookalike/simd/prefetch.hpp>

namespace lookalike::detail {

/// The exact distances from one query.
class row_measure {
 public:
  virtual ~row_measure() = default;
  virtual double operator()(std::int64_t row) = 0;
  /// The row will be measured next.
  virtual void fetch(std::int64_t row) const = 0;
};

/// What distances of bytes need of each row besides products.
struct byte_moments {
  std::int64_t sum = 0;
  std::int64_t squares = 0;

  byte_moments() = default;
  byte_moments(const std::uint8_t* row, std::int64_t dimension)
      : sum(simd::byte_sum(row, dimension)), squares(simd::byte_inner_product(row, row, dimension)) {}
};

/// From one vector to those of a table. Not for several threads at once: it keeps a row.
class exact_distance final : public row_measure {
 public:
  /// `moments` are those of all rows of bytes, or null.
  exact_distance(const vector_view& known, const vector_view& queries, std::int64_t query, metric m,
                 const byte_moments* moments = nullptr)
      : known_(known), metric_(m), dimension_(known.dimension()), moments_(moments) {
    if (known.type() == element::uint8) {
      bytes_ = queries.row_as<std::uint8_t>(query);
      own_ = byte_moments(bytes_, dimension_);
    } else {
      values_.resize(static_cast<std::size_t>(dimension_));
      if (known.type() == element::float16) {
        simd::widen(queries.row_as<float16>(query), dimension_, values_.data());
        row_.resize(values_.size());
      } else {
        std::copy_n(queries.row_as<float>(query), dimension_, values_.data());
      }
      if (metric_ == metric::correlation) {
        mean_ = simd::precise_sum(values_.data(), dimension_) / static_cast<double>(dimension_);
        spread_ = spread_of(values_.data(), mean_);
      }
    }
  }

  void fetch(std::int64_t row) const override {
    simd::prefetch(known_.row(row), static_cast<std::ptrdiff_t>(known_.row_size()));
  }

  double operator()(std::int64_t row) override {
    if (known_.type() == element::uint8) return of_bytes(row);
    const float* values = nullptr;
    if (known_.type() == element::float16) {
      simd::widen(known_.row_as<float16>(row), dimension_, row_.data());
      values = row_.data();
    } else {
      values = known_.row_as<float>(row);
    }
    switch (metric_) {
      case metric::squared_l2:
        return simd::precise_squared_l2(values_.data(), values, dimension_);
      case metric::inner_product:
        return -simd::precise_inner_product(values_.data(), values, dimension_);
      default:
        break;
    }
    const double mean = simd::precise_sum(values, dimension_) / static_cast<double>(dimension_);
    const double spread = spread_of(values, mean);
    if (spread_ == 0 || spread == 0) return 1;
    const double product = simd::precise_inner_product(values_.data(), values, dimension_, mean_, mean);
    return 1 - std::clamp(product / (spread_ * spread), -1.0, 1.0);
  }

  /// The length of a vector less its mean; 0 where that is nothing but rounding.
  static double spread_of(const float* values, std::int64_t dimension, double mean) {
    const double squares = simd::precise_inner_product(values, values, dimension, mean, mean);
    // A constant whose mean is rounded is not quite the mean: each difference is below 2^-51 of it.
    const double noise = mean * 0x1p-50;
    return squares <= noise * noise * static_cast<double>(dimension) ? 0 : std::sqrt(squares);
  }

 private:
  double spread_of(const float* values, double mean) const { return spread_of(values, dimension_, mean); }

  double of_bytes(std::int64_t number) const {
    const std::uint8_t* row = known_.row_as<std::uint8_t>(number);
    const std::int64_t product = simd::byte_inner_product(bytes_, row, dimension_);
    if (metric_ == metric::inner_product) return -static_cast<double>(product);
    const byte_moments other = moments_ != nullptr ? moments_[number] : byte_moments(row, dimension_);
    if (metric_ == metric::squared_l2) {
      return static_cast<double>(own_.squares + other.squares - 2 * product);
    }
    const auto a = static_cast<double>(dimension_ * own_.squares - own_.sum * own_.sum);
    const auto b = static_cast<double>(dimension_ * other.squares - other.sum * other.sum);
    if (a == 0 || b == 0) return 1;
    const auto both = static_cast<double>(dimension_ * product - own_.sum * other.sum);
    return 1 - std::clamp(both / (std::sqrt(a) * std::sqrt(b)), -1.0, 1.0);
  }

  vector_view known_;
  metric metric_;
  std::int64_t dimension_;
  const byte_moments* moments_;
  std::vector<float> values_, row_;
  double mean_ = 0, spread_ = 0;
  const std::uint8_t* bytes_ = nullptr;
  byte_moments own_;
};

}  // namespace lookalike::detail
