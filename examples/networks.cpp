// The programs of docs/networks.md, one after another. Needs nothing and prints what it finds.

#include <exception>
#include <iostream>
#include <string_view>
#include <vector>

#include <lookalike/nn/architecture_json.hpp>
#include <lookalike/nn/dynamic_model.hpp>
#include <lookalike/nn/layers.hpp>
#include <lookalike/nn/model.hpp>
#include <lookalike/nn/profile.hpp>
#include <lookalike/nn/receptive_field.hpp>
#include <lookalike/nn/summary.hpp>
#include <lookalike/nn/to_fully_convolutional.hpp>
#include <lookalike/nn/tune.hpp>

using namespace lookalike;

// ---- networks are values

constexpr architecture block(int channels) {
  return conv(channels) | batch_norm() | relu();
}

constexpr architecture small_unet(int levels, int channels) {
  if (levels == 0) return named("bottleneck", block(channels));
  return named("encoder", block(channels)) |
         skip(max_pool(2) | named("below", small_unet(levels - 1, 2 * channels)) |
              named("up", up_conv(channels))) |
         named("decoder", block(channels));
}

struct segmentation {
  static constexpr architecture define() { return input(3) | small_unet(3, 8) | conv(2, {.kernel = 1}); }
};

// ---- a layer of one's own

/// y = gain w[c] x, with one learned weight for each channel.
struct channel_gate {
  static constexpr std::string_view kind = "channel_gate";
  double gain = 1;
  static constexpr auto attributes = std::tuple(attribute("gain", &channel_gate::gain));

  constexpr shape infer_shape(std::span<const shape> inputs, diagnosis&) const { return inputs[0]; }
  constexpr void parameters(std::span<const shape> inputs, parameter_list& list) const {
    list.add("weight", {inputs[0].channels}, {.initial = initial_value::ones});
  }
  template <class Scalar>
  void forward(const forward_call<Scalar>& call) const {
    for_each_pixel(call.output, [&](int n, int y, int x, Scalar* out) {
      const Scalar* in = call.inputs[0].pixel(n, y, x);
      for (int c = 0; c < call.output.channels; ++c) out[c] = Scalar(gain) * call.parameters[0][c] * in[c];
    });
  }
  template <class Scalar>
  void backward(const backward_call<Scalar>& call) const {
    for_each_pixel(call.output_gradient, [&](int n, int y, int x, const Scalar* g) {
      const Scalar* in = call.inputs[0].pixel(n, y, x);
      for (int c = 0; c < call.output_gradient.channels; ++c) {
        if (call.wants_parameter_gradient(0)) call.parameter_gradients[0][c] += g[c] * Scalar(gain) * in[c];
        if (call.wants_input_gradient(0))
          call.input_gradients[0].pixel(n, y, x)[c] += g[c] * Scalar(gain) * call.parameters[0][c];
      }
    });
  }
};

void run() {
  model<segmentation> net;
  const tensor<float> pictures(4, 3, 32, 48);
  const tensor<float> scores = net(pictures);  // 4 x 2 x 32 x 48
  auto weight = net.get<"below.encoder.conv0.weight">();
  weight(0, 0, 1, 1) = 0.5f;
  std::cout << scores.channels() << " scores for each pixel\n";
}

void run_time(int levels) {
  const architecture recipe = input(3) | small_unet(levels, 8) | conv(2, {.kernel = 1});
  dynamic_model net(recipe);
  std::cout << summary(net, 64, 64);
  std::cout << receptive_field(recipe).height << " rows seen by each output\n";
}

void make_fast(const tensor<float>& pictures) {
  model<segmentation> net;
  net.prepare();
  const tensor<float> scores = net(pictures);
  std::cout << scores.channels() << " scores, with " << net.packed_memory() << " bytes of packed weights\n";
  net.prepare({.algorithm = simd::convolution_algorithm::direct, .low_memory = true});
  net.prepare({});
  for (const tuned_layer& layer : tune(net, {pictures})) net.set_algorithm(layer.name, layer.algorithm);
  std::cout << profile(net, {pictures}).text();
}

