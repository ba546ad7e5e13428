// The gradient check: it passes layers that are right and names the fault of layers that are not. And the
// list of all layers that it is run on. A layer of your own enrolls by one line in `all_layers`.

#include <cmath>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include <lookalike/nn/gradient_check.hpp>
#include <lookalike/nn/layers/concat.hpp>

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

struct enrolled {
  std::string name;
  architecture layer;
  std::vector<shape> inputs;
  gradient_check_options options = {};
};

std::vector<enrolled> all_layers() {
  return {
      {"channel_gate", layer(channel_gate{.gain = 2}), {any_picture}},
      {"concat", concat(), {any_picture, {2, dynamic, dynamic}}},
      {"concat of alike maps", concat(), {any_picture, any_picture, any_picture}},
      {"concat with a repeated vector", concat(), {any_picture, {4, 1, 1}}},
  };
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
