#pragma once

/// \file
/// What `model` and `dynamic_model` have in common: parameters, and the way from inputs to a pass. Functions
/// that do not care how a network was made take a `network<Scalar>&`.

#include <atomic>
#include <initializer_list>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <lookalike/nn/detail/packed_weights.hpp>
#include <lookalike/nn/initialize.hpp>
#include <lookalike/nn/pass.hpp>

namespace lookalike {

/// A network with parameters of type `Scalar` (float or double).
///
/// Parameters lie in one block, arrays in PyTorch's order (nn/parameter.hpp); they are drawn by `initialize`
/// with seed 0 at first. A `const` network may run on several threads at once. Results do not depend on the
/// number of threads, nor on the batch a picture is in (but for batch normalization in training).
template <class Scalar>
class network {
 public:
  using scalar = Scalar;

  // ---- parameters ----
  /// The names, dimensions and places of all parameters.
  std::span<const parameter> parameters() const { return table_; }
  /// All numbers, in one block. Who can change them undoes `prepare`.
  std::span<Scalar> values() {
    packed_.reset();
    return values_;
  }
  std::span<const Scalar> values() const { return values_; }
  /// The numbers of one parameter. Throws `value_error` when none has that name.
  std::span<Scalar> values(std::string_view name) {
    const parameter& p = find_parameter(name);
    return values().subspan(static_cast<std::size_t>(p.offset), static_cast<std::size_t>(p.size));
  }
  std::span<const Scalar> values(std::string_view name) const {
    const parameter& p = find_parameter(name);
    return values().subspan(static_cast<std::size_t>(p.offset), static_cast<std::size_t>(p.size));
  }
  /// How many numbers are learned.
  std::int64_t parameter_count() const {
    std::int64_t count = 0;
    for (const parameter& p : table_) count += p.trainable ? p.size : 0;
    return count;
  }
  /// Draws all parameters anew, by the rules that layers name.
  void initialize(std::uint64_t seed) { lookalike::initialize<Scalar>(parameters(), values(), seed); }
  /// A block of zeros, like the parameters, for `pass::backward` to add to.
  aligned_vector<Scalar> make_gradients() const { return aligned_vector<Scalar>(values_.size()); }

  // ---- running ----
  /// Runs the network on a batch. `inputs` are arrays (batch, channels, height, width), by name or by
  /// position: those without a name are the inputs that are left, in order. In training, running averages (of
  /// batch normalization) are updated; the overload for `const` networks leaves them alone. Throws
  /// `value_error` when the inputs do not fit, naming the layer they do not fit.
  pass<Scalar> forward(std::span<const named_tensor<Scalar>> inputs, forward_options options = {},
                       const workspace<Scalar>* memory = nullptr) {
    return run(inputs, options, memory, values_.data());
  }
  pass<Scalar> forward(std::span<const named_tensor<Scalar>> inputs, forward_options options = {},
                       const workspace<Scalar>* memory = nullptr) const {
    return run(inputs, options, memory, nullptr);
  }
  pass<Scalar> forward(std::initializer_list<named_tensor<Scalar>> inputs, forward_options options = {},
                       const workspace<Scalar>* memory = nullptr) {
    return forward(std::span<const named_tensor<Scalar>>(inputs.begin(), inputs.size()), options, memory);
  }
  pass<Scalar> forward(std::initializer_list<named_tensor<Scalar>> inputs, forward_options options = {},
                       const workspace<Scalar>* memory = nullptr) const {
    return forward(std::span<const named_tensor<Scalar>>(inputs.begin(), inputs.size()), options, memory);
  }
  pass<Scalar> forward(tensor_view<const Scalar> x, forward_options options = {},
                       const workspace<Scalar>* memory = nullptr) {
    return forward({named_tensor<Scalar>(x)}, options, memory);
  }
  pass<Scalar> forward(tensor_view<const Scalar> x, forward_options options = {},
                       const workspace<Scalar>* memory = nullptr) const {
    return forward({named_tensor<Scalar>(x)}, options, memory);
  }

