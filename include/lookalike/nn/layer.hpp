#pragma once

/// \file
/// What a layer is. Every layer, ours or yours, is a small struct of this form; there is no closed list of
/// them, and shape checks, names, memory planning, saving and the gradient check come with it. A layer of
/// one's own:
///
///     /// y = gain w[c] x, with one learned weight for each channel.
///     struct channel_gate {
///       static constexpr std::string_view kind = "channel_gate";
///       double gain = 1;
///       static constexpr auto attributes = std::tuple(attribute("gain", &channel_gate::gain));
///
///       constexpr shape infer_shape(std::span<const shape> inputs, diagnosis&) const { return inputs[0]; }
///       constexpr void parameters(std::span<const shape> inputs, parameter_list& list) const {
///         list.add("weight", {inputs[0].channels}, {.initial = initial_value::ones});
///       }
///       template <class Scalar>
///       void forward(const forward_call<Scalar>& call) const {
///         for_each_pixel(call.output, [&](int n, int y, int x, Scalar* out) {
///           const Scalar* in = call.inputs[0].pixel(n, y, x);
///           for (int c = 0; c < call.output.channels; ++c)
///             out[c] = Scalar(gain) * call.parameters[0][c] * in[c];
///         });
///       }
///       template <class Scalar>
///       void backward(const backward_call<Scalar>& call) const {
///         for_each_pixel(call.output_gradient, [&](int n, int y, int x, const Scalar* g) {
///           const Scalar* in = call.inputs[0].pixel(n, y, x);
///           for (int c = 0; c < call.output_gradient.channels; ++c) {
///             call.parameter_gradients[0][c] += g[c] * Scalar(gain) * in[c];
///             if (call.wants_input_gradient(0))
///               call.input_gradients[0].pixel(n, y, x)[c] += g[c] * Scalar(gain) * call.parameters[0][c];
///           }
///         });
///       }
///     };
///     const architecture net = input(3) | conv(8) | layer(channel_gate{.gain = 2}) | relu();
///
/// What else such a struct may say, each with its default, is listed at `layer_rules` below.

#include <array>
#include <cstdint>
#include <span>
#include <string_view>
#include <tuple>
#include <type_traits>

#include <lookalike/core/error.hpp>
#include <lookalike/core/shape.hpp>
#include <lookalike/core/static_text.hpp>
#include <lookalike/nn/parameter.hpp>
#include <lookalike/simd/convolution_algorithm.hpp>
#include <lookalike/simd/epilogue.hpp>
#include <lookalike/simd/feature_map.hpp>

namespace lookalike {

using simd::feature_map;

/// How many inputs a layer takes: this many in order, or any number from one on. A layer of one input that is
/// given several receives them concatenated by channel.
inline constexpr int any_number = -1;

// ---- what a layer says while shapes are inferred
// -----------------------------------------------------------

/// Whether something is wrong, and one sentence about it: `problem << "expects " << 64 << " channels, given "
/// << 3`. The name of the layer is put before it.
class diagnosis {
 public:
  constexpr bool failed() const { return failed_; }
  constexpr const static_sentence& text() const { return text_; }
  template <class Part>
  constexpr diagnosis& operator<<(const Part& part) {
    failed_ = true;
    text_ << part;
    return *this;
  }

 private:
  bool failed_ = false;
  static_sentence text_;
};

/// A parameter as a layer declares it.
struct declared_parameter {
  std::string_view name;
  std::array<std::int64_t, 4> dimensions{1, 1, 1, 1};
  int rank = 1;
  bool trainable = true;
  initial_value initial = initial_value::zeros;
  std::int64_t fan_in = 0;

  friend constexpr bool operator==(const declared_parameter&, const declared_parameter&) = default;
  constexpr std::int64_t size() const {
    return dimensions[0] * dimensions[1] * dimensions[2] * dimensions[3];
  }
};

/// What a layer's `parameters` fills in; the order is that of `forward_call::parameters`.
class parameter_list {
 public:
  static constexpr int capacity = 8;

  struct options {
    initial_value initial = initial_value::zeros;
    std::int64_t fan_in = 0;
    bool trainable = true;  ///< false: a buffer, such as a running mean
  };

