#pragma once

/// \file
/// Exact search by bounds: what they leave over is measured, the most promising first, until nothing is left
/// that could be nearer than what was found (T. Seidl and H.-P. Kriegel, Optimal multi-step k-nearest
/// neighbor search, SIGMOD 1998). The first stage reads the codes of a tile of rows for several queries at a
/// time.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include <lookalike/retrieve/detail/bound_table.hpp>
#include <lookalike/retrieve/detail/exact_distance.hpp>
#include <lookalike/retrieve/detail/nearest_list.hpp>
#include <lookalike/simd/quantized_product.hpp>

namespace lookalike::detail {

/// How many rows got how far.
struct search_counts {
  std::int64_t rows = 0, coarse = 0, fine = 0, measured = 0;

  search_counts& operator+=(const search_counts& other) {
    rows += other.rows;
    coarse += other.coarse;
    fine += other.fine;
    measured += other.measured;
    return *this;
  }
};

/// Which rows may be found, and under which ids.
struct row_filter {
  const std::uint64_t* bits = nullptr;  ///< null: all rows
  const std::int64_t* ids = nullptr;    ///< null: a row's number

  bool admits(std::int64_t row) const {
    return bits == nullptr ||
           (bits[static_cast<std::size_t>(row) / 64] >> (static_cast<std::size_t>(row) % 64) & 1U) != 0;
  }
  std::int64_t id(std::int64_t row) const { return ids == nullptr ? row : ids[row]; }
};

/// One query on its way through some rows. `Measure(row)` is the exact distance.
class best_first_search {
 public:
  /// `excluded` is a row that must not be found, or -1.
  best_first_search(nearest_list& found, row_measure& exact, const row_filter& filter, std::int64_t excluded,
                    shared_limit* shared)
      : found_(found), measure_(&exact), filter_(filter), excluded_(excluded), shared_(shared) {}

  double limit() const {
    const double own = found_.limit();
    return shared_ == nullptr ? own : std::min(own, shared_->get());
  }

  /// What a promise must be at least for a row to matter, where distances are at least `constant` - promise.
  float cut(double constant) const {
    const auto least = static_cast<float>(constant - limit());
    return least == least ? std::nextafter(least, -std::numeric_limits<float>::infinity())
                          : -std::numeric_limits<float>::infinity();
  }

  bool may_find(std::uint32_t row) const { return row != excluded_ && filter_.admits(row); }

  /// Measures some rows before all others; they need not be looked at again.
  void measure_seeds(std::span<const candidate> seeds) {
    measure_rows(seeds);
    for (const candidate& seed : seeds) seeds_.push_back(seed.row);
    std::sort(seeds_.begin(), seeds_.end());
  }

