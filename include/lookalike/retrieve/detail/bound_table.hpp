#pragma once

/// \file
/// What a search reads before it reads the vectors themselves: principal components in 8 bits, and norms of
/// what they leave out. From them follows how near a vector can be at most.
///
/// Let y be a row less the mean, z = V^T y its coordinates along orthonormal directions V, and t = |y - V z|.
/// For a query's vector u with coordinates b and rest tau,
///
///     u.y <= b.z + tau t                                  (Cauchy and Schwarz)
///
/// and with the coordinates rounded to multiples of steps s, z = s (k + e), |e| <= E,
///
///     b.z <= sum_j b_j s_j k_j + |b s| E.
///
/// A distance is `constant - promise`, the promise at most
///
///     scale * (integer product of the codes with the query's factors) + offset of the row + tau * t.
///
/// The first components are read for all rows. Those after them lie in records, level by level, for rows that
/// are left over: a record holds the codes of its level and the t of all components up to there, so that
/// another look at a row costs a cache line and not three.
///
/// What rounding adds is a part of the constant, with bounds that hold in the worst case. Rows that do not
/// fit the steps have an infinite t: they are never left out.

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <limits>
#include <span>
#include <utility>
#include <vector>

#include <lookalike/core/memory.hpp>
#include <lookalike/core/parallel.hpp>
#include <lookalike/retrieve/detail/row_source.hpp>
#include <lookalike/retrieve/principal_components.hpp>
#include <lookalike/simd/precise.hpp>
#include <lookalike/simd/quantized_product.hpp>

namespace lookalike::detail {

/// A query in the form that the codes are multiplied with. No distance is below the constant of a stage less
/// what is promised after it.
struct bound_query {
  struct stage {
    float scale = 0;
    float tail = 0;
    double constant = 0;
  };
  struct level : stage {
    aligned_vector<std::int16_t> factors;  ///< as long as a record: those of its tail are 0
  };
  aligned_vector<std::int32_t> coarse_factors;  ///< in pairs
  stage coarse;
  std::vector<level> levels;

  const stage& last() const { return levels.empty() ? coarse : levels.back(); }
};

/// What a query asks: `constant + sum of extra[c] * extra column c of the row - factor * (vector . y) -
/// offset of the row`.
struct bound_question {
  const float* vector = nullptr;
  double factor = 1;
  std::span<const double> extra{};
  double constant = 0;
  /// Rounding errors of the above that the table cannot know.
  double slack = 0;
};

struct bound_table_plan {
  int coarse = 32;  ///< components that are read for all rows
  int split = 8;    ///< so many of them in 16 bits
  /// So many components, these included, are known after each level. A record of 60 codes is a cache line.
  std::vector<int> levels = {92, 280};
  std::int64_t sample = 4096;

  int components() const { return levels.empty() ? coarse : levels.back(); }
};

class bound_table {
 public:
  /// `offset(y, squared length of y)` is what is added to a row's promise.
  using offset_of = std::function<double(const float* y, double squares)>;
  /// Further columns of the first stage.
  struct extra_columns {
    int count = 0;
    std::function<void(const float* y, float* to)> read{};
  };