  /// `dimensions` in PyTorch's order: {output channels, input channels, kernel height, kernel width}. Throws
  /// `value_error` for more than `capacity` parameters or four dimensions.
  constexpr void add(std::string_view name, std::initializer_list<std::int64_t> dimensions, options o) {
    if (count_ == capacity || dimensions.size() > 4)
      throw value_error("parameters: a layer has at most 8, of at most 4 dimensions");
    declared_parameter& row = rows_[static_cast<std::size_t>(count_++)];
    row = {name, {1, 1, 1, 1}, static_cast<int>(dimensions.size()), o.trainable, o.initial, o.fan_in};
    std::size_t axis = 0;
    for (std::int64_t extent : dimensions) row.dimensions[axis++] = extent;
  }
  constexpr int size() const { return count_; }
  constexpr const declared_parameter& operator[](int i) const { return rows_[static_cast<std::size_t>(i)]; }

 private:
  std::array<declared_parameter, capacity> rows_{};
  int count_ = 0;
};

/// How layers compute where there is a choice.
struct execution_options {
  /// Of convolutions: simd/convolution_algorithm.hpp has the table. What does not fit a layer is not used
  /// there.
  simd::convolution_algorithm algorithm = simd::convolution_algorithm::automatic;
  /// Nothing whose transformed weights take more than twice the memory of the weights.
  bool low_memory = false;

  friend constexpr bool operator==(const execution_options&, const execution_options&) = default;
};

/// What is known when memory is set aside for one run of a layer.
struct run_extents {
  std::span<const shape> inputs;
  shape output;
  int batch = 0;
  bool backward = false;  ///< memory for the backward run rather than the forward run
  bool packed = false;    ///< `forward_call::packed` will be there
  execution_options execution = {};
};

/// A form of a layer's weights that its inner loops read faster than the one in which they are stored. Forms
/// of one layer that are not the same have different numbers; 0 is none.
struct weight_packing {
  int form = 0;
  std::int64_t size = 0;  ///< scalars

  friend constexpr bool operator==(const weight_packing&, const weight_packing&) = default;
};

// ---- what a layer is given when it runs
// --------------------------------------------------------------------

/// One forward run. Maps may be slices of wider ones: mind their pitch.
template <class Scalar>
struct forward_call {
  std::span<const feature_map<const Scalar>> inputs;
  feature_map<Scalar> output;
  std::span<const Scalar* const> parameters;  ///< in the order declared, each without gaps in PyTorch's order
  std::span<Scalar* const>
      buffers;                ///< the same, to be written; null where it is trainable or may not change
  bool training = false;      ///< dropout drops, batch normalization uses the batch
  std::uint64_t seed = 0;     ///< of this layer in this pass
  std::span<Scalar> saved;    ///< `saved_size` scalars, kept until the backward run
  std::span<Scalar> scratch;  ///< `scratch_size` scalars, undefined at first
  const simd::epilogue<Scalar>* epilogue = nullptr;  ///< what was fused into the store; null: nothing
  const Scalar* packed =
      nullptr;  ///< what `pack` has made, in the form that `packing` says; null: nothing yet
  execution_options execution = {};
};

/// The backward run that belongs to it.
template <class Scalar>
struct backward_call {
  std::span<const feature_map<const Scalar>> inputs;
  feature_map<const Scalar> output;
  feature_map<const Scalar> output_gradient;
  std::span<const feature_map<Scalar>> input_gradients;  ///< data null where nobody wants it
  std::span<const bool>
      accumulate;  ///< false: overwrite input_gradients[i] (only if the layer can, see below)
  std::span<const Scalar* const> parameters;
  std::span<Scalar* const> parameter_gradients;  ///< to be added to; null where nobody wants it
  bool training = false;
  std::uint64_t seed = 0;
  std::span<const Scalar> saved;
  std::span<Scalar> scratch;
  execution_options execution = {};