  /// The first output for `x`, as an array of its own (inference).
  tensor<Scalar> operator()(tensor_view<const Scalar> x) const { return tensor<Scalar>(forward(x).output()); }

  /// How layers compute from now on, in training and in inference. Undoes `prepare` if it changes anything.
  void set_execution(execution_options how) {
    if (how == execution_) return;
    packed_.reset();
    execution_ = how;
  }
  const execution_options& execution() const { return execution_; }
  /// How one convolution computes in inference from now on, whatever `set_execution` says of the others;
  /// `automatic`: as they do. Undoes `prepare`. `tune` (nn/tune.hpp) finds out what is fastest. Throws
  /// `value_error` when no layer has that name.
  void set_algorithm(std::string_view layer, simd::convolution_algorithm algorithm) {
    const int count = program_->graph.size();
    int at = 0;
    while (at < count && program_->name(at) != layer) ++at;
    if (at == count) detail::refuse({"set_algorithm: no layer is called '", layer, "'"});
    if (algorithms_.empty()) algorithms_.resize(static_cast<std::size_t>(count));
    algorithms_[static_cast<std::size_t>(at)] = algorithm;
    packed_.reset();
  }
  /// What `set_algorithm` said, by layer, in the order of `program().graph`; empty: nothing.
  std::span<const simd::convolution_algorithm> algorithms() const { return algorithms_; }
  /// How layers' weights are packed for inputs of these extents, in that order. Layers whose form is the same
  /// under two algorithms compute in the same way.
  std::vector<weight_packing> packings(std::span<const named_tensor<Scalar>> inputs) const {
    std::vector<weight_packing> forms(static_cast<std::size_t>(program_->graph.size()));
    std::shared_ptr<const detail::planned_run> plan;
    const detail::run_setting<Scalar> setting = set_up(inputs, {}, plan).first;
    std::vector<shape> shapes;
    for (int i = 0; i < setting.graph->size(); ++i)
      forms[static_cast<std::size_t>(setting.graph->at(i).source)] = detail::packing_of(setting, i, shapes);
    return forms;
  }
  /// For inference: weights are packed, and transformed where an algorithm wants that, when they are first
  /// needed and not in every pass. Takes the memory that `packed_memory` says, and holds until `values()` or
  /// `get` of a network that is not `const` lets somebody change the parameters (as `initialize`, training
  /// and loading do); after a change through a span from an earlier call, prepare again. Results do not
  /// change.
  void prepare() { packed_ = std::make_shared<detail::packed_weights<Scalar>>(); }
  void prepare(execution_options how) {
    set_execution(how);
    prepare();
  }
  bool is_prepared() const { return packed_ != nullptr; }
  /// Bytes of weights that are packed at present.
  std::size_t packed_memory() const { return packed_ ? packed_->bytes() : 0; }

  // ---- what it is ----
  std::size_t input_count() const { return program_->inputs.size(); }
  std::size_t output_count() const { return program_->graph.exits.size(); }
  /// Name and extents (`dynamic` where they are open) of input `i`.
  std::string_view input_name(std::size_t i) const { return program_->name(program_->inputs[i]); }
  shape input_shape(std::size_t i = 0) const {
    return program_->shapes[static_cast<std::size_t>(program_->inputs[i])];
  }
  shape output_shape(std::size_t i = 0) const {
    return program_->shapes[static_cast<std::size_t>(program_->graph.exits[i])];
  }
  /// The tables that run, for those who look inside.
  const detail::program<Scalar>& program() const { return *program_; }

 protected:
  network() = default;

  void set_program(std::shared_ptr<const detail::program<Scalar>> p) {
    program_ = std::move(p);
    for (const detail::parameter_slot& slot : program_->slots) {
      parameter row;
      row.name = std::string(program_->name(slot.node)) + "." + std::string(slot.declared.name);
      row.dimensions = slot.declared.dimensions;
      row.rank = slot.declared.rank;
      row.offset = slot.offset;
      row.size = slot.declared.size();
      row.trainable = slot.declared.trainable;
      row.initial = slot.declared.initial;
      row.fan_in = slot.declared.fan_in;
      table_.push_back(std::move(row));
    }
    values_.resize(static_cast<std::size_t>(program_->parameter_count));
    initialize(0);
  }
  /// Adds a plan that was made in advance.
  void keep_plan(std::shared_ptr<const detail::planned_run> plan) {
    plans_->known.push_back(std::move(plan));
  }

