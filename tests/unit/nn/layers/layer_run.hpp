#pragma once

/// \file
/// Runs a layer by itself on maps with gaps between the pixels, with exactly the memory it asks for, and
/// checks that it leaves everything else alone. What it should compute is up to each test, in double.

#include <cmath>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <random>
#include <vector>

#include <catch2/catch.hpp>

#include <lookalike/nn/layer.hpp>

namespace layer_test {

using namespace lookalike;

/// An array of doubles in PyTorch's order (batch, channels, rows, columns).
struct array4 {
  int batch = 0, channels = 0, height = 0, width = 0;
  std::vector<double> values;

  array4() = default;
  array4(int n, int c, int h, int w)
      : batch(n), channels(c), height(h), width(w), values(static_cast<std::size_t>(n * c * h * w)) {}
  array4(int n, const shape& s) : array4(n, s.channels, s.height, s.width) {}
  double& operator()(int n, int c, int y, int x) { return values[at(n, c, y, x)]; }
  double operator()(int n, int c, int y, int x) const { return values[at(n, c, y, x)]; }
  shape extents() const { return {channels, height, width}; }

 private:
  std::size_t at(int n, int c, int y, int x) const {
    return static_cast<std::size_t>(((n * channels + c) * height + y) * width + x);
  }
};

/// Numbers that are exact in float, so that both scalars see the same.
inline double random_number(std::mt19937& generator, double low = -1, double high = 1) {
  return static_cast<double>(
      static_cast<float>(std::uniform_real_distribution<double>(low, high)(generator)));
}

inline array4 random_array(std::mt19937& generator, int n, const shape& s, double low = -1, double high = 1) {
  array4 a(n, s);
  for (double& v : a.values) v = random_number(generator, low, high);
  return a;
}

inline std::vector<double> random_vector(std::mt19937& generator, std::int64_t size, double low = -1,
                                         double high = 1) {
  std::vector<double> v(static_cast<std::size_t>(size));
  for (double& x : v) x = random_number(generator, low, high);
  return v;
}

/// A feature map with `gap` scalars between pixels and before the first, which must stay as they are.
template <class Scalar>
class gapped_map {
 public:
  static constexpr Scalar mark = Scalar(12345.5);

  gapped_map(int n, const shape& s, int gap) : first_(static_cast<std::size_t>(gap)) {
    map_ = {nullptr, n, s.height, s.width, s.channels, s.channels + gap};
    storage_.assign(static_cast<std::size_t>(map_.pixels() * map_.pitch) + first_, mark);
    map_.data = storage_.data() + first_;
    for_each_pixel(map_, [&](int, int, int, Scalar* pixel) {
      std::fill_n(pixel, s.channels, std::numeric_limits<Scalar>::quiet_NaN());
    });
  }
  gapped_map(const array4& a, int gap) : gapped_map(a.batch, a.extents(), gap) {
    for_each_pixel(map_, [&](int n, int y, int x, Scalar* pixel) {
      for (int c = 0; c < a.channels; ++c) pixel[c] = static_cast<Scalar>(a(n, c, y, x));
    });
  }
  gapped_map(const gapped_map&) = delete;
  gapped_map(gapped_map&& other) noexcept = default;

  const feature_map<Scalar>& map() const { return map_; }
  array4 values() const {
    array4 a(map_.batch, map_.channels, map_.height, map_.width);
    for_each_pixel(map_, [&](int n, int y, int x, const Scalar* pixel) {
      for (int c = 0; c < a.channels; ++c) a(n, c, y, x) = static_cast<double>(pixel[c]);
    });
    return a;
  }
  bool gaps_are_untouched() const {
    for (std::size_t i = 0; i < storage_.size(); ++i) {
      const auto pitch = static_cast<std::size_t>(map_.pitch);
      const bool gap = i < first_ || (i - first_) % pitch >= static_cast<std::size_t>(map_.channels);
      if (gap && storage_[i] != mark) return false;
    }
    return true;
  }

 private:
  std::size_t first_ = 0;
  std::vector<Scalar> storage_;
  feature_map<Scalar> map_;
};

/// One layer, its inputs and its parameters.
template <class Scalar, class Layer>
class layer_run {
 public:
  Layer layer;
  std::vector<std::vector<Scalar>> parameters;  ///< in the order declared; buffers are written here
  bool training = false;
  bool writes_buffers = true;
  std::uint64_t seed = 0;
  parameter_list declared;