  bool wants_input_gradient(std::size_t i) const { return input_gradients[i].data != nullptr; }
  bool wants_parameter_gradient(std::size_t i) const { return parameter_gradients[i] != nullptr; }
};

/// Calls `visit(n, y, x, channels of that pixel)` for every pixel of a map, in order.
template <class Scalar, class Visit>
void for_each_pixel(const feature_map<Scalar>& map, const Visit& visit) {
  for (int n = 0; n < map.batch; ++n)
    for (int y = 0; y < map.height; ++y)
      for (int x = 0; x < map.width; ++x) visit(n, y, x, map.pixel(n, y, x));
}

// ---- options ---------------------------------------------------------------------------------------------

/// One option of a layer: its name and the member that holds it (a number, bool or enumeration).
template <class Layer, class Value>
struct layer_attribute {
  std::string_view name;
  Value Layer::*member;
};

template <class Layer, class Value>
constexpr layer_attribute<Layer, Value> attribute(std::string_view name, Value Layer::*member) {
  return {name, member};
}

/// What kind of value an option is; all are stored as numbers.
enum class attribute_type : unsigned char { real, integer, boolean, enumeration };

// ---- roles that the passes over an architecture know
// -------------------------------------------------------

/// What the fusion pass may do with a layer in inference (nn/fuse.hpp).
enum class fusion_role : unsigned char {
  none,
  accepts_epilogue,  ///< stores through `forward_call::epilogue`
  normalizes,        ///< parameters weight, bias, running_mean, running_variance; attribute `epsilon`
  adds,              ///< the sum of its inputs
  activates,         ///< has `fused_activation()`
  vanishes,          ///< is the identity in inference, such as dropout
};

/// The window through which a layer sees its input, for receptive fields: along either axis, output position
/// i sees `extent` inputs from i * stride - padding on; a dilated kernel reaches from its first to its last
/// one. Where outputs are `upsampling` times as dense as inputs, they see `extent` of them from
/// floor(i / upsampling) - padding on. Layers with options `kernel_height`, `kernel_width` and an upsampling
/// are taken for transposed convolutions, whose inputs are counted exactly (nn/receptive_field.hpp).
struct layer_window {
  int extent_height = 1, extent_width = 1;
  int stride_height = 1, stride_width = 1;
  int padding_top = 0, padding_left = 0;
  int upsampling_height = 1, upsampling_width = 1;
  bool everything = false;  ///< each output sees the whole input
};

/// The rules of one kind of layer, without its type: made by `rules_of<Layer>` from these members of a layer
/// struct. Optional ones are marked with their default.
///
/// | member | meaning |
/// | --- | --- |
/// | `kind` | the name of the kind; names of nodes are made of it |
/// | `infer_shape(inputs, problem)` | shape of the output; extents that do not matter may be `dynamic` |
/// | `forward(call)`, `backward(call)` | templates on the scalar; without `backward`: inference only |
/// | `inputs` (1) | how many inputs, or `any_number` |
/// | `attributes` (none) | tuple of `attribute(name, member)` |
/// | `parameters(inputs, list)` (none) | declares what is learned and remembered |
/// | `scratch_size(extents)`, `saved_size(extents)` (0) | scalars of memory for one run |
/// | `packing<Scalar>(extents)` (none) | the `weight_packing` that `forward` reads best |
/// | `pack(packing, inputs, parameters, to)` | writes it; goes with `packing` |
/// | `backward_reads_inputs`, `backward_reads_output` (true) | what must be kept until `backward` |
/// | `in_place` (false) | the output may take the place of the first input |
/// | `concatenates` (false) | the output is the inputs side by side; they may lie there already |
/// | `overwrites_gradients` (false) | `backward` heeds `accumulate`; else it adds to cleared gradients |
/// | `multiply_adds(inputs, output)` (0) | for one picture |
/// | `window()` (1 x 1) | for receptive fields |
/// | `fusion` (none), `fused_activation()` | see `fusion_role` |
struct layer_rules {
  std::string_view kind;
  int inputs = 1;
  std::span<const std::string_view> attribute_names;
  std::span<const double> attribute_defaults;
  std::span<const attribute_type> attribute_types;
  bool backward_reads_inputs = true;
  bool backward_reads_output = true;
  bool in_place = false;
  bool concatenates = false;
  bool overwrites_gradients = false;
  bool has_backward = true;
  fusion_role fusion = fusion_role::none;
  const void* context = nullptr;  ///< for layers that exist only at run time (Python's)

  /// The options of one node.
  struct instance {
    std::span<const double> attributes;
    const void* context = nullptr;
  };

  template <class Scalar>
  using pack_function = void (*)(const instance&, const weight_packing&, std::span<const shape>,
                                 std::span<const Scalar* const>, Scalar*);

  shape (*infer_shape)(const instance&, std::span<const shape>, diagnosis&) = nullptr;
  void (*parameters)(const instance&, std::span<const shape>, parameter_list&) = nullptr;
  std::int64_t (*multiply_adds)(const instance&, std::span<const shape>, const shape&) = nullptr;
  layer_window (*window)(const instance&) = nullptr;
  simd::activation_options (*fused_activation)(const instance&) = nullptr;
  std::int64_t (*scratch_size_float)(const instance&, const run_extents&) = nullptr;
  std::int64_t (*scratch_size_double)(const instance&, const run_extents&) = nullptr;
  std::int64_t (*saved_size)(const instance&, const run_extents&) = nullptr;
  weight_packing (*packing_float)(const instance&, const run_extents&) = nullptr;
  weight_packing (*packing_double)(const instance&, const run_extents&) = nullptr;
  pack_function<float> pack_float = nullptr;
  pack_function<double> pack_double = nullptr;
  void (*forward_float)(const instance&, const forward_call<float>&) = nullptr;
  void (*forward_double)(const instance&, const forward_call<double>&) = nullptr;
  void (*backward_float)(const instance&, const backward_call<float>&) = nullptr;
  void (*backward_double)(const instance&, const backward_call<double>&) = nullptr;

