#pragma once

/// \file
/// Bounds for the weighted distances of descriptors, whatever the weights of the cells.
///
/// Let y be a descriptor, its blocks scaled to count as they usually do, less the mean; u the same of a
/// query, and w_c how much the query weighs a cell beside that. Then
///
///     sum_c w_c |u_c - y_c|^2  =  sum_c w_c |u_c|^2 + sum_c w_c |y_c|^2 - 2 (w u).y
///
/// The second sum needs a number for each cell of a row, the product is bounded by principal components like
/// any other: one table serves plain and masked queries.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include <lookalike/retrieve/descriptor.hpp>
#include <lookalike/retrieve/detail/bound_table.hpp>
#include <lookalike/retrieve/detail/descriptor_rows.hpp>
#include <lookalike/retrieve/detail/pruned_search.hpp>
#include <lookalike/retrieve/detail/search_blocks.hpp>
#include <lookalike/retrieve/search.hpp>
#include <lookalike/simd/precise.hpp>
#include <lookalike/simd/prefetch.hpp>

namespace lookalike::detail {

/// The distance from one descriptor to stored rows, term by term in double precision.
class descriptor_distance final : public row_measure {
 public:
  descriptor_distance(const row_view& rows, const descriptor& query, std::span<const double> factors)
      : rows_(rows), query_(query.values.data()) {
    for_each_cell(query.blocks, [&](std::size_t block, std::size_t cell, std::size_t) {
      weights_.insert(weights_.end(), static_cast<std::size_t>(query.blocks[block].values_per_cell),
                      factors[block] * static_cast<double>(query.weights[cell]));
    });
  }

  double operator()(std::int64_t row) override {
    return simd::precise_squared_l2(weights_.data(), query_, rows_.values(row).data(), std::ssize(weights_));
  }
  void fetch(std::int64_t row) const override {
    simd::prefetch(rows_.values(row).data(),
                   std::ssize(weights_) * static_cast<std::ptrdiff_t>(sizeof(float)));
  }

 private:
  row_view rows_;
  const float* query_;
  std::vector<double> weights_;
};

class descriptor_table {
 public:
  /// `factors` are those by which the squared distances of the blocks are usually multiplied: they decide
  /// which components are principal, not what is found. The rows stay where they are.
  descriptor_table(const row_view& rows, std::vector<double> factors, std::uint64_t seed,
                   const progress& watcher = {})
      : rows_(rows), factors_(std::move(factors)) {
    for (double& factor : factors_) {
      if (!(factor > 0)) factor = 1;
    }
    for_each_cell(rows.blocks, [&](std::size_t block, std::size_t, std::size_t first) {
      first_.push_back(first);
      scales_.insert(scales_.end(), static_cast<std::size_t>(rows.blocks[block].values_per_cell),
                     static_cast<float>(std::sqrt(factors_[block])));
    });
    first_.push_back(scales_.size());
    const auto dimension = static_cast<std::int64_t>(scales_.size());
    const row_source source{rows.count, dimension, [this](std::int64_t row, float* to) {
                              const float* from = rows_.values(row).data();
                              for (std::size_t i = 0; i < scales_.size(); ++i) to[i] = scales_[i] * from[i];
                            }};
    const bound_table_plan plan{.coarse = 64, .split = 8, .levels = {124, 312}, .sample = 8192};
    principal_components components = principal_components::fit(
        source, {.components = plan.components(), .sample = plan.sample, .iterations = 2, .seed = seed});
    const bound_table::extra_columns squares{
        static_cast<int>(cell_count(rows.blocks)), [this](const float* y, float* to) {
          for (std::size_t cell = 0; cell + 1 < first_.size(); ++cell) {
            const float* values = y + first_[cell];
            const auto count = static_cast<std::ptrdiff_t>(first_[cell + 1] - first_[cell]);
            to[cell] = static_cast<float>(simd::precise_inner_product(values, values, count));
          }
        }};
    table_ = bound_table(
        source, std::move(components), plan, [](const float*, double) { return 0.0; }, squares, watcher);
  }
  descriptor_table(const descriptor_table&) = delete;

  std::size_t memory() const { return table_.memory(); }