  /// Shapes are inferred; parameters are drawn between `low` and `high`.
  layer_run(const Layer& l, const std::vector<array4>& inputs, std::mt19937& generator, double low = -1,
            double high = 1)
      : layer(detail::from_numbers<Layer>(detail::to_numbers(l))), gap_(static_cast<int>(generator() % 4)) {
    for (const array4& input : inputs) {
      inputs_.emplace_back(input, gap_ == 0 ? 0 : static_cast<int>(generator() % 5));
      shapes_.push_back(input.extents());
    }
    batch_ = inputs[0].batch;
    diagnosis problem;
    output_shape_ = layer.infer_shape(shapes_, problem);
    INFO(problem.text().view());
    REQUIRE_FALSE(problem.failed());
    if constexpr (requires { layer.parameters(shapes_, declared); }) layer.parameters(shapes_, declared);
    for (int i = 0; i < declared.size(); ++i) {
      const std::vector<double> drawn = random_vector(generator, declared[i].size(), low, high);
      parameters.emplace_back(drawn.begin(), drawn.end());
    }
  }

  const shape& output_shape() const { return output_shape_; }
  /// Parameter `i` in double.
  std::vector<double> parameter(std::size_t i) const { return {parameters[i].begin(), parameters[i].end()}; }

  array4 forward(const simd::epilogue<Scalar>* epilogue = nullptr) {
    output_.emplace(batch_, output_shape_, gap_);
    std::vector<feature_map<const Scalar>> inputs;
    for (const auto& input : inputs_) inputs.push_back(input.map());
    std::vector<const Scalar*> values;
    std::vector<Scalar*> buffers;
    for (int i = 0; i < declared.size(); ++i) {
      std::vector<Scalar>& p = parameters[static_cast<std::size_t>(i)];
      values.push_back(p.data());
      buffers.push_back(declared[i].trainable || !writes_buffers ? nullptr : p.data());
    }
    const run_extents extents = run_of(false);
    saved_ = make_memory(detail::layer_adaptor<Layer>::saved_size(instance(), extents));
    auto scratch =
        make_memory(detail::layer_adaptor<Layer>::template scratch_size<Scalar>(instance(), extents));
    forward_call<Scalar> call;
    call.inputs = inputs;
    call.output = output_->map();
    call.parameters = values;
    call.buffers = buffers;
    call.training = training;
    call.seed = seed;
    call.saved = part(saved_);
    call.scratch = part(scratch);
    call.epilogue = epilogue;
    layer.forward(call);
    CHECK(is_intact(saved_));
    CHECK(is_intact(scratch));
    CHECK(output_->gaps_are_untouched());
    for (const auto& input : inputs_) CHECK(input.gaps_are_untouched());
    return output_->values();
  }

  struct gradients {
    std::vector<array4> inputs;
    std::vector<std::vector<double>> parameters;
  };

  /// After `forward`. Gradients of inputs are added to `start`; without a start they overwrite what is there.
  /// Gradients of parameters are added to 1.
  gradients backward(const array4& output_gradient, const std::vector<array4>* start = nullptr,
                     bool wants_inputs = true, bool wants_parameters = true) {
    const gapped_map<Scalar> gy(output_gradient, gap_ == 0 ? 0 : gap_ + 1);
    std::vector<gapped_map<Scalar>> gx;
    std::vector<feature_map<const Scalar>> inputs;
    std::vector<feature_map<Scalar>> input_gradients;
    const auto accumulate = std::make_unique<bool[]>(inputs_.size());
    for (std::size_t i = 0; i < inputs_.size(); ++i) {
      inputs.push_back(inputs_[i].map());
      if (start != nullptr) {
        gx.emplace_back((*start)[i], gap_);
      } else {
        gx.emplace_back(batch_, shapes_[i], gap_);
      }
      accumulate[i] = start != nullptr;
    }
    for (const auto& g : gx) {
      input_gradients.push_back(g.map());
      if (!wants_inputs) input_gradients.back().data = nullptr;
    }
    std::vector<const Scalar*> values;
    std::vector<std::vector<Scalar>> gradient_values;
    std::vector<Scalar*> parameter_gradients;
    for (int i = 0; i < declared.size(); ++i) {
      values.push_back(parameters[static_cast<std::size_t>(i)].data());
      gradient_values.emplace_back(static_cast<std::size_t>(declared[i].size()), Scalar(1));
    }
    for (int i = 0; i < declared.size(); ++i)
      parameter_gradients.push_back(wants_parameters && declared[i].trainable
                                        ? gradient_values[static_cast<std::size_t>(i)].data()
                                        : nullptr);
    // What the layer does not read may be gone.
    const Scalar nan = std::numeric_limits<Scalar>::quiet_NaN();
    const layer_rules& rules = rules_of<Layer>;
    std::vector<gapped_map<Scalar>> gone;
    if (!rules.backward_reads_inputs) {
      for (auto& input : inputs) {
        gone.emplace_back(batch_, shape{input.channels, input.height, input.width}, gap_);
        input = gone.back().map();
      }
    }
    gapped_map<Scalar> output(output_->values(), gap_);
    if (!rules.backward_reads_output)
      for_each_pixel(output.map(),
                     [&](int, int, int, Scalar* pixel) { std::fill_n(pixel, output_shape_.channels, nan); });
    auto scratch =
        make_memory(detail::layer_adaptor<Layer>::template scratch_size<Scalar>(instance(), run_of(true)));
    backward_call<Scalar> call;
    call.inputs = inputs;
    call.output = output.map();
    call.output_gradient = gy.map();
    call.input_gradients = input_gradients;
    call.accumulate = {accumulate.get(), inputs_.size()};
    call.parameters = values;
    call.parameter_gradients = parameter_gradients;
    call.training = training;
    call.seed = seed;
    call.saved = part(saved_);
    call.scratch = part(scratch);
    layer.backward(call);
    CHECK(is_intact(scratch));
    gradients result;
    for (const auto& g : gx) {
      CHECK(g.gaps_are_untouched());
      result.inputs.push_back(g.values());
    }
    for (std::size_t i = 0; i < gradient_values.size(); ++i) {
      std::vector<double> difference(gradient_values[i].begin(), gradient_values[i].end());
      for (double& v : difference) v -= 1;
      result.parameters.push_back(std::move(difference));
    }
    return result;
  }

