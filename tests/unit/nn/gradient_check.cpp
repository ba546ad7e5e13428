// The gradient check: it passes layers that are right and names the fault of layers that are not. And the
// list of all layers that it is run on. A layer of your own enrolls by one line in `all_layers`.

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include <lookalike/nn/gradient_check.hpp>
#include <lookalike/nn/layers.hpp>
#include <lookalike/nn/pointwise.hpp>

namespace gradient_check_test {

using namespace lookalike;

namespace {

// ---- a user's layer, as nn/layer.hpp shows one ----

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

// ---- the list ----

constexpr shape any_picture{3, dynamic, dynamic};
constexpr double infinity = std::numeric_limits<double>::infinity();

struct enrolled {
  std::string name;
  architecture layer;
  std::vector<shape> inputs;
  gradient_check_options options = {};
};

/// Whole numbers below `count`, in any extents.
tensor<double> whole_numbers(std::int64_t batch, std::int64_t channels, std::int64_t height,
                             std::int64_t width, int count) {
  tensor<double> t(batch, channels, height, width);
  random_sequence random(3);
  for (double& v : t) v = static_cast<double>(random.integer(count));
  return t;
}

/// The same, none of them twice in a channel.
tensor<double> distinct_numbers(std::int64_t batch, std::int64_t channels, std::int64_t height,
                                std::int64_t width, int count) {
  tensor<double> t(batch, channels, height, width);
  random_sequence random(3);
  double* to = t.data();
  for (std::int64_t plane = 0; plane < batch * channels; ++plane) {
    const std::vector<std::int64_t> order = random.permutation(count);
    for (std::int64_t i = 0; i < height * width; ++i)
      *to++ = static_cast<double>(order[static_cast<std::size_t>(i)]);
  }
  return t;
}

tensor<double> drawn(std::int64_t batch, std::int64_t channels, std::int64_t height, std::int64_t width) {
  tensor<double> t(batch, channels, height, width);
  random_sequence random(4);
  for (double& v : t) v = random.normal();
  return t;
}

gradient_check_options with_indices(std::vector<tensor<double>> inputs, std::size_t indices) {
  gradient_check_options options;
  options.inputs = std::move(inputs);
  options.constant_inputs = {indices};
  return options;
}

constexpr shape other_picture{2, dynamic, dynamic};
constexpr shape mask{1, dynamic, dynamic};
constexpr shape condition{3, 1, 1};
constexpr shape number{1, 1, 1};
constexpr shape small_picture{3, 4, 5};

void append(std::vector<enrolled>& to, std::vector<enrolled> more) {
  for (enrolled& one : more) to.push_back(std::move(one));
}

std::vector<enrolled> users_layers() {
  return {
      {"channel_gate", layer(channel_gate{.gain = 2}), {any_picture}},
      {"a lambda of one number", pointwise([](auto x) { return x * tanh(x) - exp(-x * x); }), {any_picture}},
      {"a lambda of two numbers",
       pointwise([](auto x, auto y) { return sin(x) * y / (2 + y * y); }),
       {any_picture, any_picture}},
      {"a lambda of three numbers",
       pointwise([](auto x, auto y, auto z) { return max(x, y) * abs(z); }),
       {any_picture, any_picture, any_picture}},
  };
}

std::vector<enrolled> linear_layers() {
  const std::vector<shape> one{any_picture};
  const std::vector<shape> four{{4, dynamic, dynamic}};
  return {
      {"conv", conv(4), one},
      {"conv with stride and border",
       conv(3, {.kernel = {3, 4}, .stride = 2, .border = padding_mode::reflect}), one},
      {"conv with dilation", conv(2, {.kernel = {2, 3}, .dilation = 2, .bias = false}), one},
      {"conv with groups", conv(6, {.padding = {0, 1, 2, 0}, .groups = 2, .border = padding_mode::replicate}),
       four},
      {"conv of 1 x 1", conv(5, {.kernel = 1}), one},
      {"transposed_conv", transposed_conv(4), one},
      {"transposed_conv that overlaps",
       transposed_conv(2, {.kernel = 4, .stride = 2, .padding = 1, .output_padding = 1}), one},
      {"transposed_conv with groups",
       transposed_conv(6, {.kernel = 3, .stride = {2, 1}, .dilation = 2, .groups = 2, .bias = false}), four},
      {"up_conv", up_conv(2, 3), one},
      {"fully_connected", fully_connected(4), {small_picture}},
      {"fully_connected without bias", fully_connected(3, {.bias = false}), {{7, 1, 1}}},
  };
}

std::vector<enrolled> activations() {
  const std::vector<shape> one{any_picture};
  return {
      {"relu", relu(), one},
      {"leaky_relu", leaky_relu(0.2), one},
      {"elu", elu(1.5), one},
      {"silu", silu(), one},
      {"gelu", gelu(), one},
      {"sigmoid", sigmoid(), one},
      {"tanh", lookalike::tanh(), one},
      {"softmax", softmax(), one},
      {"log_softmax", log_softmax(), one},
  };
}

std::vector<enrolled> normalizations() {
  const std::vector<shape> one{any_picture};
  const std::vector<shape> four{{4, dynamic, dynamic}};
  return {
      {"batch_norm", batch_norm(), one},
      {"batch_norm, plain", batch_norm({.epsilon = 0.1, .affine = false}), one},
      {"instance_norm", instance_norm(), one},
      {"instance_norm, affine", instance_norm({.affine = true}), one},
      {"group_norm", group_norm(2), four},
      {"layer_norm", layer_norm(), one},
      {"layer_norm of pictures", layer_norm({.scope = layer_norm_scope::picture}), {small_picture}},
      {"local_response_norm", local_response_norm({.size = 3, .alpha = 0.5, .k = 1}), four},
      {"local_response_norm, average", local_response_norm({.alpha = 0.5, .average = true}), four},
  };
}

std::vector<enrolled> pools() {
  const std::vector<shape> one{any_picture};
  return {
      {"max_pool", max_pool(2), one},
      {"max_pool that overlaps", max_pool({3, 2}, {.stride = {2, 1}, .padding = {1, 0}, .ceil_mode = true}),
       one},
      {"max_pool with dilation", max_pool(2, {.stride = 1, .padding = {1, 0, 0, 1}, .dilation = 2}), one},
      {"average_pool", average_pool(2), one},
      {"average_pool over padding", average_pool(3, {.stride = 2, .padding = 1, .ceil_mode = true}), one},
      {"average_pool without padding",
       average_pool({2, 3}, {.stride = 2, .padding = 1, .dilation = {2, 1}, .include_padding = false}), one},
      {"global_average_pool", global_average_pool(), one},
      {"global_max_pool", global_max_pool(), one},
      {"adaptive_average_pool", adaptive_average_pool(3, 2), one},
      {"adaptive_max_pool", adaptive_max_pool(2, 4), one},
      {"max_pool and back", branch(max_pool(2), max_pool_indices(2)) | max_unpool(2), {{3, 4, 6}}},
      {"max_pool_indices beside its input", skip(max_pool_indices(3, {.stride = 1, .padding = 1})) | concat(),
       one},
      {"max_unpool",
       max_unpool(2),
       {{3, 2, 3}, {3, 2, 3}},
       with_indices({drawn(2, 3, 2, 3), distinct_numbers(2, 3, 2, 3, 4 * 6)}, 1)},
  };
}

std::vector<enrolled> arrangements() {
  const std::vector<shape> one{any_picture};
  return {
      {"resize, nearest", resize(7, 3), one},
      {"resize, nearest exact", resize(3, 8, {.method = interpolation::nearest_exact}), one},
      {"resize, bilinear", resize(7, 4, {.method = interpolation::bilinear}), one},
      {"resize, corners aligned", resize(3, 9, {.method = interpolation::bilinear, .align_corners = true}),
       one},
      {"upsample", upsample(2), one},
      {"upsample, bilinear", upsample(1.5, {.method = interpolation::bilinear}), one},
      {"slice", slice(1, 2), one},
      {"reshape", reshape(5, 2, 6), {small_picture}},
      {"reshape to the same", reshape(3, 4, 5), {small_picture}},
      {"flatten", flatten(), {small_picture}},
      {"permute", permute(2, 0, 1), {small_picture}},
      {"permute rows and columns", permute(0, 2, 1), one},
      {"crop", crop(1, 0, 2, 1), one},
      {"center_crop_to", center_crop_to(), {any_picture, {2, 3, 2}}},
      {"center_crop_to the same", center_crop_to(), {any_picture, any_picture}},
      {"pad_channels", pad_channels(1, 2), one},
      {"concat", concat(), {any_picture, other_picture}},
      {"concat of alike maps", concat(), {any_picture, any_picture, any_picture}},
      {"concat with a repeated vector", concat(), {any_picture, {4, 1, 1}}},
      {"concat that begins with a vector", concat(), {{4, 1, 1}, any_picture}},
  };
}

std::vector<enrolled> elementwise() {
  return {
      {"add", add(), {any_picture, any_picture}},
      {"add of three", add(), {any_picture, any_picture, any_picture}},
      {"add of one", add(), {any_picture}},
      {"add of a vector", add(), {any_picture, condition}},
      {"add to a mask", add(), {mask, any_picture, condition, number}},
      {"multiply", multiply(), {any_picture, any_picture}},
      {"multiply with a vector and a mask", multiply(), {any_picture, condition, mask}},
      {"multiply that begins with a mask", multiply(), {mask, any_picture}},
      {"multiply by a number", multiply(), {number, any_picture}},
      {"residual", residual(layer(channel_gate{})), {any_picture}},
      {"dropout", dropout(0.3), {any_picture}},
      {"constant", constant(2, 3, 2), {}},
  };
}

std::vector<enrolled> lookups() {
  const std::vector<shape> one{any_picture};
  return {
      {"embedding", embedding(5, 4), {{1, 3, 2}}, with_indices({whole_numbers(2, 1, 3, 2, 5)}, 0)},
      {"soft_lookup", soft_lookup(5, 4), one},
      {"soft_lookup, temperature learned", soft_lookup(4, 2, {.temperature = 0.7, .learn_temperature = true}),
       one},
      {"soft_lookup, dot product", soft_lookup(5, 4, {.score = lookup_score::dot_product}), one},
      {"soft_lookup, infinite temperature", soft_lookup(5, 4, {.temperature = infinity}), one},
      {"soft_lookup, three nearest", soft_lookup(6, 2, {.temperature = 2, .nearest = 3}), one},
      {"soft_lookup, the nearest", soft_lookup(6, 2, {.temperature = 0}), one},
      {"attention", attention(), {any_picture, {3, 3, 2}, {2, 3, 2}}},
      {"attention of itself", attention(), {any_picture, any_picture, any_picture}},
      {"attention with heads",
       attention({.temperature = 0.5, .heads = 2}),
       {{4, 2, 3}, {4, 3, 1}, {6, 3, 1}}},
      {"attention by distance",
       attention({.nearest = 4, .score = lookup_score::squared_distance}),
       {any_picture, {3, 3, 2}, {2, 3, 2}}},
  };
}

/// A layer of your own: one line here or above.
std::vector<enrolled> all_layers() {
  std::vector<enrolled> all = users_layers();
  append(all, linear_layers());
  append(all, activations());
  append(all, normalizations());
  append(all, pools());
  append(all, arrangements());
  append(all, elementwise());
  append(all, lookups());
  return all;
}

// ---- layers that are wrong in one way each ----

enum class fault : unsigned char {
  none,
  wrong_input_gradient,
  wrong_parameter_gradient,
  wrong_for_one_channel,
  overwrites_parameter_gradients,
  ignores_accumulate,
  adds_to_undefined,
  ignores_pitch,
  ignores_gradient_pitch,
  forgets_batch,
  reads_scratch,
  wrong_in_training,
  depends_on_what_is_wanted,
};

/// y = w[c] x^2, or almost.
template <fault Fault>
struct faulty {
  static constexpr std::string_view kind = "faulty";
  static constexpr bool overwrites_gradients =
      Fault == fault::ignores_accumulate || Fault == fault::adds_to_undefined;