  void add_pending(std::span<const float> promises, std::span<const std::uint32_t> rows,
                   std::uint32_t first_row) {
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const std::uint32_t row = first_row + rows[i];
      if (!may_find(row) || is_seed(row)) continue;
      pending_.push_back({promises[i], row});
    }
  }
  /// The same, with nothing between these bounds and a measurement.
  void add_waiting(std::span<const float> promises, std::span<const std::uint32_t> rows,
                   std::uint32_t first_row) {
    counts_.coarse += static_cast<std::int64_t>(rows.size());
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const std::uint32_t row = first_row + rows[i];
      if (may_find(row)) waiting_.push_back({promises[i], row});
    }
  }
  std::size_t waiting() const { return waiting_.size(); }

  /// Looks at what is pending more closely.
  void refine(const bound_table& table, const bound_query& query) {
    counts_.coarse += static_cast<std::int64_t>(pending_.size());
    const float coarse_cut = cut(query.coarse_constant);
    const float fine_cut = cut(query.fine_constant);
    constexpr std::size_t ahead = 8;
    const std::int64_t columns = table.fine_columns();
    for (std::size_t i = 0; i < pending_.size(); ++i) {
      if (i + ahead < pending_.size()) {
        const std::int8_t* next = table.fine(pending_[i + ahead].row);
        for (std::int64_t at = 0; at < columns; at += 64) __builtin_prefetch(next + at);
      }
      candidate entry = pending_[i];
      if (entry.promise < coarse_cut) continue;
      if (entry.promise != std::numeric_limits<float>::infinity()) {
        const auto product =
            static_cast<float>(simd::quantized_product(table.fine(entry.row), query.fine.data(), columns));
        entry.promise = entry.promise - query.coarse_tail * table.coarse_tails()[entry.row] +
                        query.fine_tail * table.fine_tails()[entry.row] + query.fine_scale * product;
        if (entry.promise < fine_cut) continue;
      }
      waiting_.push_back(entry);
    }
    pending_.clear();
  }

  /// Measures the most promising `count`, to lower the limit.
  void tighten(double constant, std::size_t count) {
    drop_hopeless(constant);
    count = std::min(count, waiting_.size());
    const auto middle = waiting_.begin() + static_cast<std::ptrdiff_t>(count);
    if (count < waiting_.size()) std::nth_element(waiting_.begin(), middle, waiting_.end());
    measure_rows({waiting_.data(), count});
    waiting_.erase(waiting_.begin(), middle);
  }

  /// Measures those that are nearer than the limit if what is left out of both is at right angles, as it
  /// mostly nearly is.
  void measure_likely(const bound_table& table, const bound_query& query) {
    drop_hopeless(query.fine_constant);
    const auto likely = [&](const candidate& entry) {
      return entry.promise - query.fine_tail * table.fine_tails()[entry.row] >= cut(query.fine_constant);
    };
    const auto middle = std::partition(waiting_.begin(), waiting_.end(),
                                       [&](const candidate& entry) { return !likely(entry); });
    std::sort(middle, waiting_.end());
    measure_rows({middle, waiting_.end()});
    waiting_.erase(middle, waiting_.end());
  }

  /// Measures all that could still be among the nearest.
  void finish(double constant) {
    drop_hopeless(constant);
    counts_.fine += static_cast<std::int64_t>(waiting_.size());
    std::sort(waiting_.begin(), waiting_.end());
    for (std::size_t i = 0; i < waiting_.size(); ++i) {
      if (waiting_[i].promise < cut(constant)) break;
      if (i + 1 < waiting_.size()) measure_->fetch(waiting_[i + 1].row);
      measure_row(waiting_[i].row);
    }
    waiting_.clear();
    if (shared_ != nullptr) shared_->lower(found_.limit());
  }

  const search_counts& counts() const { return counts_; }

 private:
  void drop_hopeless(double constant) {
    const float least = cut(constant);
    std::erase_if(waiting_, [&](const candidate& entry) { return entry.promise < least; });
  }
  bool is_seed(std::uint32_t row) const { return std::binary_search(seeds_.begin(), seeds_.end(), row); }
  void measure_row(std::uint32_t row) {
    ++counts_.measured;
    found_.add((*measure_)(row), filter_.id(row));
  }
  void measure_rows(std::span<const candidate> entries) {
    for (std::size_t i = 0; i < entries.size(); ++i) {
      if (i + 1 < entries.size()) measure_->fetch(entries[i + 1].row);
      measure_row(entries[i].row);
    }
    if (shared_ != nullptr) shared_->lower(found_.limit());
  }

  nearest_list& found_;
  row_measure* measure_;
  const row_filter& filter_;
  std::int64_t excluded_;
  shared_limit* shared_;
  std::vector<candidate> pending_, waiting_;
  std::vector<std::uint32_t> seeds_;
  search_counts counts_;
};

/// Searches groups of rows of a table for several queries. The codes of a chunk of rows are multiplied with
/// four queries at a time. In the first chunk the rows that promise most, as far as the components tell, are
/// measured before anything else, so that the limit is low from the start.
class table_search {
 public:
  /// `gives_up`: where bounds do not help.
  table_search(const bound_table& table, int k, bool gives_up = true)
      : table_(table),
        wanted_(static_cast<std::size_t>(k)),
        gives_up_(gives_up),
        sums_(at_once * chunk_rows),
        promises_(chunk_rows),
        kept_(chunk_rows) {}

  /// The groups [first, last) for all of `searches`, which go with `queries`. False where the bounds leave
  /// over so much that reading everything is faster; the lists are then incomplete.
  bool run(std::int64_t first, std::int64_t last, std::span<const bound_query> queries,
           std::span<best_first_search> searches, const progress& heartbeat) {
    std::int64_t chunks = 0;
    for (std::int64_t group = first; group < last; group += chunk_groups) {
      report(heartbeat, "look up", group - first, last - first);
      const std::int64_t groups = std::min(chunk_groups, last - group);
      const std::int64_t first_row = group * simd::quantized_rows;
      const std::int64_t rows = std::min(groups * simd::quantized_rows, table_.count() - first_row);
      ++chunks;
      for (std::size_t q = 0; q < queries.size(); q += at_once) {
        const std::size_t some = std::min(at_once, queries.size() - q);
        multiply(group, groups, queries.subspan(q, some));
        for (std::size_t i = 0; i < some; ++i) {
          const bound_query& query = queries[q + i];
          best_first_search& search = searches[q + i];
          const std::int32_t* sums = sums_.data() + i * chunk_rows;
          if (chunks == 1) measure_seeds(query, search, sums, first_row, rows);
          keep(query, search, sums, first_row, rows);
          search.refine(table_, query);
          // Measuring ahead pays whenever the number of rows has doubled.
          if ((chunks & (chunks - 1)) == 0) search.measure_likely(table_, query);
        }
      }
      if (gives_up_ && chunks == 1 && last - group > 2 * chunk_groups && leaves_too_much(searches, rows))
        return false;
    }
    for (std::size_t q = 0; q < queries.size(); ++q) {
      searches[q].measure_likely(table_, queries[q]);
      searches[q].finish(queries[q].fine_constant);
    }
    return true;
  }

