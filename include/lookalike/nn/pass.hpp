#pragma once

/// \file
/// One run of a network over a batch. A model holds parameters; a pass holds activations. Several passes of
/// one model may live at once, and gradients may be sent into each of them: that is what adversarial
/// training, siamese networks and perceptual losses need.

#include <initializer_list>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include <lookalike/nn/detail/executor.hpp>

namespace lookalike {

/// How a network runs.
struct forward_options {
  bool training = false;   ///< dropout drops, batch normalization normalizes by the batch
  std::uint64_t seed = 0;  ///< of everything that is left to chance
  /// Whether `backward` may follow. Takes more memory, since values are kept, and nothing is fused.
  /// In training always so.
  bool differentiable = false;
  /// To each entry what the layer takes is added, in seconds, in the order of `network::program().graph`; a
  /// layer that is fused into another counts there. Empty: nothing is measured. `profile` (nn/profile.hpp)
  /// makes a table of it.
  std::span<double> seconds{};
};

/// What `backward` computes besides the gradients of the parameters.
struct backward_options {
  bool input_gradients = true;
};

/// An array for the input, or with the name of an input or part. Without a name arrays go by position.
template <class Scalar>
struct named_tensor {
  std::string_view name;
  tensor_view<const Scalar> value;

  named_tensor(tensor_view<const Scalar> v) : value(v) {}
  named_tensor(const tensor<Scalar>& t) : value(t.view()) {}
  named_tensor(std::string_view n, tensor_view<const Scalar> v) : name(n), value(v) {}
  named_tensor(std::string_view n, const tensor<Scalar>& t) : name(n), value(t.view()) {}
};

/// Memory that passes borrow and give back, so that the next one allocates nothing. Every model has one of
/// its own; several models may share one. Safe to use from several threads.
template <class Scalar = float>
class workspace {
 public:
  workspace() : pool_(std::make_shared<detail::arena_pool<Scalar>>()) {}
  const std::shared_ptr<detail::arena_pool<Scalar>>& pool() const { return pool_; }

 private:
  std::shared_ptr<detail::arena_pool<Scalar>> pool_;
};

/// The activations of one run. Refers to its model, which must outlive it and stay in its place.
template <class Scalar = float>
class pass {
 public:
  /// The value of the part called `name`: an output, or a part that the architecture exposes. `out` is the
  /// first output, `out1` the second and so on. Valid as long as the pass lives. Throws `value_error` for a
  /// part that is not there or has not been kept.
  tensor_view<const Scalar> operator[](std::string_view name) const {
    const int node = find(name);
    const auto at = static_cast<std::size_t>(node);
    const int value = setting_.plan->fused ? setting_.what->value_of[at] : node;
    if (value < 0 || !lives_on(value))
      detail::refuse(
          {"pass: '", name, "' has not been kept; expose(\"", name, "\") in the architecture keeps it"});
    return view(arena_->values[static_cast<std::size_t>(value)]);
  }

  std::size_t output_count() const { return setting_.graph->exits.size(); }
  /// Output `i`, counted from 0. Throws `value_error` where there are fewer.
  tensor_view<const Scalar> output(std::size_t i = 0) const {
    if (i >= output_count()) detail::refuse({"pass: given output ", i, ", wanted one of ", output_count()});
    return view(arena_->values[static_cast<std::size_t>(setting_.graph->exits[i])]);
  }