  bound_table() = default;
  bound_table(const row_source& rows, principal_components components, const bound_table_plan& plan,
              const offset_of& offset, const extra_columns& extra, const progress& watcher = {})
      : components_(std::move(components)), count_(rows.count), extra_(extra.count) {
    const auto all = static_cast<int>(components_.components());
    coarse_components_ = std::min(plan.coarse, all);
    split_ = std::min(plan.split, coarse_components_);
    coarse_columns_ = (coarse_components_ + split_ + extra_ + 1) / 2 * 2;
    int begin = coarse_components_;
    for (const int planned : plan.levels) {
      const int end = std::min(planned, all);
      if (end > begin) levels_.emplace_back(begin, end, count_);
      begin = std::max(begin, end);
    }
    choose_steps(rows, extra, plan.sample);
    const std::int64_t groups = (count_ + simd::quantized_rows - 1) / simd::quantized_rows;
    const auto padded = static_cast<std::size_t>(groups * simd::quantized_rows);
    coarse_.resize(padded * static_cast<std::size_t>(coarse_columns_));
    offsets_.resize(padded);
    tails_.resize(padded);
    const std::int64_t blocks = (count_ + rows_a_block - 1) / rows_a_block;
    extent_ = extent(levels_.size());
    std::vector<extent> extents(static_cast<std::size_t>(blocks), extent_);
    parallel_for(
        blocks,
        [&](std::int64_t block) {
          fill_block(rows, extra, offset, block, extents[static_cast<std::size_t>(block)]);
        },
        watcher, "prepare");
    for (const extent& part : extents) extent_.join(part);
  }

  std::int64_t count() const { return count_; }
  std::int64_t groups() const { return (count_ + simd::quantized_rows - 1) / simd::quantized_rows; }
  const principal_components& components() const { return components_; }
  std::int64_t coarse_columns() const { return coarse_columns_; }
  const std::int8_t* coarse(std::int64_t group) const {
    return coarse_.data() + group * simd::quantized_rows * coarse_columns_;
  }
  const float* offsets() const { return offsets_.data(); }
  const float* coarse_tails() const { return tails_.data(); }

  /// Components [begin, end) of all rows.
  class level {
   public:
    level(int begin, int end, std::int64_t count)
        : begin_(begin),
          end_(end),
          size_((end - begin + tail_size + 15) / 16 * 16),
          records_(static_cast<std::size_t>(count * size_)) {}

    int begin() const { return begin_; }
    int end() const { return end_; }
    /// Bytes of a record.
    std::int64_t size() const { return size_; }
    const std::int8_t* record(std::int64_t row) const { return records_.data() + row * size_; }
    std::int8_t* record(std::int64_t row) { return records_.data() + row * size_; }
    static constexpr std::int64_t tail_size = sizeof(float);
    float tail(std::int64_t row) const {
      float value;
      std::memcpy(&value, record(row) + size_ - tail_size, sizeof value);
      return value;
    }
    void set_tail(std::int64_t row, float value) {
      std::memcpy(record(row) + size_ - tail_size, &value, sizeof value);
    }
    std::size_t memory() const { return records_.size(); }

   private:
    int begin_, end_;
    std::int64_t size_;
    aligned_vector<std::int8_t> records_;
  };
  const std::vector<level>& levels() const { return levels_; }

  std::size_t memory() const {
    std::size_t bytes =
        coarse_.size() + (offsets_.size() + tails_.size() + components_.directions().size()) * sizeof(float);
    for (const level& one : levels_) bytes += one.memory();
    return bytes;
  }
  /// No row that the steps fit is longer.
  double length() const { return extent_.length; }
  /// Rows that the steps do not fit.
  std::int64_t misfits() const { return extent_.misfits; }

  std::vector<bound_query> ask(std::span<const bound_question> questions) const {
    const std::int64_t dimension = components_.dimension();
    const std::int64_t width = components_.components();
    const auto count = static_cast<std::int64_t>(questions.size());
    aligned_vector<float> coordinates(static_cast<std::size_t>(count * width));
    if (count == 1) {
      components_.coordinates(questions[0].vector, 1, coordinates.data());
    } else {
      aligned_vector<float> vectors(static_cast<std::size_t>(count * dimension));
      for (std::int64_t i = 0; i < count; ++i) {
        std::copy_n(questions[static_cast<std::size_t>(i)].vector, dimension, vectors.data() + i * dimension);
      }
      components_.coordinates(vectors.data(), count, coordinates.data());
    }
    std::vector<bound_query> result;
    for (std::int64_t i = 0; i < count; ++i) {
      result.push_back(ask(questions[static_cast<std::size_t>(i)], coordinates.data() + i * width));
    }
    return result;
  }

