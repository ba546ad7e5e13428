#pragma once

/// \file
/// Principal components: the orthonormal directions in which vectors differ most. Fitted on a sample by
/// subspace iteration from a random start (N. Halko, P. Martinsson and J. Tropp, Finding structure with
/// randomness, SIAM Review 2011, algorithm 4.4), since only the leading ones are wanted.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <ios>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <lookalike/core/error.hpp>
#include <lookalike/core/files.hpp>
#include <lookalike/core/hash.hpp>
#include <lookalike/core/memory.hpp>
#include <lookalike/core/parallel.hpp>
#include <lookalike/core/random.hpp>
#include <lookalike/core/tensor.hpp>
#include <lookalike/retrieve/descriptor.hpp>
#include <lookalike/retrieve/detail/dense_algebra.hpp>
#include <lookalike/retrieve/detail/row_source.hpp>
#include <lookalike/retrieve/vector_view.hpp>
#include <lookalike/simd/inner_product.hpp>
#include <lookalike/simd/matrix_product.hpp>
#include <lookalike/simd/panel_product.hpp>

namespace lookalike {

struct principal_component_options {
  /// How many; never more than the dimension.
  int components = 64;
  /// Fitted on at most so many vectors, evenly spaced.
  std::int64_t sample = 4096;
  /// Rounds of subspace iteration. Each costs two products with the sample and sharpens the later components.
  int iterations = 2;
  std::uint64_t seed = 0;
};

namespace detail {

/// A product of matrices with memory of its own: c = a b, where b is a view or kept as panels.
template <class Right>
void multiply(const simd::matrix_view<const float>& a, const Right& b, const simd::matrix_view<float>& c) {
  aligned_vector<float> scratch(
      static_cast<std::size_t>(simd::matrix_product_scratch<float>(c.rows, c.columns, a.columns)));
  simd::matrix_product(a, b, nullptr, c, false, scratch);
}

inline simd::matrix_view<const float> rows_of(const float* data, std::int64_t rows, std::int64_t columns) {
  return {data, static_cast<std::ptrdiff_t>(rows), static_cast<std::ptrdiff_t>(columns),
          static_cast<std::ptrdiff_t>(columns), 1};
}
inline simd::matrix_view<float> rows_of(float* data, std::int64_t rows, std::int64_t columns) {
  return {data, static_cast<std::ptrdiff_t>(rows), static_cast<std::ptrdiff_t>(columns),
          static_cast<std::ptrdiff_t>(columns), 1};
}

}  // namespace detail

/// A mean and orthonormal directions, by falling variance. As a stage it turns descriptors into shorter ones:
/// `gist | components | lookup(...)`.
class principal_components {
 public:
  using input = descriptor;
  using output = descriptor;
  static constexpr std::string_view name = "principal_components";

  principal_components() = default;

  /// Fits to vectors. Throws `value_error` when there are none, for values that are not finite, and for fewer
  /// than 1 component. Costs 2 * iterations + 2 products of the sample with the components.
  static principal_components fit(const vector_view& vectors,
                                  const principal_component_options& options = {}) {
    return fit(detail::rows_for(vectors, metric::squared_l2), options);
  }
  static principal_components fit(const detail::row_source& rows,
                                  const principal_component_options& options = {}) {
    require(rows.count > 0 && rows.dimension > 0, "principal_components: given ", rows.count, " vectors of ",
            rows.dimension, " numbers, wanted at least one");
    require(options.components >= 1, "principal_components: given ", options.components,
            " components, wanted at least 1");
    require(options.sample >= 1 && options.iterations >= 0, "principal_components: given a sample of ",
            options.sample, " and ", options.iterations, " iterations, wanted at least 1 and 0");
    principal_components result;
    result.dimension_ = rows.dimension;
    const std::int64_t dimension = rows.dimension;
    const std::int64_t count = std::min(rows.count, options.sample);
    aligned_vector<float> sample(static_cast<std::size_t>(count * dimension));
    parallel_for(count, [&](std::int64_t i) {
      float* to = sample.data() + i * dimension;
      rows.read(spread(i, count, rows.count), to);
      require(std::isfinite(simd::precise_inner_product(to, to, dimension)),
              "principal_components: given a vector with values that are not finite");
    });
    result.center(sample, count);
    const std::int64_t wanted = std::min<std::int64_t>(options.components, dimension);
    const std::int64_t width = std::min<std::int64_t>(wanted + 8, dimension);
    result.find_directions(sample, count, wanted, width, options);
    return result;
  }

