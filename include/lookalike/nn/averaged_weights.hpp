#pragma once

/// \file
/// The exponential moving average of a network's parameters: smoother than the parameters themselves, and
/// often better to test with (Polyak, Juditsky 1992).

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

#include <lookalike/core/error.hpp>
#include <lookalike/core/memory.hpp>
#include <lookalike/nn/detail/parameter_pieces.hpp>
#include <lookalike/nn/parameter.hpp>
#include <lookalike/simd/parameter_update.hpp>

namespace lookalike {

/// average = decay * average + (1 - decay) * value, after every step of an optimizer. The first update
/// copies; what is not trained (running averages of batch normalization) is always copied.
template <class Scalar = float>
class averaged_weights {
 public:
  /// Throws `value_error` unless 0 <= decay <= 1.
  explicit averaged_weights(double decay = 0.999) : decay_(decay) {
    require(decay >= 0 && decay <= 1, "averaged_weights: given the decay ", decay, ", wanted 0 to 1");
  }

  /// Takes the parameters' present values in. Throws `value_error` for another block than before. The same
  /// bits for any number of threads.
  void update(std::span<const parameter> table, std::span<const Scalar> values) {
    const detail::parameter_pieces pieces(table, values.size(), [](const parameter&) { return true; });
    if (updates_ == 0) {
      averages_.assign(values.begin(), values.end());
    } else {
      require_size(values.size());
      pieces.for_each([&](const detail::parameter_piece& piece) {
        const Scalar* const value = values.data() + piece.begin;
        Scalar* const average = averages_.data() + piece.begin;
        if (table[piece.row].trainable) {
          simd::average_update(average, value, piece.count, 1 - decay_);
        } else {
          std::copy_n(value, piece.count, average);
        }
      });
    }
    ++updates_;
  }

  /// Exchanges averages and values: once before a test, once after it. Throws `value_error` for another block
  /// than before.
  void swap(std::span<Scalar> values) {
    require_size(values.size());
    std::swap_ranges(averages_.begin(), averages_.end(), values.begin());
  }

  double decay() const { return decay_; }
  std::int64_t updates() const { return updates_; }
  /// The averages, laid out as the parameters; empty before the first update.
  std::span<const Scalar> values() const { return averages_; }
  /// Goes on from averages that `values` and `updates` gave.
  void restore(std::span<const Scalar> averages, std::int64_t updates) {
    require(updates >= 0, "averaged_weights: given ", updates, " updates, wanted 0 or more");
    averages_.assign(averages.begin(), averages.end());
    updates_ = updates;
  }

 private:
  void require_size(std::size_t size) const {
    require(size == averages_.size(), "averaged_weights: given ", size, " numbers, wanted ", averages_.size(),
            " as before");
  }

  double decay_;
  std::int64_t updates_ = 0;
  aligned_vector<Scalar> averages_;
};

}  // namespace lookalike