  constexpr shape infer_shape(std::span<const shape> inputs, diagnosis&) const { return inputs[0]; }
  constexpr void parameters(std::span<const shape> inputs, parameter_list& list) const {
    list.add("weight", {inputs[0].channels}, {.initial = initial_value::ones});
  }
  std::int64_t scratch_size(const run_extents&) const { return 1; }

  template <class Map>
  static auto pixel(const Map& map, int n, int y, int x, bool packed) {
    return packed ? map.data + ((n * map.height + y) * map.width + x) * map.channels : map.pixel(n, y, x);
  }
  template <class Scalar>
  void forward(const forward_call<Scalar>& call) const {
    const Scalar undefined = Fault == fault::reads_scratch ? call.scratch[0] : Scalar(0);
    for_each_pixel(call.output, [&](int n, int y, int x, Scalar* out) {
      const Scalar* in = pixel(call.inputs[0], n, y, x, Fault == fault::ignores_pitch);
      for (int c = 0; c < call.output.channels; ++c)
        out[c] = call.parameters[0][c] * in[c] * in[c] + undefined;
    });
  }
  template <class Scalar>
  void backward(const backward_call<Scalar>& call) const {
    std::vector<Scalar> of_weight(static_cast<std::size_t>(call.output.channels));
    const bool wrong = Fault == fault::wrong_input_gradient ||
                       (Fault == fault::wrong_in_training && call.training) ||
                       (Fault == fault::depends_on_what_is_wanted && !call.wants_parameter_gradient(0));
    for_each_pixel(call.output_gradient, [&](int n, int y, int x, const Scalar* packed) {
      if (Fault == fault::forgets_batch && n > 0) return;
      const Scalar* g = pixel(call.output_gradient, n, y, x, Fault == fault::ignores_gradient_pitch);
      (void)packed;
      const Scalar* in = pixel(call.inputs[0], n, y, x, Fault == fault::ignores_pitch);
      for (int c = 0; c < call.output.channels; ++c) {
        of_weight[static_cast<std::size_t>(c)] += g[c] * in[c] * in[c];
        if (!call.wants_input_gradient(0)) continue;
        Scalar& to = call.input_gradients[0].pixel(n, y, x)[c];
        Scalar value = Scalar(2) * g[c] * call.parameters[0][c] * in[c];
        if (wrong || (Fault == fault::wrong_for_one_channel && c == 1)) value *= Scalar(1.0001);
        if (Fault == fault::ignores_accumulate) {
          to = value;
        } else {
          to += value;
        }
      }
    });
    if (!call.wants_parameter_gradient(0)) return;
    for (int c = 0; c < call.output.channels; ++c) {
      Scalar& to = call.parameter_gradients[0][c];
      const Scalar value = of_weight[static_cast<std::size_t>(c)];
      if (Fault == fault::overwrites_parameter_gradients) to = 0;
      to += Fault == fault::wrong_parameter_gradient ? value + Scalar(0.001) : value;
    }
  }
};

template <fault Fault>
gradient_report check_faulty() {
  return check_layer(layer(faulty<Fault>{}), {any_picture});
}

bool mentions(const gradient_report& report, const std::string& words) {
  for (const std::string& problem : report.problems) {
    if (problem.find(words) != std::string::npos) return true;
  }
  return false;
}

/// y = |x|, with 1 as derivative at the kink.
struct absolute_value {
  static constexpr std::string_view kind = "absolute_value";
  constexpr shape infer_shape(std::span<const shape> inputs, diagnosis&) const { return inputs[0]; }
  template <class Scalar>
  void forward(const forward_call<Scalar>& call) const {
    for_each_pixel(call.output, [&](int n, int y, int x, Scalar* out) {
      for (int c = 0; c < call.output.channels; ++c) out[c] = std::abs(call.inputs[0].pixel(n, y, x)[c]);
    });
  }
  template <class Scalar>
  void backward(const backward_call<Scalar>& call) const {
    for_each_pixel(call.output_gradient, [&](int n, int y, int x, const Scalar* g) {
      for (int c = 0; c < call.output_gradient.channels; ++c)
        call.input_gradients[0].pixel(n, y, x)[c] += call.inputs[0].pixel(n, y, x)[c] < 0 ? -g[c] : g[c];
    });
  }
};

gradient_check_options with_near_kinks(int count) {
  gradient_check_options options;
  options.samples = 0;
  options.inputs.emplace_back(2, 3, 5, 4);
  double v = -1;
  for (double& x : options.inputs[0]) x = v += 0.0171;
  for (int i = 0; i < count; ++i) options.inputs[0].data()[7 * i] = i % 2 == 0 ? 0.0 : 4e-6;
  return options;
}

}  // namespace

TEST_CASE("the gradients of every layer are right in all surroundings") {
  for (const enrolled& one : all_layers()) {
    for (const std::uint64_t seed : {1U, 2U}) {
      gradient_check_options options = one.options;
      options.seed = seed;
      const gradient_report report = check_layer(one.layer, one.inputs, options);
      INFO(one.name << ", seed " << seed << "\n" << report.text());
      CHECK(report);
    }
  }
}

TEST_CASE("the gradient check passes a layer that is right") {
  const gradient_report report = check_faulty<fault::none>();
  INFO(report.text());
  CHECK(report.ok());
  CHECK(report.compared > 300);
  CHECK(report.skipped == 0);
  CHECK(report.worst.error < 1e-6);
}

TEST_CASE("the gradient check detects a wrong derivative, and says where") {
  const gradient_report of_input = check_faulty<fault::wrong_input_gradient>();
  CHECK_FALSE(of_input);
  CHECK(of_input.worst.error > 0.99e-4);
  CHECK(of_input.worst.where.find("x0") != std::string::npos);
  CHECK(mentions(of_input, "on its own: evaluation: x0["));
  CHECK(mentions(check_faulty<fault::wrong_parameter_gradient>(), "checked.faulty0.weight["));
  CHECK_FALSE(check_faulty<fault::wrong_for_one_channel>());
  CHECK_FALSE(check_faulty<fault::forgets_batch>());
}

TEST_CASE("the gradient check detects errors of one mode only") {
  const gradient_report report = check_faulty<fault::wrong_in_training>();
  CHECK(mentions(report, "training: "));
  CHECK_FALSE(mentions(report, "evaluation: "));
}

TEST_CASE("the gradient check detects layers that overwrite where they should add") {
  CHECK(mentions(check_faulty<fault::overwrites_parameter_gradients>(), "on its own: evaluation: checked"));
  const gradient_report report = check_faulty<fault::ignores_accumulate>();
  CHECK_FALSE(mentions(report, "on its own: "));
  CHECK(mentions(report, "twice: "));
}

TEST_CASE("the gradient check detects layers that read what nobody has written") {
  CHECK(mentions(check_faulty<fault::adds_to_undefined>(), "not finite"));
  CHECK(mentions(check_faulty<fault::reads_scratch>(), "memory used before"));
}

TEST_CASE("the gradient check detects layers that ignore the pitch of a map") {
  const gradient_report of_values = check_faulty<fault::ignores_pitch>();
  CHECK_FALSE(mentions(of_values, "on its own: "));
  CHECK(mentions(of_values, "in a concatenation: values differ"));
  const gradient_report of_gradients = check_faulty<fault::ignores_gradient_pitch>();
  CHECK_FALSE(mentions(of_gradients, "on its own: "));
  CHECK(mentions(of_gradients, "in a concatenation: "));
}

TEST_CASE("the gradient check detects gradients that depend on which others are wanted") {
  CHECK(mentions(check_faulty<fault::depends_on_what_is_wanted>(), "are not wanted"));
}

TEST_CASE("points near a kink are skipped, but not many") {
  const architecture net = input(3) | layer(absolute_value{});
  const gradient_report none = check_gradients(net, with_near_kinks(0));
  CHECK(none);
  CHECK(none.skipped == 0);
  const gradient_report some = check_gradients(net, with_near_kinks(3));
  INFO(some.text());
  CHECK(some);
  CHECK(some.skipped == 2 * 3);
  CHECK(mentions(check_gradients(net, with_near_kinks(12)), "near kinks"));
}

TEST_CASE("the gradient check takes a user's loss and a user's network, whose parameters stay") {
  dynamic_model<double> net(input(2) | layer(channel_gate{.gain = 3}) | layer(faulty<fault::none>{}));
  const std::vector<double> before(net.values().begin(), net.values().end());
  gradient_check_options options;
  options.loss = [](std::span<const tensor_view<const double>> outputs) {
    joint_loss_value<double> result;
    result.gradients.emplace_back(outputs[0]);
    for (double& v : result.gradients[0]) {
      result.value += std::sin(v);
      v = std::cos(v);
    }
    return result;
  };
  options.inputs.emplace_back(2, 2, 3, 3);
  double v = -0.3;
  for (double& x : options.inputs[0]) x = v += 0.02;
  const gradient_report report = check_gradients(net, options);
  INFO(report.text());
  CHECK(report);
  CHECK(std::equal(before.begin(), before.end(), net.values().begin()));

  const auto right = options.loss;
  options.loss = [right](std::span<const tensor_view<const double>> outputs) {
    joint_loss_value<double> result = right(outputs);
    *result.gradients[0].begin() *= 1.01;
    return result;
  };
  CHECK_FALSE(check_gradients(net, options));
}

}  // namespace gradient_check_test