  std::int64_t dimension() const { return dimension_; }
  std::int64_t components() const { return static_cast<std::int64_t>(variances_.size()); }
  std::span<const float> mean() const { return mean_; }
  /// `components()` rows of `dimension()` numbers.
  std::span<const float> directions() const { return directions_; }
  /// Of the sample, along each direction.
  std::span<const double> variances() const { return variances_; }
  /// Of the sample, in all directions.
  double total_variance() const { return total_variance_; }

  /// Coordinates of vectors: (count, components, 1, 1). Throws `value_error` for another dimension.
  tensor<float> project(const vector_view& vectors) const {
    require(vectors.dimension() == dimension_ || vectors.size() == 0,
            "principal_components: given vectors of ", vectors.dimension(), " numbers, wanted ", dimension_);
    tensor<float> result(vectors.size(), components());
    constexpr std::int64_t rows_a_step = 128;
    parallel_for((vectors.size() + rows_a_step - 1) / rows_a_step, [&](std::int64_t step) {
      const std::int64_t first = step * rows_a_step;
      const std::int64_t count = std::min(rows_a_step, vectors.size() - first);
      aligned_vector<float> rows(static_cast<std::size_t>(count * dimension_));
      for (std::int64_t i = 0; i < count; ++i) {
        float* row = rows.data() + i * dimension_;
        detail::read_floats(vectors, first + i, row);
        for (std::int64_t j = 0; j < dimension_; ++j) row[j] -= mean_[static_cast<std::size_t>(j)];
      }
      coordinates(rows.data(), count, result.data() + first * components());
    });
    return result;
  }

  /// The coordinates as a descriptor of one cell. Its block can be compared with those of these components
  /// alone. Throws `value_error` for a descriptor that is not valid, of another number of values, or of a
  /// picture with a hole: components mix all cells.
  descriptor operator()(const descriptor& whole) const {
    require_valid(whole, name);
    require(std::ssize(whole.values) == dimension_, "principal_components: given a descriptor of ",
            whole.values.size(), " values, wanted ", dimension_);
    for (const float weight : whole.weights) {
      require(weight == 1, "principal_components: given a cell weight of ", weight,
              ", wanted 1: components mix all cells");
    }
    const tensor<float> values = project({whole.values.data(), 1, dimension_});
    const auto count = static_cast<int>(components());
    return {
        {{sentence("principal_components(", count, " of ", dimension_, ",fit=", std::hex, fingerprint(), ")"),
          1, count, 1.0f}},
        {values.begin(), values.end()},
        {1.0f}};
  }

  /// Writes a file: the line "lookalike principal components 1", then in the machine's order of bytes (little
  /// endian on all that are supported) the dimension and the number of components as 64-bit integers, the
  /// total variance and the variances as doubles, the mean and the directions as floats, and the hash of all
  /// before it. Throws `file_error`; a file of that name then stays as it was.
  void save(const std::filesystem::path& path) const {
    std::vector<std::byte> bytes = contents();
    append(bytes, hash64(bytes));
    write_atomically(path, bytes);
  }