  /// Propagates gradients back: those of the loss with respect to the outputs (`{{"out", g}}`, or just `{g}`)
  /// and to any other named parts. Adds the gradients of the parameters into `parameter_gradients`, a block
  /// like the model's parameters (`model.make_gradients()`), or leaves them out if that is empty. Returns the
  /// gradients of the inputs, in order (empty unless wanted); they are valid as long as the pass lives.
  ///
  /// A pass can go back once. Throws `value_error` when it has, or cannot, or when a gradient does not fit.
  std::span<const tensor_view<const Scalar>> backward(std::span<const named_tensor<Scalar>> gradients,
                                                      std::span<Scalar> parameter_gradients,
                                                      backward_options options = {}) {
    if (!setting_.plan->backward)
      detail::refuse(
          {"backward: the pass kept no values; wanted forward(..., {.training = true}) or {.differentiable = "
           "true}"});
    if (went_back_)
      detail::refuse({"backward: the pass has gone back already, its values are gone; run forward again"});
    if (!parameter_gradients.empty() &&
        static_cast<std::int64_t>(parameter_gradients.size()) != setting_.what->parameter_count)
      detail::refuse({"backward: given ", parameter_gradients.size(), " gradients of parameters, wanted ",
                      setting_.what->parameter_count, " or none"});
    std::vector<detail::outer_gradient<Scalar>>& outer = arena_->outer;
    outer.clear();
    std::size_t position = 0;
    for (const named_tensor<Scalar>& g : gradients) {
      int node = -1;
      if (g.name.empty()) {
        if (position >= output_count())
          detail::refuse(
              {"backward: given more gradients without a name than the ", output_count(), " outputs"});
        node = setting_.graph->exits[position++];
      } else {
        node = find(g.name);
      }
      const auto& wanted = view(arena_->values[static_cast<std::size_t>(node)]).extents;
      if (g.value.extents != wanted) {
        const auto& e = g.value.extents;
        detail::refuse({"backward: given a gradient of ", e[0], " x ", e[1], " x ", e[2], " x ", e[3],
                        " for '", setting_.what->name(node), "', wanted ", wanted[0], " x ", wanted[1], " x ",
                        wanted[2], " x ", wanted[3]});
      }
      outer.push_back({node, g.value});
    }
    went_back_ = true;
    detail::run_backward<Scalar>(setting_, *arena_, outer,
                                 parameter_gradients.empty() ? nullptr : parameter_gradients.data(),
                                 options.input_gradients);
    std::vector<tensor_view<const Scalar>>& result = arena_->input_gradients;
    result.clear();
    if (options.input_gradients) {
      for (int input : setting_.what->inputs)
        result.push_back(view(arena_->gradients[static_cast<std::size_t>(input)]));
    }
    return result;
  }
  std::span<const tensor_view<const Scalar>> backward(std::initializer_list<named_tensor<Scalar>> gradients,
                                                      std::span<Scalar> parameter_gradients,
                                                      backward_options options = {}) {
    return backward(std::span<const named_tensor<Scalar>>(gradients.begin(), gradients.size()),
                    parameter_gradients, options);
  }

  /// Bytes of this pass: activations, gradients and scratch memory.
  std::size_t memory() const {
    const detail::arena<Scalar>& a = *arena_;
    return sizeof(Scalar) * (a.block.size() + a.scratch.size() + a.saved.size() + a.epilogue_values.size());
  }

 private:
  template <class>
  friend class network;

  pass(detail::run_setting<Scalar> setting, std::shared_ptr<const detail::planned_run> plan,
       detail::borrowed_arena<Scalar> arena)
      : setting_(setting), plan_(std::move(plan)), arena_(std::move(arena)) {}

  int find(std::string_view name) const {
    const detail::program<Scalar>& p = *setting_.what;
    for (int i = p.graph.size() - 1; i >= 0; --i) {
      if (p.name(i) == name) return i;
    }
    for (std::size_t k = p.parts.size(); k-- > 0;) {
      if (p.text_of(p.parts[k].text) == name) return p.parts[k].node;
    }
    const std::span<const int> exits = p.graph.exits;
    if (name == "out") return exits[0];
    for (std::size_t i = 0; i < exits.size() && name.starts_with("out"); ++i) {
      static_sentence numbered;
      numbered << "out" << static_cast<long long>(i);
      if (name == numbered.view()) return exits[i];
    }
    detail::refuse({"pass: no part of the network is called '", name, "'"});
  }

  bool lives_on(int value) const {
    if (setting_.graph->at(value).kept) return true;
    for (int exit : setting_.graph->exits) {
      if (exit == value) return true;
    }
    return false;
  }

  static tensor_view<const Scalar> view(const feature_map<Scalar>& m) { return detail::as_tensor_view(m); }

  detail::run_setting<Scalar> setting_;
  std::shared_ptr<const detail::planned_run> plan_;
  detail::borrowed_arena<Scalar> arena_;
  bool went_back_ = false;
};

}  // namespace lookalike