 private:
  struct plan_cache {
    std::mutex guard;
    std::vector<std::shared_ptr<const detail::planned_run>> known;
  };
  static constexpr std::size_t most_plans = 64;

  const parameter& find_parameter(std::string_view name) const {
    for (const parameter& p : table_) {
      if (p.name == name) return p;
    }
    detail::refuse({"parameters: none is called '", name, "'"});
  }

  static constexpr std::size_t most_inputs = 16;
  using ordered_inputs = std::array<tensor_view<const Scalar>, most_inputs>;

  /// What a run needs besides memory and packed weights, and the inputs in their order.
  std::pair<detail::run_setting<Scalar>, ordered_inputs> set_up(
      std::span<const named_tensor<Scalar>> inputs, const forward_options& options,
      std::shared_ptr<const detail::planned_run>& plan) const {
    const detail::program<Scalar>& p = *program_;
    if (p.inputs.size() > most_inputs)
      detail::refuse({"forward: the network has ", p.inputs.size(), " inputs, wanted at most ", most_inputs});
    ordered_inputs given{};
    order_inputs(inputs, given);
    std::array<shape, most_inputs> extents{};
    for (std::size_t i = 0; i < p.inputs.size(); ++i)
      extents[i] = {static_cast<int>(given[i].channels()), static_cast<int>(given[i].height()),
                    static_cast<int>(given[i].width())};
    const bool backward = options.training || options.differentiable;
    plan = plan_for(std::span<const shape>(extents.data(), p.inputs.size()), backward);

    detail::run_setting<Scalar> setting;
    setting.what = &p;
    setting.graph = plan->fused ? &p.fused : &p.graph;
    setting.plan = plan.get();
    setting.parameters = values_.data();
    setting.batch = static_cast<int>(given[0].batch());
    setting.training = options.training;
    setting.seed = options.seed;
    setting.execution = execution_;
    if (!backward) setting.algorithms = algorithms_;
    if (!options.seconds.empty() && options.seconds.size() != static_cast<std::size_t>(p.graph.size()))
      detail::refuse({"forward: given ", options.seconds.size(),
                      " numbers for seconds, wanted one for each of ", p.graph.size(), " layers"});
    setting.seconds = options.seconds;
    return {setting, given};
  }

  pass<Scalar> run(std::span<const named_tensor<Scalar>> inputs, forward_options options,
                   const workspace<Scalar>* memory, Scalar* buffers) const {
    std::shared_ptr<const detail::planned_run> plan;
    auto [setting, given] = set_up(inputs, options, plan);
    setting.buffers = options.training ? buffers : nullptr;
    std::shared_ptr<const std::vector<const Scalar*>> packed;
    if (packed_ && !plan->backward) {
      packed = packed_->of(setting, plan);
      setting.packed = *packed;
    }
    detail::borrowed_arena<Scalar> arena =
        detail::borrow_arena(memory != nullptr ? memory->pool() : memory_.pool());
    detail::lay_out(setting, *arena);
    detail::run_forward(setting, *arena,
                        std::span<const tensor_view<const Scalar>>(given.data(), program_->inputs.size()));
    setting.packed = {};  // the tables go, the pass stays
    setting.algorithms = {};
    setting.seconds = {};
    return {setting, std::move(plan), std::move(arena)};
  }