 private:
  static constexpr std::int64_t rows_a_block = 128;
  static constexpr float steps_each_side = 127;
  static constexpr float steps_of_step = 254;

  /// Norms of the codes of a stage, and of their rounding errors in steps.
  struct code_norms {
    double codes = 0, error = 0;
  };
  /// The largest of what the bounds need, over rows that the steps fit.
  struct extent {
    double length = 0;
    double offset = 0;
    std::int64_t misfits = 0;
    std::vector<code_norms> stages;  ///< the first, and the levels

    explicit extent(std::size_t levels = 0) : stages(levels + 1) {}

    void join(const extent& other) {
      length = std::max(length, other.length);
      offset = std::max(offset, other.offset);
      misfits += other.misfits;
      for (std::size_t i = 0; i < stages.size(); ++i) {
        stages[i].codes = std::max(stages[i].codes, other.stages[i].codes);
        stages[i].error = std::max(stages[i].error, other.stages[i].error);
      }
    }
  };

  /// How much a coordinate that is computed in floats can be wrong, for a vector of length 1: sums run over
  /// at most 256 terms one after another (simd/detail/row_products.hpp, fast_matrix_product.hpp).
  double rounding(int directions) const {
    const double dimension = static_cast<double>(components_.dimension());
    const double additions = std::min(dimension, 256.0) + dimension / 256 + 16;
    const double unit = static_cast<double>(std::numeric_limits<float>::epsilon()) / 2;
    return std::sqrt(static_cast<double>(directions)) * additions * unit * 1.01;
  }

  /// t^2 = |y|^2 - |z|^2, rounded up.
  float tail(double squares, double captured, int directions) const {
    const double error = 2 * rounding(directions) + 3 * components_.skewness() + 1e-7;
    const double left = std::max(0.0, squares - captured) + error * squares;
    return static_cast<float>(std::sqrt(left) * (1 + 1e-6) + 1e-37);
  }

  void choose_steps(const row_source& rows, const extra_columns& extra, std::int64_t sample) {
    constexpr float margin = 1.5f;
    const std::int64_t count = std::min(count_, sample);
    const auto width = static_cast<std::size_t>(components_.components());
    const std::int64_t blocks = (count + rows_a_block - 1) / rows_a_block;
    std::vector<std::vector<float>> largest(static_cast<std::size_t>(blocks));
    std::vector<std::vector<float>> lowest(largest.size()), highest(largest.size());
    constexpr float infinity = std::numeric_limits<float>::infinity();
    parallel_for(blocks, [&](std::int64_t block) {
      const std::int64_t first = block * rows_a_block;
      const std::int64_t some = std::min(rows_a_block, count - first);
      aligned_vector<float> values(static_cast<std::size_t>(some * rows.dimension));
      aligned_vector<float> coordinates(static_cast<std::size_t>(some) * width);
      std::vector<float> columns(static_cast<std::size_t>(extra_));
      auto& most = largest[static_cast<std::size_t>(block)];
      auto& low = lowest[static_cast<std::size_t>(block)];
      auto& high = highest[static_cast<std::size_t>(block)];
      most.assign(width, 0.0f);
      low.assign(columns.size(), infinity);
      high.assign(columns.size(), -infinity);
      for (std::int64_t i = 0; i < some; ++i) {
        const std::int64_t row = static_cast<std::int64_t>(
            static_cast<double>(first + i) * static_cast<double>(count_) / static_cast<double>(count));
        read_centered(rows, row, values.data() + i * rows.dimension);
        if (extra_ == 0) continue;
        extra.read(values.data() + i * rows.dimension, columns.data());
        for (std::size_t c = 0; c < columns.size(); ++c) {
          low[c] = std::min(low[c], columns[c]);
          high[c] = std::max(high[c], columns[c]);
        }
      }
      components_.coordinates(values.data(), some, coordinates.data());
      for (std::size_t i = 0; i < coordinates.size(); ++i) {
        most[i % width] = std::max(most[i % width], std::abs(coordinates[i]));
      }
    });
    steps_.assign(width, 0.0f);
    extra_low_.assign(static_cast<std::size_t>(extra_), infinity);
    std::vector<float> extra_high(static_cast<std::size_t>(extra_), -infinity);
    for (std::size_t block = 0; block < largest.size(); ++block) {
      for (std::size_t j = 0; j < width; ++j) steps_[j] = std::max(steps_[j], largest[block][j]);
      for (std::size_t c = 0; c < extra_high.size(); ++c) {
        extra_low_[c] = std::min(extra_low_[c], lowest[block][c]);
        extra_high[c] = std::max(extra_high[c], highest[block][c]);
      }
    }
    // Directions in which the sample hardly differs get steps, too.
    const auto least = static_cast<float>(std::sqrt(components_.total_variance()) * 1e-3 + 1e-30);
    for (float& step : steps_) step = std::max(margin * step, least) / steps_each_side;
    for (std::size_t c = 0; c < extra_high.size(); ++c) {
      const float middle = 0.5f * (extra_low_[c] + extra_high[c]);
      const float reach = std::max(margin * 0.5f * (extra_high[c] - extra_low_[c]), 1e-30f);
      extra_middle_.push_back(middle);
      extra_steps_.push_back(reach / steps_each_side);
    }
  }