  template <class Scalar>
  constexpr auto forward() const {
    if constexpr (std::is_same_v<Scalar, float>) {
      return forward_float;
    } else {
      return forward_double;
    }
  }
  template <class Scalar>
  constexpr auto backward() const {
    if constexpr (std::is_same_v<Scalar, float>) {
      return backward_float;
    } else {
      return backward_double;
    }
  }
  template <class Scalar>
  constexpr auto scratch_size() const {
    if constexpr (std::is_same_v<Scalar, float>) {
      return scratch_size_float;
    } else {
      return scratch_size_double;
    }
  }
  template <class Scalar>
  constexpr auto packing() const {
    if constexpr (std::is_same_v<Scalar, float>) {
      return packing_float;
    } else {
      return packing_double;
    }
  }
  template <class Scalar>
  constexpr auto pack() const {
    if constexpr (std::is_same_v<Scalar, float>) {
      return pack_float;
    } else {
      return pack_double;
    }
  }
};

namespace detail {

template <class Layer>
constexpr auto attributes_of() {
  if constexpr (requires { Layer::attributes; }) {
    return Layer::attributes;
  } else {
    return std::tuple<>();
  }
}

template <class Layer>
inline constexpr std::size_t attribute_count = std::tuple_size_v<decltype(attributes_of<Layer>())>;

template <class Layer>
inline constexpr auto attribute_names =
    std::apply([](const auto&... a) { return std::array<std::string_view, sizeof...(a)>{a.name...}; },
               attributes_of<Layer>());

/// The options as numbers, in the order of `attributes`.
template <class Layer>
constexpr std::array<double, attribute_count<Layer>> to_numbers(const Layer& layer) {
  return std::apply(
      [&](const auto&... a) {
        return std::array<double, sizeof...(a)>{static_cast<double>(layer.*(a.member))...};
      },
      attributes_of<Layer>());
}

/// And back.
template <class Layer>
constexpr Layer from_numbers(std::span<const double> numbers) {
  Layer layer{};
  std::size_t i = 0;
  const auto set = [&](const auto& a) {
    using value = std::remove_reference_t<decltype(layer.*(a.member))>;
    layer.*(a.member) = static_cast<value>(numbers[i++]);
  };
  std::apply([&](const auto&... a) { (set(a), ...); }, attributes_of<Layer>());
  return layer;
}

template <class Layer>
inline constexpr auto attribute_defaults = to_numbers(Layer{});

template <class Value>
constexpr attribute_type type_of_attribute() {
  if (std::is_same_v<Value, bool>) return attribute_type::boolean;
  if (std::is_enum_v<Value>) return attribute_type::enumeration;
  return std::is_integral_v<Value> ? attribute_type::integer : attribute_type::real;
}

template <class Layer>
inline constexpr auto attribute_types = std::apply(
    []<class... Owner, class... Value>(const layer_attribute<Owner, Value>&...) {
      return std::array<attribute_type, sizeof...(Value)>{type_of_attribute<Value>()...};
    },
    attributes_of<Layer>());

/// The functions behind `layer_rules`: each makes the struct again from its options and asks it.
template <class Layer>
struct layer_adaptor {
  using instance = layer_rules::instance;