  /// The nearest of the rows that the filter admits, for each query.
  /// `factors` multiply the squared distances of the blocks.
  std::vector<nearest_list> search(std::span<const descriptor> queries, std::span<const double> factors,
                                   int k, float radius, const row_filter& filter, search_counts& counts,
                                   const progress& watcher) const {
    const auto count = static_cast<std::int64_t>(queries.size());
    std::vector<nearest_list> found(queries.size(), nearest_list(k, radius));
    std::vector<bound_query> asked;
    const search_blocks blocks(count, rows_.count, 32, true);
    blocks.run(
        found, counts, watcher,
        [&](std::int64_t first, std::int64_t taken) {
          asked =
              ask(queries.subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(taken)), factors);
        },
        [&](const search_blocks::task& t, search_counts& here, const progress& heartbeat) {
          return run(queries, asked, factors, t, k, radius, filter, here, heartbeat);
        });
    return found;
  }

 private:
  std::vector<bound_query> ask(std::span<const descriptor> queries, std::span<const double> factors) const {
    const std::size_t dimension = scales_.size();
    const float* mean = table_.components().mean().data();
    const double mean_length =
        std::sqrt(simd::precise_inner_product(mean, mean, static_cast<std::ptrdiff_t>(dimension)));
    std::vector<aligned_vector<float>> vectors;
    std::vector<std::vector<double>> weights;
    std::vector<bound_question> questions;
    for (const descriptor& query : queries) {
      aligned_vector<float> vector(dimension);
      std::vector<double> weight;
      bound_question question;
      question.factor = 2;
      double most = 0, squares = 0;
      for_each_cell(query.blocks, [&](std::size_t block, std::size_t cell, std::size_t) {
        const double w = factors[block] * static_cast<double>(query.weights[cell]) / factors_[block];
        weight.push_back(w);
        most = std::max(most, w);
        double in_cell = 0;
        for (std::size_t i = first_[cell]; i < first_[cell + 1]; ++i) {
          const double u = static_cast<double>(scales_[i]) * static_cast<double>(query.values[i]) -
                           static_cast<double>(mean[i]);
          in_cell += u * u;
          vector[i] = static_cast<float>(w * u);
        }
        squares += in_cell;
        question.constant += w * in_cell;
      });
      // Scaling, taking the mean and weighting round each number once.
      const double lengths = std::sqrt(squares) + table_.length() + mean_length;
      question.slack = 1e-6 * most * lengths * lengths;
      vectors.push_back(std::move(vector));
      weights.push_back(std::move(weight));
      questions.push_back(question);
    }
    for (std::size_t q = 0; q < questions.size(); ++q) {
      questions[q].vector = vectors[q].data();
      questions[q].extra = weights[q];
    }
    return table_.ask(questions);
  }

  std::vector<nearest_list> run(std::span<const descriptor> queries, std::span<const bound_query> asked,
                                std::span<const double> factors, const search_blocks::task& t, int k,
                                float radius, const row_filter& filter, search_counts& counts,
                                const progress& heartbeat) const {
    const auto count = static_cast<std::size_t>(t.end - t.begin);
    std::vector<nearest_list> lists(count, nearest_list(k, radius));
    std::vector<descriptor_distance> distances;
    distances.reserve(count);
    for (std::int64_t q = t.begin; q < t.end; ++q) {
      distances.emplace_back(rows_, queries[static_cast<std::size_t>(t.base + q)], factors);
    }
    std::vector<best_first_search> searches;
    searches.reserve(count);
    for (std::size_t q = 0; q < count; ++q) {
      searches.emplace_back(lists[q], distances[q], filter, -1,
                            t.limit(t.begin + static_cast<std::int64_t>(q)));
    }
    const std::int64_t first = table_.groups() * t.part / t.parts;
    const std::int64_t last = table_.groups() * (t.part + 1) / t.parts;
    // What bounds leave over is measured, however much: the rows are in the order of memory by and large.
    table_search(table_, k, false)
        .run(first, last, asked.subspan(static_cast<std::size_t>(t.begin), count), searches, heartbeat);
    for (const auto& search : searches) counts += search.counts();
    counts.rows += (last - first) * simd::quantized_rows * static_cast<std::int64_t>(count);
    return lists;
  }

  row_view rows_;
  std::vector<double> factors_;
  std::vector<float> scales_;
  std::vector<std::size_t> first_;  // where the values of each cell begin, and end
  bound_table table_;
};

}  // namespace lookalike::detail
