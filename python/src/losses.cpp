// Losses: a number and its derivative with respect to the outputs, both from the library.

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <lookalike/nn/losses/binary_cross_entropy.hpp>
#include <lookalike/nn/losses/cross_entropy.hpp>
#include <lookalike/nn/losses/regression.hpp>

#include "bindings.hpp"
#include "network_arrays.hpp"
#include "options.hpp"

namespace lookalike::python {

using py::literals::operator""_a;

namespace {

constexpr words<reduction, 3> reductions{
    {{"mean", reduction::mean}, {"weighted_mean", reduction::weighted_mean}, {"sum", reduction::sum}}};

template <class Scalar>
using array_of = py::array_t<Scalar>;
template <class Scalar>
using maybe_array = std::optional<py::array_t<Scalar>>;

/// `loss` of arrays where they lie; `targets` is a view.
template <class Scalar, class Loss, class Targets>
py::tuple evaluate(const char* where, const Loss& loss, const array_of<Scalar>& outputs,
                   const Targets& targets, const maybe_array<Scalar>& weights) {
  const auto output_view = view_of(outputs, where);
  loss_value<Scalar> result;
  if (weights) {
    const auto weight_view = view_of(*weights, where);
    const py::gil_scoped_release released;
    result = loss(output_view, targets, weight_view);
  } else {
    const py::gil_scoped_release released;
    result = loss(output_view, targets);
  }
  return py::make_tuple(result.value, give_away(std::move(result.gradient)));
}

// Arrays of the one type and then of the other are tried; nothing is converted on the way.
template <class Scalar>
void bind_losses_of(py::module_& module) {
  const auto outputs = py::arg("outputs").noconvert();
  const auto targets = py::arg("targets").noconvert();
  const auto weights = py::arg("weights").noconvert();
  const auto regression = [&](const char* name, auto make) {
    module.def(
        name,
        [name, make](const array_of<Scalar>& x, const array_of<Scalar>& t, const maybe_array<Scalar>& w,
                     const std::string& reduce) {
          return evaluate<Scalar>(name, make(meaning(reduce, "reduction", reductions)), x, view_of(t, name),
                                  w);
        },
        outputs, targets, weights, "reduction"_a);
  };
  regression("mean_squared_error", [](reduction r) { return mean_squared_error{.reduce = r}; });
  regression("mean_absolute_error", [](reduction r) { return mean_absolute_error{.reduce = r}; });
  module.def(
      "smooth_l1",
      [](const array_of<Scalar>& x, const array_of<Scalar>& t, const maybe_array<Scalar>& w,
         const std::string& reduce, double beta) {
        const smooth_l1 loss{.beta = beta, .reduce = meaning(reduce, "reduction", reductions)};
        return evaluate<Scalar>("smooth_l1", loss, x, view_of(t, "smooth_l1"), w);
      },
      outputs, targets, weights, "reduction"_a, "beta"_a);
  module.def(
      "binary_cross_entropy",
      [](const array_of<Scalar>& x, const array_of<Scalar>& t, const maybe_array<Scalar>& w,
         const std::string& reduce, std::vector<double> positive_weight) {
        const binary_cross_entropy loss{.positive_weight = std::move(positive_weight),
                                        .reduce = meaning(reduce, "reduction", reductions)};
        return evaluate<Scalar>("binary_cross_entropy", loss, x, view_of(t, "binary_cross_entropy"), w);
      },
      outputs, targets, weights, "reduction"_a, "positive_weight"_a);
  const auto def_cross_entropy = [&]<class Target>(const char* name, Target) {
    module.def(
        name,
        [](const array_of<Scalar>& x, const array_of<Target>& t, const maybe_array<Scalar>& w,
           const std::string& reduce, std::vector<double> class_weights, double label_smoothing,
           std::int64_t ignore_index) {
          const cross_entropy loss{.class_weights = std::move(class_weights),
                                   .label_smoothing = label_smoothing,
                                   .ignore_index = ignore_index,
                                   .reduce = meaning(reduce, "reduction", reductions)};
          return evaluate<Scalar>("cross_entropy", loss, x, view_of(t, "cross_entropy"), w);
        },
        outputs, targets, weights, "reduction"_a, "class_weights"_a, "label_smoothing"_a, "ignore_index"_a);
  };
  def_cross_entropy("cross_entropy_of_labels", std::int64_t{});
  def_cross_entropy("cross_entropy_of_distribution", Scalar{});
}

}  // namespace

void bind_losses(py::module_& module) {
  bind_losses_of<float>(module);
  bind_losses_of<double>(module);
}

}  // namespace lookalike::python