void learn(const tensor<float>& pictures, const tensor<float>& wanted) {
  model<segmentation> net;
  auto gradients = net.make_gradients();
  for (int step = 0; step < 3; ++step) {
    auto pass = net.forward(pictures, {.training = true, .seed = 7});
    tensor<float> difference(pass.output());
    double loss = 0;
    for (std::int64_t i = 0; i < difference.size(); ++i) {
      difference.data()[i] -= wanted.data()[i];
      loss += double{difference.data()[i]} * double{difference.data()[i]} / 2;
    }
    std::fill(gradients.begin(), gradients.end(), 0.0f);
    pass.backward({difference}, gradients);
    for (std::size_t i = 0; i < gradients.size(); ++i) net.values()[i] -= 1e-5f * gradients[i];
    std::cout << "loss " << loss << '\n';
  }
}

void several_inputs() {
  const architecture recipe = branch(input("picture", 3), input("mask", 1), input("condition", 4)) |
                              named("encoder", conv(8) | relu()) | expose("encoder") |
                              branch(conv(1), conv(3));
  dynamic_model net(recipe);
  const tensor<float> picture(2, 3, 16, 16), mask(2, 1, 16, 16), condition(2, 4);
  const auto pass = net.forward({picture, {"mask", mask}, {"condition", condition}});
  std::cout << pass["encoder"].channels() << " features, " << pass.output(1).channels() << " channels\n";
}

void siamese(const tensor<float>& left, const tensor<float>& right) {
  const architecture tower = conv(8, {.stride = 2}) | relu() | global_average_pool();
  dynamic_model net(
      branch(input("left", 3) | shared("tower", tower), input("right", 3) | shared("tower", tower)));
  const auto pass = net.forward({left, right});
  std::cout << net.parameters().size() << " parameters for two towers\n";
}

// Sends the gradient of a critic's score through the critic into the network that made the picture.
void adversarial(network<float>& generator, const network<float>& critic, const tensor<float>& noise) {
  auto made = generator.forward(noise, {.training = true});
  auto judged = critic.forward(made.output(), {.training = true});
  tensor<float> better(judged.output());
  std::fill(better.begin(), better.end(), -1.0f);
  const auto into_picture = judged.backward({better}, {})[0];  // the critic learns nothing from this
  auto gradients = generator.make_gradients();
  made.backward({into_picture}, gradients, {.input_gradients = false});
}

void own_layer() {
  dynamic_model net(input(3) | conv(8) | layer(channel_gate{.gain = 2}) | relu());
  std::cout << net.parameters()[2].name << '\n';  // channel_gate0.weight
}

void keep(const architecture& recipe) {
  auto kinds = standard_layers();
  kinds.add<channel_gate>();
  const architecture again = architecture_from_json(to_json(recipe), kinds);
  std::cout << std::boolalpha << (again == recipe) << '\n';
}

void slide() {
  const architecture classifier = input(3) | conv(8, {.padding = 0}) | max_pool(2) | fully_connected(10);
  dynamic_model trained(classifier, 34, 34);
  const fully_convolutional wide = to_fully_convolutional(classifier, 34, 34);
  dynamic_model sliding(wide.network);
  copy_parameters(trained, sliding, wide.parameters);
  std::cout << sliding(tensor<float>(1, 3, 40, 50)).width() << " windows in a row\n";
}

int main() {
  try {
    run();
    run_time(2);
    tensor<float> pictures(2, 3, 16, 16), wanted(2, 2, 16, 16);
    std::fill(pictures.begin(), pictures.end(), 0.5f);
    make_fast(pictures);
    learn(pictures, wanted);
    several_inputs();
    siamese(pictures, pictures);
    dynamic_model generator(input(3) | conv(3)), critic(input(3) | conv(1, {.stride = 2}));
    adversarial(generator, critic, pictures);
    own_layer();
    keep(input(3) | small_unet(2, 4) | layer(channel_gate{.gain = 3}));
    slide();
    try {
      dynamic_model misfit(input(3) | skip(max_pool(2)) | named("decoder", conv(8)), 32, 32);
    } catch (const value_error& e) {
      std::cout << e.what() << '\n';
    }
  } catch (const std::exception& e) {
    std::cerr << e.what() << '\n';
    return 1;
  }
}
