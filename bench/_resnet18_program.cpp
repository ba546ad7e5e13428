/// \file
/// The smallest program that runs ResNet-18 from a file of weights, for bench/size.py: reads a picture of 3 x
/// 224 x 224 float32 numbers, channel by channel, from the standard input, and prints the five most likely
/// classes with scores.

#include <algorithm>
#include <cstdio>
#include <exception>
#include <numeric>
#include <vector>

#include <lookalike/models/resnet.hpp>
#include <lookalike/nn/model.hpp>
#include <lookalike/nn/weights.hpp>

struct classifier {
  static constexpr lookalike::architecture define() { return lookalike::resnet18(); }
};

int main(int count, char** arguments) {
  if (count != 2) {
    std::fputs("usage: program WEIGHTS.safetensors < picture\n", stderr);
    return 2;
  }
  try {
    lookalike::model<classifier> net;
    lookalike::load_weights<float>(arguments[1], net.parameters(), net.values());
    lookalike::tensor<float> picture(1, 3, 224, 224);
    const auto wanted = static_cast<std::size_t>(picture.size());
    if (std::fread(picture.data(), sizeof(float), wanted, stdin) != wanted) {
      std::fputs("wanted 3 x 224 x 224 numbers\n", stderr);
      return 1;
    }
    const lookalike::tensor<float> scores = net(picture.view());
    std::vector<int> order(static_cast<std::size_t>(scores.channels()));
    std::iota(order.begin(), order.end(), 0);
    std::partial_sort(order.begin(), order.begin() + 5, order.end(),
                      [&](int a, int b) { return scores(0, a) > scores(0, b); });
    for (std::size_t i = 0; i < 5; ++i)
      std::printf("%d %.6g\n", order[i], static_cast<double>(scores(0, order[i])));
  } catch (const std::exception& failure) {
    std::fprintf(stderr, "%s\n", failure.what());
    return 1;
  }
}