 private:
  static constexpr std::size_t guard = 8;

  run_extents run_of(bool backward) const { return {shapes_, output_shape_, batch_, backward}; }
  layer_rules::instance instance() {
    numbers_ = detail::to_numbers(layer);
    return {numbers_, nullptr};
  }
  static std::vector<Scalar> make_memory(std::int64_t size) {
    std::vector<Scalar> memory(static_cast<std::size_t>(size) + guard, gapped_map<Scalar>::mark);
    std::fill_n(memory.begin(), size, std::numeric_limits<Scalar>::quiet_NaN());
    return memory;
  }
  static std::span<Scalar> part(std::vector<Scalar>& memory) {
    return {memory.data(), memory.size() - guard};
  }
  static bool is_intact(const std::vector<Scalar>& memory) {
    for (std::size_t i = memory.size() - guard; i < memory.size(); ++i)
      if (memory[i] != gapped_map<Scalar>::mark) return false;
    return true;
  }

  int gap_ = 0;
  int batch_ = 0;
  std::vector<gapped_map<Scalar>> inputs_;
  std::vector<shape> shapes_;
  shape output_shape_;
  std::optional<gapped_map<Scalar>> output_;
  std::vector<Scalar> saved_;
  std::array<double, detail::attribute_count<Layer>> numbers_{};
};

/// The largest difference, relative to the largest number that is expected (at least 1).
inline double relative_error(const std::vector<double>& given, const std::vector<double>& expected) {
  REQUIRE(given.size() == expected.size());
  double largest = 1, difference = 0;
  for (std::size_t i = 0; i < given.size(); ++i) {
    largest = std::max(largest, std::abs(expected[i]));
    const double d = std::abs(given[i] - expected[i]);
    difference = d <= difference ? difference : d;  // NaN counts
  }
  return difference / largest;
}
inline double relative_error(const array4& given, const array4& expected) {
  REQUIRE(given.extents() == expected.extents());
  return relative_error(given.values, expected.values);
}

/// How far a layer in `Scalar` may be from loops in double.
template <class Scalar>
inline constexpr double tolerance = std::is_same_v<Scalar, float> ? 1e-5 : 1e-12;

/// Checks what `backward` computes against `expected`: overwriting, adding to what is there, and each part
/// alone.
template <class Scalar, class Layer>
void check_backward(layer_run<Scalar, Layer>& run, const array4& output_gradient,
                    const typename layer_run<Scalar, Layer>::gradients& expected, std::mt19937& generator,
                    double allowed = tolerance<Scalar>) {
  const auto overwritten = run.backward(output_gradient);
  std::vector<array4> start, sums;
  for (std::size_t i = 0; i < expected.inputs.size(); ++i) {
    CHECK(relative_error(overwritten.inputs[i], expected.inputs[i]) <= allowed);
    start.push_back(random_array(generator, expected.inputs[i].batch, expected.inputs[i].extents()));
    sums.push_back(expected.inputs[i]);
    for (std::size_t k = 0; k < sums[i].values.size(); ++k) sums[i].values[k] += start[i].values[k];
  }
  for (std::size_t i = 0; i < expected.parameters.size(); ++i) {
    if (!run.declared[static_cast<int>(i)].trainable) continue;
    CHECK(relative_error(overwritten.parameters[i], expected.parameters[i]) <= allowed);
  }
  const auto added = run.backward(output_gradient, &start, true, false);
  for (std::size_t i = 0; i < sums.size(); ++i) {
    CHECK(relative_error(added.inputs[i], sums[i]) <= allowed);
  }
  const auto only_parameters = run.backward(output_gradient, nullptr, false, true);
  for (std::size_t i = 0; i < expected.parameters.size(); ++i) {
    if (!run.declared[static_cast<int>(i)].trainable) continue;
    CHECK(only_parameters.parameters[i] == overwritten.parameters[i]);
  }
}

}  // namespace layer_test