  /// Throws `file_error` for a file that cannot be read, is of another kind or version, cut short or damaged.
  static principal_components load(const std::filesystem::path& path) {
    const std::vector<std::byte> bytes = read_file(path);
    std::size_t at = 0;
    const auto take = [&](void* to, std::size_t size) {
      require<file_error>(size <= bytes.size() - at, "cannot read '", path.string(),
                          "': it is cut short, or holds no principal components of this version");
      std::memcpy(to, bytes.data() + at, size);
      at += size;
    };
    std::string begin(magic.size(), ' ');
    take(begin.data(), begin.size());
    require<file_error>(begin == magic, "cannot read '", path.string(),
                        "': it holds no principal components of this version");
    std::int64_t extents[2] = {};
    take(extents, sizeof extents);
    const auto [dimension, count] = extents;
    const auto size = static_cast<std::int64_t>(bytes.size());
    require<file_error>(
        dimension >= 1 && count >= 1 && count <= dimension && dimension <= size && dimension * count <= size,
        "cannot read '", path.string(), "': given ", count, " components of ", dimension, " numbers in ",
        size, " bytes");
    principal_components result;
    result.dimension_ = dimension;
    result.variances_.resize(static_cast<std::size_t>(count));
    result.mean_.resize(static_cast<std::size_t>(dimension));
    result.directions_.resize(static_cast<std::size_t>(dimension * count));
    take(&result.total_variance_, sizeof(double));
    take(result.variances_.data(), result.variances_.size() * sizeof(double));
    take(result.mean_.data(), result.mean_.size() * sizeof(float));
    take(result.directions_.data(), result.directions_.size() * sizeof(float));
    std::uint64_t hash = 0;
    take(&hash, sizeof hash);
    require<file_error>(at == bytes.size() && hash == hash64(std::span(bytes).first(at - sizeof hash)),
                        "cannot read '", path.string(), "': its bytes have changed since they were written");
    result.complete();
    return result;
  }

  /// Coordinates of `count` rows from which the mean has been taken.
  void coordinates(const float* rows, std::int64_t count, float* to) const {
    if (count == 1) {
      simd::inner_products(components(), dimension_, directions_.data(), dimension_, rows, to);
      return;
    }
    detail::multiply(detail::rows_of(rows, count, dimension_), panels_,
                     detail::rows_of(to, count, components()));
  }

  /// How far the directions are from orthonormal: a bound of the norm of V^T V - 1.
  double skewness() const { return skewness_; }

 private:
  static constexpr std::string_view magic = "lookalike principal components 1\n";

  template <class Value>
  static void append(std::vector<std::byte>& bytes, const Value& value) {
    const auto some = std::as_bytes(std::span(&value, 1));
    bytes.insert(bytes.end(), some.begin(), some.end());
  }
  template <class Values>
  static void append_all(std::vector<std::byte>& bytes, const Values& values) {
    const auto some = std::as_bytes(std::span(values));
    bytes.insert(bytes.end(), some.begin(), some.end());
  }
  std::vector<std::byte> contents() const {
    std::vector<std::byte> bytes;
    append_all(bytes, magic);
    append(bytes, dimension_);
    append(bytes, components());
    append(bytes, total_variance_);
    append_all(bytes, variances_);
    append_all(bytes, mean_);
    append_all(bytes, directions_);
    return bytes;
  }
  std::uint64_t fingerprint() const { return hash64(std::as_bytes(std::span(directions_))); }

  static std::int64_t spread(std::int64_t i, std::int64_t count, std::int64_t total) {
    return static_cast<std::int64_t>(static_cast<double>(i) * static_cast<double>(total) /
                                     static_cast<double>(count));
  }

  void center(aligned_vector<float>& sample, std::int64_t count) {
    std::vector<double> sums(static_cast<std::size_t>(dimension_));
    for (std::int64_t i = 0; i < count; ++i) {
      for (std::int64_t j = 0; j < dimension_; ++j) {
        sums[static_cast<std::size_t>(j)] +=
            static_cast<double>(sample[static_cast<std::size_t>(i * dimension_ + j)]);
      }
    }
    for (const double sum : sums) mean_.push_back(static_cast<float>(sum / static_cast<double>(count)));
    for (std::int64_t i = 0; i < count; ++i) {
      float* row = sample.data() + i * dimension_;
      for (std::int64_t j = 0; j < dimension_; ++j) row[j] -= mean_[static_cast<std::size_t>(j)];
      total_variance_ += simd::precise_inner_product(row, row, dimension_) / static_cast<double>(count);
    }
  }