  void read_centered(const row_source& rows, std::int64_t row, float* to) const {
    rows.read(row, to);
    const float* mean = components_.mean().data();
    for (std::int64_t j = 0; j < rows.dimension; ++j) to[j] -= mean[j];
  }

  void fill_block(const row_source& rows, const extra_columns& extra, const offset_of& offset,
                  std::int64_t block, extent& seen) {
    const std::int64_t first = block * rows_a_block;
    const std::int64_t some = std::min(rows_a_block, count_ - first);
    const std::int64_t dimension = rows.dimension;
    const std::int64_t width = components_.components();
    aligned_vector<float> values(static_cast<std::size_t>(some * dimension));
    aligned_vector<float> coordinates(static_cast<std::size_t>(some * width));
    std::vector<float> columns(static_cast<std::size_t>(extra_));
    for (std::int64_t i = 0; i < some; ++i) read_centered(rows, first + i, values.data() + i * dimension);
    components_.coordinates(values.data(), some, coordinates.data());
    for (std::int64_t i = 0; i < some; ++i) {
      const float* y = values.data() + i * dimension;
      if (extra_ > 0) extra.read(y, columns.data());
      fill_row(first + i, y, coordinates.data() + i * width, columns, offset, seen);
    }
  }

  void fill_row(std::int64_t row, const float* y, const float* z, std::span<const float> columns,
                const offset_of& offset, extent& seen) {
    constexpr float infinity = std::numeric_limits<float>::infinity();
    const auto at = static_cast<std::size_t>(row);
    const double squares = simd::precise_inner_product(y, y, components_.dimension());
    require(std::isfinite(squares), "search: given a vector whose squared length is ", squares,
            ", wanted finite numbers");
    bool fits = squares < 1e30;
    double captured = 0;
    extent here(levels_.size());
    const auto code_of = [&](float value, code_norms& norms) {
      const float code = std::nearbyint(std::clamp(value, -steps_each_side, steps_each_side));
      if (!(std::abs(value) <= steps_each_side)) fits = false;
      norms.codes += static_cast<double>(code) * static_cast<double>(code);
      return code == code ? code : 0.0f;
    };
    const auto put = [&](std::int64_t column, float code) {
      coarse_[static_cast<std::size_t>(simd::quantized_place(row, column, coarse_columns_))] =
          static_cast<std::int8_t>(code);
    };
    const auto squared = [](float value) { return static_cast<double>(value) * static_cast<double>(value); };
    code_norms& coarse = here.stages[0];
    for (int j = 0; j < coarse_components_; ++j) {
      captured += squared(z[j]);
      const float steps = z[j] / steps_[static_cast<std::size_t>(j)];
      const float code = code_of(steps, coarse);
      put(j, code);
      float error = steps - code;
      if (j < split_) {
        const float low = code_of(error * steps_of_step, coarse);
        put(coarse_components_ + j, low);
        error = error * steps_of_step - low;
      }
      coarse.error += squared(error);
    }
    for (int c = 0; c < extra_; ++c) {
      const auto at_c = static_cast<std::size_t>(c);
      const float steps = (columns[at_c] - extra_middle_[at_c]) / extra_steps_[at_c];
      const float code = code_of(steps, coarse);
      put(coarse_components_ + split_ + c, code);
      coarse.error += squared(steps - code);
    }
    tails_[at] = tail(squares, captured, coarse_components_);
    for (std::size_t l = 0; l < levels_.size(); ++l) {
      level& one = levels_[l];
      std::int8_t* codes = one.record(row);
      for (int j = one.begin(); j < one.end(); ++j) {
        captured += squared(z[j]);
        const float steps = z[j] / steps_[static_cast<std::size_t>(j)];
        const float code = code_of(steps, here.stages[l + 1]);
        codes[j - one.begin()] = static_cast<std::int8_t>(code);
        here.stages[l + 1].error += squared(steps - code);
      }
      one.set_tail(row, tail(squares, captured, one.end()));
    }
    if (!fits) {
      tails_[at] = infinity;
      for (level& one : levels_) one.set_tail(row, infinity);
      offsets_[at] = 0;
      ++seen.misfits;
      return;
    }
    const double added = offset(y, squares);
    offsets_[at] = std::nextafter(static_cast<float>(added), infinity);
    here.length = std::sqrt(squares);
    here.offset = std::abs(added);
    for (code_norms& norms : here.stages) norms = {std::sqrt(norms.codes), std::sqrt(norms.error)};
    seen.join(here);
  }

