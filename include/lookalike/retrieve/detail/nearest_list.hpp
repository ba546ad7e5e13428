#pragma once

/// \file
/// The best of what has been measured so far, and the search that measures the most promising first.

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdint>
#include <limits>
#include <utility>
#include <vector>

namespace lookalike::detail {

/// The k smallest of (distance, id) within a radius. Distances count as the floats that they are rounded to,
/// so that those that look equal are ordered by id.
class nearest_list {
 public:
  nearest_list(int k, float radius) : k_(static_cast<std::size_t>(k)), radius_(radius) {}

  void add(double distance, std::int64_t id) {
    const std::pair entry(static_cast<float>(distance), id);
    if (!(entry.first <= radius_)) return;
    if (entries_.size() < k_) {
      entries_.push_back(entry);
      std::push_heap(entries_.begin(), entries_.end());
    } else if (entry < entries_.front()) {
      std::pop_heap(entries_.begin(), entries_.end());
      entries_.back() = entry;
      std::push_heap(entries_.begin(), entries_.end());
    }
  }

  bool is_full() const { return entries_.size() == k_; }

  /// No vector that is farther than this can still be found.
  double limit() const {
    const float farthest = is_full() ? entries_.front().first : radius_;
    return static_cast<double>(std::nextafter(farthest, std::numeric_limits<float>::infinity()));
  }

  /// What was found, unordered.
  const std::vector<std::pair<float, std::int64_t>>& entries() const { return entries_; }

 private:
  std::size_t k_;
  float radius_;
  std::vector<std::pair<float, std::int64_t>> entries_;  // a heap, the farthest first
};

/// A limit that several threads lower.
class shared_limit {
 public:
  double get() const { return value_.load(std::memory_order_relaxed); }
  void lower(double to) {
    double before = get();
    while (to < before && !value_.compare_exchange_weak(before, to, std::memory_order_relaxed)) {
    }
  }

 private:
  std::atomic<double> value_{std::numeric_limits<double>::infinity()};
};

/// A row that may be among the nearest: its distance is at least a constant of the query less `promise`, and
/// about that constant less `likely`.
struct candidate {
  float promise;
  std::uint32_t row;
  float likely = promise;

  /// The more promising first; among equals the order of rows, so that nothing depends on threads.
  friend bool operator<(const candidate& a, const candidate& b) {
    return a.promise != b.promise ? a.promise > b.promise : a.row < b.row;
  }
};

}  // namespace lookalike::detail