  void order_inputs(std::span<const named_tensor<Scalar>> inputs, ordered_inputs& given) const {
    const std::size_t wanted = program_->inputs.size();
    if (inputs.size() != wanted)
      detail::refuse({"forward: given ", inputs.size(), " inputs, wanted ", wanted});
    const auto put = [&](const named_tensor<Scalar>& input, std::size_t at) {
      if (input.value.data == nullptr || input.value.size() <= 0) {
        const auto& e = input.value.extents;
        detail::refuse({"forward: given an input of ", e[0], " x ", e[1], " x ", e[2], " x ", e[3],
                        ", wanted one that is not empty"});
      }
      given[at] = input.value;
    };
    for (const named_tensor<Scalar>& input : inputs) {
      if (input.name.empty()) continue;
      std::size_t at = 0;
      while (at < wanted && input_name(at) != input.name) ++at;
      if (at == wanted) detail::refuse({"forward: no input is called '", input.name, "'"});
      if (given[at].data != nullptr) detail::refuse({"forward: input '", input.name, "' is given twice"});
      put(input, at);
    }
    std::size_t next = 0;
    for (const named_tensor<Scalar>& input : inputs) {
      if (!input.name.empty()) continue;
      while (given[next].data != nullptr) ++next;
      put(input, next);
    }
    constexpr std::int64_t largest = std::int64_t{1} << 30;
    for (std::size_t i = 0; i < wanted; ++i) {
      if (given[i].batch() != given[0].batch())
        detail::refuse({"forward: given batches of ", given[0].batch(), " and ", given[i].batch(),
                        " pictures, wanted the same for all inputs"});
      for (std::int64_t extent : given[i].extents)
        if (extent <= 0 || extent >= largest)
          detail::refuse(
              {"forward: given an extent of ", extent, ", wanted more than 0 and less than ", largest});
    }
  }

  std::shared_ptr<const detail::planned_run> plan_for(std::span<const shape> extents, bool backward) const {
    {
      const std::lock_guard hold(plans_->guard);
      for (const auto& known : plans_->known) {
        if (known->backward == backward &&
            std::equal(extents.begin(), extents.end(), known->inputs.begin(), known->inputs.end()))
          return known;
      }
    }
    auto plan = make_plan(extents, backward);
    const std::lock_guard hold(plans_->guard);
    if (plans_->known.size() >= most_plans) plans_->known.erase(plans_->known.begin());
    plans_->known.push_back(plan);
    return plan;
  }

  std::shared_ptr<const detail::planned_run> make_plan(std::span<const shape> extents, bool backward) const {
    const detail::program<Scalar>& p = *program_;
    auto plan = std::make_shared<detail::planned_run>();
    plan->inputs.assign(extents.begin(), extents.end());
    plan->backward = backward;
    std::vector<shape> shapes(static_cast<std::size_t>(p.graph.size()));
    const diagnosis problem =
        detail::infer_shapes_over(detail::program_graph<Scalar>{p}, extents, std::span<shape>(shapes));
    if (problem.failed()) detail::refuse({problem.text().view()});
    const auto shape_of = [&](const detail::run_node<Scalar>& n) -> const shape& {
      return shapes[static_cast<std::size_t>(n.source)];
    };
    // Where extents were open, a shortcut may turn out to be repeated over the picture: that is not fused.
    plan->fused = !backward;
    for (int i = 0; i < p.fused.size() && plan->fused; ++i) {
      if (p.fused.at(i).has_shortcut)
        plan->fused = shape_of(p.fused.at(p.fused.reads(i).back())) == shape_of(p.fused.at(i));
    }
    const detail::run_graph<Scalar>& graph = plan->fused ? p.fused : p.graph;
    for (int i = 0; i < graph.size(); ++i) {
      const shape& s = shape_of(graph.at(i));
      plan->shapes.push_back(s);
      if (!s.is_static())
        detail::refuse({p.name(graph.at(i).source), ": yields ", s.channels, " x ", s.height, " x ", s.width,
                        ", wanted extents of 1 or more; its input is too small"});
    }
    plan->memory = plan_memory(graph, std::span<const shape>(plan->shapes), backward);
    return plan;
  }

  std::shared_ptr<const detail::program<Scalar>> program_;
  std::vector<parameter> table_;
  aligned_vector<Scalar> values_;
  execution_options execution_;
  std::vector<simd::convolution_algorithm> algorithms_;
  std::shared_ptr<detail::packed_weights<Scalar>> packed_;
  workspace<Scalar> memory_;
  std::shared_ptr<plan_cache> plans_ = std::make_shared<plan_cache>();
};

}  // namespace lookalike