 private:
  static constexpr std::int64_t chunk_groups = 2048;
  static constexpr std::size_t chunk_rows = chunk_groups * simd::quantized_rows;
  static constexpr std::size_t at_once = 4;
  static constexpr std::int64_t rows_a_step = 256;

  void multiply(std::int64_t group, std::int64_t groups, std::span<const bound_query> queries) {
    constexpr std::int64_t groups_a_tile = 96;  // what stays in the first-level cache for all queries
    for (std::int64_t done = 0; done < groups; done += groups_a_tile) {
      const std::int32_t* factors[at_once];
      std::int32_t* to[at_once];
      for (std::size_t i = 0; i < queries.size(); ++i) {
        factors[i] = queries[i].coarse.data();
        to[i] = sums_.data() + i * chunk_rows + done * simd::quantized_rows;
      }
      simd::quantized_products(table_.coarse(group + done), std::min(groups_a_tile, groups - done),
                               table_.coarse_columns(), factors, to, std::ssize(queries));
    }
  }

  /// The k rows with the largest promise as if nothing were left out, and some more: the limit is what the
  /// k-th of them is apart.
  void measure_seeds(const bound_query& query, best_first_search& search, const std::int32_t* sums,
                     std::int64_t first_row, std::int64_t rows) {
    constexpr float infinity = std::numeric_limits<float>::infinity();
    const std::size_t seeds = wanted_ + wanted_ / 4 + 2;
    std::vector<candidate> best;  // a heap, the least promising first
    float cut = -infinity;
    for (std::int64_t row = 0; row < rows; row += rows_a_step) {
      const std::int64_t some = std::min(rows_a_step, rows - row);
      const std::ptrdiff_t found = simd::keep_promising(
          sums + row, table_.offsets() + first_row + row, table_.coarse_tails() + first_row + row, some,
          query.coarse_scale, 0.0f, cut, promises_.data(), kept_.data());
      for (std::ptrdiff_t i = 0; i < found; ++i) {
        const auto at = static_cast<std::size_t>(i);
        const candidate entry{promises_[at], static_cast<std::uint32_t>(first_row + row) + kept_[at]};
        if (entry.promise == infinity || !search.may_find(entry.row)) continue;
        if (best.size() == seeds && !(entry < best.front())) continue;
        if (best.size() == seeds) {
          std::pop_heap(best.begin(), best.end());
          best.pop_back();
        }
        best.push_back(entry);
        std::push_heap(best.begin(), best.end());
        if (best.size() == seeds) cut = best.front().promise;
      }
    }
    search.measure_seeds(best);
  }

  void keep(const bound_query& query, best_first_search& search, const std::int32_t* sums,
            std::int64_t first_row, std::int64_t rows) {
    const auto found = static_cast<std::size_t>(simd::keep_promising(
        sums, table_.offsets() + first_row, table_.coarse_tails() + first_row, rows, query.coarse_scale,
        query.coarse_tail, search.cut(query.coarse_constant), promises_.data(), kept_.data()));
    search.add_pending({promises_.data(), found}, {kept_.data(), found},
                       static_cast<std::uint32_t>(first_row));
  }

  static bool leaves_too_much(std::span<const best_first_search> searches, std::int64_t rows) {
    std::int64_t left = 0;
    for (const best_first_search& search : searches) {
      left += static_cast<std::int64_t>(search.waiting()) + search.counts().measured;
    }
    return left > std::ssize(searches) * rows / 4;
  }

  const bound_table& table_;
  std::size_t wanted_;
  bool gives_up_;
  std::vector<std::int32_t> sums_;
  std::vector<float> promises_;
  std::vector<std::uint32_t> kept_;
};

}  // namespace lookalike::detail