  static constexpr shape infer_shape(const instance& i, std::span<const shape> inputs, diagnosis& problem) {
    return from_numbers<Layer>(i.attributes).infer_shape(inputs, problem);
  }
  static constexpr void parameters(const instance& i, std::span<const shape> inputs, parameter_list& list) {
    if constexpr (requires(const Layer& layer) { layer.parameters(inputs, list); }) {
      from_numbers<Layer>(i.attributes).parameters(inputs, list);
    }
  }
  static constexpr std::int64_t multiply_adds(const instance& i, std::span<const shape> inputs,
                                              const shape& output) {
    if constexpr (requires(const Layer& layer) { layer.multiply_adds(inputs, output); }) {
      return from_numbers<Layer>(i.attributes).multiply_adds(inputs, output);
    } else {
      return 0;
    }
  }
  static constexpr layer_window window(const instance& i) {
    if constexpr (requires(const Layer& layer) { layer.window(); }) {
      return from_numbers<Layer>(i.attributes).window();
    } else {
      return {};
    }
  }
  static constexpr simd::activation_options fused_activation(const instance& i) {
    if constexpr (requires(const Layer& layer) { layer.fused_activation(); }) {
      return from_numbers<Layer>(i.attributes).fused_activation();
    } else {
      return {};
    }
  }
  template <class Scalar>
  static std::int64_t scratch_size(const instance& i, const run_extents& extents) {
    if constexpr (requires(const Layer& layer) { layer.template scratch_size<Scalar>(extents); }) {
      return from_numbers<Layer>(i.attributes).template scratch_size<Scalar>(extents);
    } else if constexpr (requires(const Layer& layer) { layer.scratch_size(extents); }) {
      return from_numbers<Layer>(i.attributes).scratch_size(extents);
    } else {
      return 0;
    }
  }
  static std::int64_t saved_size(const instance& i, const run_extents& extents) {
    if constexpr (requires(const Layer& layer) { layer.saved_size(extents); }) {
      return from_numbers<Layer>(i.attributes).saved_size(extents);
    } else {
      return 0;
    }
  }
  template <class Scalar>
  static weight_packing packing(const instance& i, const run_extents& extents) {
    if constexpr (requires(const Layer& layer) { layer.template packing<Scalar>(extents); }) {
      return from_numbers<Layer>(i.attributes).template packing<Scalar>(extents);
    } else {
      return {};
    }
  }
  template <class Scalar>
  static void pack([[maybe_unused]] const instance& i, [[maybe_unused]] const weight_packing& packing,
                   [[maybe_unused]] std::span<const shape> inputs,
                   [[maybe_unused]] std::span<const Scalar* const> parameters, [[maybe_unused]] Scalar* to) {
    if constexpr (requires(const Layer& layer) { layer.pack(packing, inputs, parameters, to); })
      from_numbers<Layer>(i.attributes).pack(packing, inputs, parameters, to);
  }
  template <class Scalar>
  static void forward(const instance& i, const forward_call<Scalar>& call) {
    from_numbers<Layer>(i.attributes).forward(call);
  }
  template <class Scalar>
  static void backward(const instance& i, const backward_call<Scalar>& call) {
    from_numbers<Layer>(i.attributes).backward(call);
  }
};

template <class Layer>
concept can_learn = requires(const Layer& layer, const backward_call<float>& call) {
  layer.backward(call);
};

template <class Layer>
concept has_packing = requires(const Layer& layer, const run_extents& extents) {
  layer.template packing<float>(extents);
};

template <class Layer>
constexpr layer_rules make_rules() {
  using adaptor = layer_adaptor<Layer>;
  layer_rules r;
  r.kind = Layer::kind;
  if constexpr (requires { Layer::inputs; }) r.inputs = Layer::inputs;
  r.attribute_names = attribute_names<Layer>;
  r.attribute_defaults = attribute_defaults<Layer>;
  r.attribute_types = attribute_types<Layer>;
  if constexpr (requires { Layer::backward_reads_inputs; })
    r.backward_reads_inputs = Layer::backward_reads_inputs;
  if constexpr (requires { Layer::backward_reads_output; })
    r.backward_reads_output = Layer::backward_reads_output;
  if constexpr (requires { Layer::in_place; }) r.in_place = Layer::in_place;
  if constexpr (requires { Layer::concatenates; }) r.concatenates = Layer::concatenates;
  if constexpr (requires { Layer::overwrites_gradients; })
    r.overwrites_gradients = Layer::overwrites_gradients;
  if constexpr (requires { Layer::fusion; }) r.fusion = Layer::fusion;
  r.infer_shape = &adaptor::infer_shape;
  r.parameters = &adaptor::parameters;
  r.multiply_adds = &adaptor::multiply_adds;
  r.window = &adaptor::window;
  r.fused_activation = &adaptor::fused_activation;
  r.scratch_size_float = &adaptor::template scratch_size<float>;
  r.scratch_size_double = &adaptor::template scratch_size<double>;
  r.saved_size = &adaptor::saved_size;
  if constexpr (has_packing<Layer>) {
    r.packing_float = &adaptor::template packing<float>;
    r.packing_double = &adaptor::template packing<double>;
    r.pack_float = &adaptor::template pack<float>;
    r.pack_double = &adaptor::template pack<double>;
  }
  r.forward_float = &adaptor::template forward<float>;
  r.forward_double = &adaptor::template forward<double>;
  r.has_backward = can_learn<Layer>;
  if constexpr (can_learn<Layer>) {
    r.backward_float = &adaptor::template backward<float>;
    r.backward_double = &adaptor::template backward<double>;
  }
  return r;
}

}  // namespace detail

/// The rules of a layer struct. Its address stands for the kind.
template <class Layer>
inline constexpr layer_rules rules_of = detail::make_rules<Layer>();

}  // namespace lookalike