  /// `width` directions in which the search goes on, of which `wanted` are kept.
  void find_directions(const aligned_vector<float>& sample, std::int64_t count, std::int64_t wanted,
                       std::int64_t width, const principal_component_options& options) {
    using detail::multiply;
    using detail::rows_of;
    const auto vectors = rows_of(sample.data(), count, dimension_);
    aligned_vector<float> images(static_cast<std::size_t>(count * width));
    const auto image_rows = rows_of(std::as_const(images).data(), count, width);
    for (std::size_t i = 0; i < images.size(); i += 4) {  // random signs
      const auto bits = philox(options.seed, 0, i);
      for (std::size_t k = i; k < std::min(i + 4, images.size()); ++k) {
        images[k] = (bits[k - i] & 1U) != 0 ? 1.0f : -1.0f;
      }
    }
    aligned_vector<float> basis(static_cast<std::size_t>(width * dimension_));
    aligned_vector<float> across(basis.size());  // its transpose
    const auto basis_rows = rows_of(std::as_const(basis).data(), width, dimension_);
    for (int round = 0;; ++round) {
      multiply(image_rows.transposed(), vectors, rows_of(basis.data(), width, dimension_));
      // So large that squares neither vanish nor overflow.
      float largest = 0;
      for (const float value : basis) largest = std::max(largest, std::abs(value));
      if (largest > 0) {
        for (float& value : basis) value /= largest;
      }
      detail::orthonormalize_rows(basis.data(), width, dimension_);
      // A copy, as products read columns of it again and again.
      for (std::int64_t i = 0; i < width; ++i) {
        for (std::int64_t j = 0; j < dimension_; ++j) {
          across[static_cast<std::size_t>(j * width + i)] =
              basis[static_cast<std::size_t>(i * dimension_ + j)];
        }
      }
      multiply(vectors, rows_of(std::as_const(across).data(), dimension_, width),
               rows_of(images.data(), count, width));
      if (round == options.iterations) break;
    }
    aligned_vector<float> products(static_cast<std::size_t>(width * width));
    multiply(image_rows.transposed(), image_rows, rows_of(products.data(), width, width));
    const auto found = detail::find_leading_eigenvectors(products, width, wanted);
    directions_.resize(static_cast<std::size_t>(wanted * dimension_));
    multiply(rows_of(found.rows.data(), wanted, width), basis_rows,
             rows_of(directions_.data(), wanted, dimension_));
    for (const double value : found.values) {
      variances_.push_back(std::max(0.0, value / static_cast<double>(count)));
    }
    complete();
  }

  /// What follows from the directions.
  void complete() {
    panels_ = simd::panel_matrix(static_cast<int>(dimension_), static_cast<int>(components()));
    for (int i = 0; i < panels_.columns(); ++i) {
      for (int j = 0; j < panels_.rows(); ++j) {
        panels_(j, i) = directions_[static_cast<std::size_t>(i * dimension_ + j)];
      }
    }
    measure_skewness();
  }

  void measure_skewness() {
    std::vector<double> squares(static_cast<std::size_t>(components()));
    parallel_for(components(), [&](std::int64_t i) {
      for (std::int64_t j = 0; j <= i; ++j) {
        const double product = simd::precise_inner_product(directions_.data() + i * dimension_,
                                                           directions_.data() + j * dimension_, dimension_) -
                               (i == j ? 1.0 : 0.0);
        squares[static_cast<std::size_t>(i)] += (i == j ? 1 : 2) * product * product;
      }
    });
    double sum = 0;
    for (const double square : squares) sum += square;
    skewness_ = std::sqrt(sum);
  }

  std::int64_t dimension_ = 0;
  std::vector<float> mean_;
  aligned_vector<float> directions_;
  simd::panel_matrix panels_;  // the transpose, as products of matrices read it
  std::vector<double> variances_;
  double total_variance_ = 0;
  double skewness_ = 0;
};

}  // namespace lookalike