  bound_query ask(const bound_question& question, const float* b) const {
    bound_query query;
    query.levels.resize(levels_.size());
    const double squares =
        simd::precise_inner_product(question.vector, question.vector, components_.dimension());
    if (!(squares < 1e30)) {  // floats would overflow: every row stays in the race
      query.coarse_factors.assign(static_cast<std::size_t>(coarse_columns_ / 2), 0);
      query.coarse.constant = -std::numeric_limits<double>::infinity();
      for (std::size_t l = 0; l < levels_.size(); ++l) {
        query.levels[l].factors.assign(static_cast<std::size_t>(levels_[l].size()), 0);
        query.levels[l].constant = query.coarse.constant;
      }
      return query;
    }
    const double length = std::sqrt(squares);
    std::vector<double> coarse(static_cast<std::size_t>(coarse_columns_));
    double captured = 0, error = 0;
    const auto squared = [](double value) { return value * value; };
    const auto factor_of = [&](int j) {
      const double coordinate = static_cast<double>(b[j]);
      captured += squared(coordinate);
      return question.factor * coordinate * static_cast<double>(steps_[static_cast<std::size_t>(j)]);
    };
    const auto tail_of = [&](int components) {
      return tail(squares, captured, components) * static_cast<float>(question.factor);
    };
    for (int j = 0; j < coarse_components_; ++j) {
      const auto at = static_cast<std::size_t>(j);
      coarse[at] = factor_of(j);
      if (j < split_) {
        const double low = coarse[at] / static_cast<double>(steps_of_step);
        coarse[at + static_cast<std::size_t>(coarse_components_)] = low;
        error += squared(low);
      } else {
        error += squared(coarse[at]);
      }
    }
    double constant = question.constant;
    double magnitudes = 0;
    for (int c = 0; c < extra_; ++c) {
      const auto at = static_cast<std::size_t>(c);
      const double weight = question.extra[at];
      const double factor = -weight * static_cast<double>(extra_steps_[at]);
      coarse[static_cast<std::size_t>(coarse_components_ + split_ + c)] = factor;
      error += squared(factor);
      constant += weight * static_cast<double>(extra_middle_[at]);
      magnitudes += std::abs(weight) * (std::abs(static_cast<double>(extra_middle_[at])) +
                                        static_cast<double>(steps_each_side * extra_steps_[at]));
    }
    const double product = question.factor * length * extent_.length;
    const auto slack = [&](int directions) {
      // Coordinates of both sides, directions that are not quite orthonormal, a dozen operations on floats.
      return product * (2 * rounding(directions) + 4 * components_.skewness() + 2e-6) +
             1e-6 * (extent_.offset + magnitudes) + question.slack;
    };
    // What rounding the codes of a stage, and its factors, adds at most. A hundredth more: codes, errors and
    // norms were measured in floats and doubles.
    const auto rounded = [&](std::size_t stage, double factors, double factor_error) {
      return 1.01 *
             (std::sqrt(factors) * extent_.stages[stage].error + factor_error * extent_.stages[stage].codes);
    };
    std::vector<std::int16_t> coarse_factors(coarse.size());
    double factor_error = 0;
    query.coarse.scale = round_factors(coarse, coarse_factors.data(), factor_error);
    query.coarse.tail = tail_of(coarse_components_);
    constant -= rounded(0, error, factor_error);
    query.coarse.constant = constant - slack(coarse_components_);
    for (std::size_t i = 0; i < coarse_factors.size(); i += 2) {
      const auto even = static_cast<std::uint16_t>(coarse_factors[i]);
      const auto odd = static_cast<std::uint16_t>(coarse_factors[i + 1]);
      query.coarse_factors.push_back(static_cast<std::int32_t>(even | static_cast<std::uint32_t>(odd) << 16));
    }
    for (std::size_t l = 0; l < levels_.size(); ++l) {
      bound_query::level& to = query.levels[l];
      std::vector<double> factors(static_cast<std::size_t>(levels_[l].size()));
      error = 0;
      for (int j = levels_[l].begin(); j < levels_[l].end(); ++j) {
        double& factor = factors[static_cast<std::size_t>(j - levels_[l].begin())];
        factor = factor_of(j);
        error += squared(factor);
      }
      to.factors.resize(factors.size());
      to.scale = round_factors(factors, to.factors.data(), factor_error);
      to.tail = tail_of(levels_[l].end());
      constant -= rounded(l + 1, error, factor_error);
      to.constant = constant - slack(levels_[l].end());
    }
    return query;
  }

  /// factors = scale * rounded + an error, whose norm is told.
  static float round_factors(std::span<const double> factors, std::int16_t* rounded, double& error) {
    constexpr double largest_factor = 32767;
    double largest = 0;
    for (const double factor : factors) largest = std::max(largest, std::abs(factor));
    const auto scale = static_cast<float>(std::max(largest / largest_factor, 1e-37)) * (1 + 1e-6f);
    double squares = 0;
    for (std::size_t i = 0; i < factors.size(); ++i) {
      const double code = std::nearbyint(factors[i] / static_cast<double>(scale));
      rounded[i] = static_cast<std::int16_t>(code);
      const double left = factors[i] - code * static_cast<double>(scale);
      squares += left * left;
    }
    error = std::sqrt(squares);
    return scale;
  }

  principal_components components_;
  std::int64_t count_ = 0;
  int extra_ = 0, coarse_components_ = 0, split_ = 0;
  std::int64_t coarse_columns_ = 0;
  std::vector<float> steps_, extra_low_, extra_middle_, extra_steps_;
  aligned_vector<std::int8_t> coarse_;
  aligned_vector<float> offsets_, tails_;
  std::vector<level> levels_;
  extent extent_;
};

}  // namespace lookalike::detail
