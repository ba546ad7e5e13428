// budget: 5.2 times the reference, 700 MB

/// \file
/// What a user of ResNet-50 waits for: the network with all of its kernels, forward and backward, and a
/// parameter by its name.

#include <lookalike/models/resnet.hpp>
#include <lookalike/nn/model.hpp>

namespace {

struct definition {
  static constexpr lookalike::architecture define() { return lookalike::resnet50(); }
};

}  // namespace

/// One step of training: returns the gradient of the input.
lookalike::tensor<float> step(const lookalike::tensor<float>& pictures,
                              const lookalike::tensor<float>& gradient) {
  static lookalike::model<definition> net;
  auto gradients = net.make_gradients();
  auto pass = net.forward(pictures, {.training = true});
  return lookalike::tensor<float>(pass.backward({gradient}, gradients)[0]);
}

/// And inference.
lookalike::tensor<float> scores(const lookalike::model<definition>& net,
                                const lookalike::tensor<float>& pictures) {
  return net(pictures);
}
