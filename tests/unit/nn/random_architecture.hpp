#pragma once

// Networks made by chance, and the plainest way there is to run one: every value has memory of its own,
// nothing is fused, nothing lies in a slice, gradients always add to zeros. What the library does must come
// to the same.

#include <map>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include <lookalike/core/tensor.hpp>
#include <lookalike/nn/detail/executor.hpp>

#include "plain_layers.hpp"

namespace plain {

/// Compositions of `plain` layers and all combinators, the same ones for the same seed.
class random_architecture {
 public:
  explicit random_architecture(unsigned seed) : chance_(seed) {}

  architecture make(int inputs_channels = 2, int depth = 4) {
    architecture a = input(inputs_channels);
    if (pick(3) == 0) a = branch(a, input("second", 1));
    a = a | body(depth, 0);
    for (const auto& [path, level] : known_) {
      if (pick(4) == 0) a = a | expose(path);
    }
    return a;
  }
  int pick(int count) { return static_cast<int>(chance_() % static_cast<unsigned>(count)); }

 private:
  architecture pointwise() {
    switch (pick(5)) {
      case 0:
        return relu();
      case 1:
        return scale(pick(2) == 0 ? -0.5 : 2);
      case 2:
        return scale(0.5) | bend();
      case 3:
        return norm();
      default:
        return drop();
    }
  }
  architecture body(int depth, int level) {
    if (depth == 0) return pick(2) == 0 ? conv(1 + pick(4), pick(2) == 0 ? 1 : 3) : pointwise();
    const int channels = 1 + pick(4);
    switch (pick(13)) {
      case 0:
      case 1:
      case 2: {
        const architecture first = body(depth - 1, level);
        return first | body(depth - 1, level);
      }
      case 3:
        return skip(body(depth - 1, level));
      case 4: {
        const architecture first = body(depth - 1, level);
        return branch(first, body(depth - 1, level));
      }
      case 5: {
        const architecture inner = body(depth - 1, level) | conv(channels) | norm();
        return conv(channels) | (pick(2) == 0 ? skip(inner) : branch(inner, identity())) | add() |
               pointwise();
      }
      case 6: {
        if (level == 2) return body(depth - 1, level);
        const architecture below = pool() | body(depth - 1, level + 1);
        return below | up();
      }
      case 7: {
        const std::string name = "part" + std::to_string(++names_);
        path_.push_back(name);
        const architecture inside = body(depth - 1, level);
        path_.pop_back();
        std::string path;
        for (const std::string& scope : path_) path += scope + ".";
        known_.emplace_back(path + name, level);
        return named(name, inside);
      }
      case 8: {
        for (std::size_t i = known_.size(); i-- > 0;) {
          if (known_[i].second == level) return branch(identity(), from(known_[i].first));
        }
        return body(depth - 1, level);
      }
      case 9: {
        const std::string name = "tower" + std::to_string(++names_);
        const architecture tower = conv(channels) | norm() | skip(from("conv0")) | conv(channels, 1);
        return conv(channels) | shared(name, tower) | pointwise() | shared(name, tower);
      }
      case 10: {
        const architecture inner = body(depth - 1, level) | conv(channels);
        return conv(channels) | scale(0.5) | skip(inner) | product();
      }
      case 11:
        return branch(identity(), learned(channels));
      default:
        return pointwise() | body(depth - 1, level);
    }
  }

  std::mt19937 chance_;
  int names_ = 0;
  std::vector<std::string> path_;
  std::vector<std::pair<std::string, int>> known_;
};

/// Numbers between -1 and 1.
template <class Scalar>
void fill(std::span<Scalar> values, unsigned seed) {
  std::mt19937 chance(seed);
  for (Scalar& value : values) value = Scalar(static_cast<int>(chance() % 2001) - 1000) / 1000;
}
template <class Scalar = double>
tensor<Scalar> random_tensor(std::int64_t n, std::int64_t c, std::int64_t h, std::int64_t w, unsigned seed) {
  tensor<Scalar> x(n, c, h, w);
  fill<Scalar>({x.data(), static_cast<std::size_t>(x.size())}, seed);
  return x;
}

/// Runs an architecture one node after another.
template <class Scalar>
class interpreter {
 public:
  interpreter(const architecture& a, std::span<const Scalar> parameters)
      : low_(detail::lower(a)), graph_(low_.graph), block_(parameters.begin(), parameters.end()) {}

