#pragma once

/// \file
/// Layers that move numbers: each number of the output is one of the input, and gradients go back there.

#include <vector>

#include "layer_run.hpp"

namespace layer_test {

/// Which number of the (first) input a number of the output is.
struct place {
  int channel = 0, row = 0, column = 0;
};

/// `place_of(channel, row, column)` says where the numbers of one picture's output come from. Inputs after
/// the first have no gradient.
template <class Scalar, class Layer, class PlaceOf>
void compare_places(const Layer& l, const std::vector<array4>& inputs, const shape& wanted,
                    const PlaceOf& place_of, std::mt19937& generator) {
  layer_run<Scalar, Layer> run(l, inputs, generator);
  REQUIRE(run.output_shape() == wanted);
  const array4& x = inputs[0];
  array4 expected(x.batch, wanted);
  const array4 gy = random_array(generator, x.batch, wanted);
  typename layer_run<Scalar, Layer>::gradients gradients;
  for (const array4& input : inputs) gradients.inputs.emplace_back(input.batch, input.extents());
  for (int n = 0; n < x.batch; ++n)
    for (int c = 0; c < wanted.channels; ++c)
      for (int i = 0; i < wanted.height; ++i)
        for (int j = 0; j < wanted.width; ++j) {
          const place from = place_of(c, i, j);
          expected(n, c, i, j) = x(n, from.channel, from.row, from.column);
          gradients.inputs[0](n, from.channel, from.row, from.column) += gy(n, c, i, j);
        }
  CHECK(run.forward().values == expected.values);
  check_backward(run, gy, gradients, generator);
}

inline int draw(std::mt19937& generator, int low, int high) {
  return std::uniform_int_distribution<int>(low, high)(generator);
}

/// A few pictures of a few pixels, and enough channels for vectors and tails.
inline array4 some_pictures(std::mt19937& generator) {
  return random_array(generator, draw(generator, 1, 3),
                      {draw(generator, 1, 19), draw(generator, 1, 7), draw(generator, 1, 7)});
}

}  // namespace layer_test
