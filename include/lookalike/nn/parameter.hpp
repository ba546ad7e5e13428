#pragma once

/// \file
/// What a network learns and remembers, as a table: all numbers lie in one block, and a row of the table says
/// which of them are called, say, `encoder.conv0.weight`. Optimizers, initializers and files of weights work
/// on such a block and its table; they need not know the network.

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace lookalike {

/// How the numbers of a parameter come about before anything is learned (nn/initialize.hpp draws them).
/// `from_fan_in` is PyTorch's default for convolutions and fully connected layers: uniform within
/// 1/sqrt(fan_in).
enum class initial_value : unsigned char { zeros, ones, from_fan_in, normal };

/// One named array of parameters.
struct parameter {
  std::string name;                                    ///< the full name: "encoder.conv0.weight"
  std::array<std::int64_t, 4> dimensions{1, 1, 1, 1};  ///< in PyTorch's order, padded with ones at the end
  int rank = 1;                                        ///< how many of them count
  std::int64_t offset = 0;                             ///< of the first number in the block
  std::int64_t size = 0;                               ///< how many numbers
  bool trainable = true;                               ///< false: remembered, not learned (running averages)
  initial_value initial = initial_value::zeros;
  std::int64_t fan_in = 0;  ///< inputs that one output sees; 0 where it makes no sense
};

}  // namespace lookalike
