#pragma once

/// \file
/// A network whose architecture is known when the program runs: made in a loop over options, read from a
/// file, sent by Python. The same functions do at run time what the compiler does for `model`: same value in,
/// same numbers out, same sentence when something does not fit (as an exception).

#include <memory>
#include <utility>
#include <vector>

#include <lookalike/nn/network.hpp>

namespace lookalike {

/// The network that an architecture describes, with parameters of its own.
template <class Scalar = float>
class dynamic_model : public network<Scalar> {
 public:
  /// `height` and `width` hold for inputs that do not say theirs; `dynamic` leaves them open.
  /// Throws `value_error` when the architecture does not fit together.
  explicit dynamic_model(lookalike::architecture a, int height = dynamic, int width = dynamic)
      : storage_(std::make_shared<storage>(std::move(a), height, width)) {
    this->set_program(std::shared_ptr<const detail::program<Scalar>>(storage_, &storage_->program));
  }

  /// What it was made of.
  const lookalike::architecture& architecture() const { return storage_->source; }

 private:
  struct storage {
    lookalike::architecture source;
    detail::lowering low;
    std::vector<detail::run_node<Scalar>> nodes, fused_nodes;
    std::vector<detail::backward_function<Scalar>> backward;
    detail::program<Scalar> program;

    storage(lookalike::architecture a, int height, int width)
        : source(std::move(a)), low(detail::lower(source, height, width)) {
      require(!low.problem.failed(), low.problem.text().view());
      const architecture_view graph(low.graph);
      const architecture_view fused(low.fused.graph);
      for (int i = 0; i < graph.size(); ++i) {
        nodes.push_back(detail::make_run_node<Scalar>(graph, i, graph, low.slots_of.view()));
        backward.push_back(graph.at(i).rules->template backward<Scalar>());
      }
      for (int i = 0; i < fused.size(); ++i)
        fused_nodes.push_back(detail::make_run_node<Scalar>(fused, i, graph, low.slots_of.view()));
      program.graph = {nodes, graph.edges, graph.numbers, graph.exits};
      program.fused = {fused_nodes, fused.edges, graph.numbers, fused.exits};
      program.value_of = low.fused.value_of.view();
      program.backward = backward;
      program.slots = low.slots.view();
      program.slots_of = low.slots_of.view();
      program.parameter_count = low.parameter_count;
      program.inputs = low.inputs.view();
      program.text = low.text.view();
      program.names = low.names.view();
      program.parts = low.parts.view();
      program.shapes = low.shapes.view();
    }
    storage(const storage&) = delete;
    storage& operator=(const storage&) = delete;
  };

  std::shared_ptr<const storage> storage_;
};

template <class... Extents>
dynamic_model(architecture, Extents...) -> dynamic_model<float>;

}  // namespace lookalike