  void forward(const std::vector<tensor<Scalar>>& inputs, bool training = false, std::uint64_t seed = 0) {
    batch_ = static_cast<int>(inputs[0].batch());
    std::vector<shape> given;
    for (const auto& x : inputs)
      given.push_back(
          {static_cast<int>(x.channels()), static_cast<int>(x.height()), static_cast<int>(x.width())});
    shapes_.resize(static_cast<std::size_t>(graph_.size()));
    const diagnosis problem = infer_shapes(graph_, given, shapes_);
    require(!problem.failed(), problem.text().view());
    const auto count = static_cast<std::size_t>(graph_.size());
    training_ = training;
    seed_ = seed;
    values_.assign(count, {});
    saved_.assign(count, {});
    std::size_t next = 0;
    for (int i = 0; i < graph_.size(); ++i) {
      const auto at = static_cast<std::size_t>(i);
      values_[at].assign(static_cast<std::size_t>(shapes_[at].size() * batch_), Scalar(0));
      if (graph_.at(i).rules->kind == "input") {
        detail::import_tensor<Scalar>(inputs[next++].view(), map(values_, i), false);
        continue;
      }
      const std::vector<shape> reads = input_shapes(i);
      const run_extents extents{reads, shapes_[at], batch_, false};
      const layer_rules& rules = *graph_.at(i).rules;
      saved_[at].resize(static_cast<std::size_t>(rules.saved_size(graph_.instance(i), extents)));
      std::vector<Scalar> scratch(
          static_cast<std::size_t>(rules.template scratch_size<Scalar>()(graph_.instance(i), extents)));
      std::vector<feature_map<const Scalar>> inputs_of = reads_of(i);
      std::vector<const Scalar*> parameters;
      std::vector<Scalar*> buffers;
      for (const detail::parameter_slot& slot : slots(i)) {
        parameters.push_back(block_.data() + slot.offset);
        buffers.push_back(slot.declared.trainable || !training ? nullptr : block_.data() + slot.offset);
      }
      forward_call<Scalar> call;
      call.inputs = inputs_of;
      call.output = map(values_, i);
      call.parameters = parameters;
      call.buffers = buffers;
      call.training = training;
      call.seed = detail::node_seed(seed, i);
      call.saved = saved_[at];
      call.scratch = scratch;
      rules.template forward<Scalar>()(graph_.instance(i), call);
    }
  }

  /// `outer`: gradients from outside by node.
  void backward(const std::vector<std::pair<int, tensor<Scalar>>>& outer) {
    const auto count = static_cast<std::size_t>(graph_.size());
    gradients_.assign(count, {});
    parameter_gradients.assign(block_.size(), Scalar(0));
    for (std::size_t i = 0; i < count; ++i) gradients_[i].assign(values_[i].size(), Scalar(0));
    for (int i = graph_.size() - 1; i >= 0; --i) {
      const auto at = static_cast<std::size_t>(i);
      for (const auto& [node, g] : outer) {
        if (node == i) detail::import_tensor<Scalar>(g.view(), map(gradients_, i), true);
      }
      if (graph_.at(i).rules->kind == "input") continue;
      const std::vector<shape> reads = input_shapes(i);
      const run_extents extents{reads, shapes_[at], batch_, true};
      const layer_rules& rules = *graph_.at(i).rules;
      std::vector<Scalar> scratch(
          static_cast<std::size_t>(rules.template scratch_size<Scalar>()(graph_.instance(i), extents)));
      std::vector<feature_map<const Scalar>> inputs_of = reads_of(i);
      std::vector<feature_map<Scalar>> to;
      for (int source : graph_.inputs(i)) to.push_back(map(gradients_, source));
      const auto accumulate = std::make_unique<bool[]>(to.size());
      std::fill_n(accumulate.get(), to.size(), true);
      std::vector<const Scalar*> parameters;
      std::vector<Scalar*> wanted;
      for (const detail::parameter_slot& slot : slots(i)) {
        parameters.push_back(block_.data() + slot.offset);
        wanted.push_back(slot.declared.trainable ? parameter_gradients.data() + slot.offset : nullptr);
      }
      backward_call<Scalar> call;
      call.inputs = inputs_of;
      call.output = map(values_, i);
      call.output_gradient = map(gradients_, i);
      call.input_gradients = to;
      call.accumulate = {accumulate.get(), to.size()};
      call.parameters = parameters;
      call.parameter_gradients = wanted;
      call.training = training_;
      call.seed = detail::node_seed(seed_, i);
      call.saved = saved_[at];
      call.scratch = scratch;
      rules.template backward<Scalar>()(graph_.instance(i), call);
    }
  }

  const architecture_view& graph() const { return graph_; }
  const detail::lowering& low() const { return low_; }
  std::span<const Scalar> parameters() const { return block_; }
  tensor<Scalar> value(int i) { return tensor<Scalar>(detail::as_tensor_view(map(values_, i))); }
  tensor<Scalar> output(std::size_t i = 0) { return value(graph_.exits[i]); }
  tensor<Scalar> gradient(int i) { return tensor<Scalar>(detail::as_tensor_view(map(gradients_, i))); }
  std::vector<Scalar> parameter_gradients;

 private:
  feature_map<Scalar> map(std::vector<std::vector<Scalar>>& of, int i) const {
    const auto at = static_cast<std::size_t>(i);
    const shape& s = shapes_[at];
    return {of[at].data(), batch_, s.height, s.width, s.channels, s.channels};
  }
  std::vector<feature_map<const Scalar>> reads_of(int i) {
    std::vector<feature_map<const Scalar>> reads;
    for (int source : graph_.inputs(i)) reads.push_back(map(values_, source));
    return reads;
  }
  std::vector<shape> input_shapes(int i) const {
    std::vector<shape> reads;
    for (int source : graph_.inputs(i)) reads.push_back(shapes_[static_cast<std::size_t>(source)]);
    return reads;
  }
  std::span<const detail::parameter_slot> slots(int i) const {
    const pool_range r = low_.slots_of[i];
    return low_.slots.view().subspan(static_cast<std::size_t>(r.first), static_cast<std::size_t>(r.count));
  }

  detail::lowering low_;
  architecture_view graph_;
  std::vector<Scalar> block_;
  std::vector<shape> shapes_;
  std::vector<std::vector<Scalar>> values_, saved_, gradients_;
  int batch_ = 0;
  bool training_ = false;
  std::uint64_t seed_ = 0;
};

}  // namespace plain
