// Optimizers, schedules and checkpoints of training.

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include <pybind11/functional.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <lookalike/nn/checkpoint.hpp>
#include <lookalike/nn/early_stopping.hpp>
#include <lookalike/nn/optimizer.hpp>
#include <lookalike/nn/optimizers/adadelta.hpp>
#include <lookalike/nn/optimizers/adam.hpp>
#include <lookalike/nn/optimizers/sgd.hpp>
#include <lookalike/nn/schedule.hpp>

#include "bindings.hpp"
#include "network.hpp"

namespace lookalike::python {

using py::literals::operator""_a;

namespace {

/// An optimizer of any rule.
template <class Scalar>
class any_optimizer {
 public:
  virtual ~any_optimizer() = default;
  virtual void step(network_state<Scalar>& s, double factor) = 0;
  virtual void set_learning_rate(double rate) = 0;
  virtual void set_frozen(std::vector<std::string> patterns) = 0;
  virtual std::vector<optimizer_state<Scalar>> state(const network_state<Scalar>& s) = 0;
  virtual void add_to(checkpoint& saved, const network_state<Scalar>& s) = 0;
};

template <class Rule, class Scalar>
class optimizer_of final : public any_optimizer<Scalar> {
 public:
  optimizer_of(Rule rule, optimizer_options options) : optimizer_(std::move(rule), std::move(options)) {}
  void step(network_state<Scalar>& s, double factor) override {
    optimizer_.step(s.net.parameters(), s.net.values(), s.gradients(), factor);
  }
  void set_learning_rate(double rate) override { optimizer_.set_learning_rate(rate); }
  void set_frozen(std::vector<std::string> patterns) override { optimizer_.set_frozen(std::move(patterns)); }
  std::vector<optimizer_state<Scalar>> state(const network_state<Scalar>& s) override {
    return optimizer_.state(s.net.parameters());
  }
  void add_to(checkpoint& saved, const network_state<Scalar>& s) override {
    saved.add("optimizer", optimizer_, s.net.parameters());
  }

 private:
  optimizer<Rule, Scalar> optimizer_;
};

/// The rule called `name`, with options by name; lookalike/optim.py gives all of them.
template <class Scalar>
std::unique_ptr<any_optimizer<Scalar>> make_optimizer(const std::string& name,
                                                      const std::map<std::string, double>& o,
                                                      optimizer_options options) {
  const auto made = [&]<class Rule>(Rule rule) -> std::unique_ptr<any_optimizer<Scalar>> {
    return std::make_unique<optimizer_of<Rule, Scalar>>(std::move(rule), std::move(options));
  };
  const auto adam_of = [&]<class Rule>(Rule) {
    return made(Rule{.learning_rate = o.at("learning_rate"),
                     .beta1 = o.at("beta1"),
                     .beta2 = o.at("beta2"),
                     .epsilon = o.at("epsilon"),
                     .weight_decay = o.at("weight_decay")});
  };
  if (name == "adam") return adam_of(adam{});
  if (name == "adamw") return adam_of(adamw{});
  if (name == "adadelta") {
    return made(adadelta{.learning_rate = o.at("learning_rate"),
                         .rho = o.at("rho"),
                         .epsilon = o.at("epsilon"),
                         .weight_decay = o.at("weight_decay")});
  }
  require(name == "sgd", "optimizer: given the rule '", name, "'");
  return made(sgd{.learning_rate = o.at("learning_rate"),
                  .momentum = o.at("momentum"),
                  .dampening = o.at("dampening"),
                  .weight_decay = o.at("weight_decay"),
                  .nesterov = o.at("nesterov") != 0});
}

template <class Scalar>
void bind_optimizer(py::module_& module, const char* class_name) {
  using group = std::tuple<std::string, double, std::optional<double>>;
  using any = any_optimizer<Scalar>;
  using state = network_state<Scalar>;
  py::class_<any>(module, class_name)
      .def(py::init([](const std::string& rule, const std::map<std::string, double>& options,
                       std::vector<std::string> frozen, const std::vector<group>& groups, double clip_norm,
                       double clip_value) {
             optimizer_options all{
                 .frozen = std::move(frozen), .clip_norm = clip_norm, .clip_value = clip_value};
             for (const auto& [pattern, factor, decay] : groups)
               all.groups.push_back({pattern, factor, decay});
             return make_optimizer<Scalar>(rule, options, std::move(all));
           }),
           "rule"_a, "options"_a, "frozen"_a, "groups"_a, "clip_norm"_a, "clip_value"_a)
      .def(
          "step",
          [](any& o, state& s, double factor) {
            const py::gil_scoped_release released;
            const std::scoped_lock hold(s.adding);
            o.step(s, factor);
          },
          "network"_a, "factor"_a)
      .def("set_learning_rate", &any::set_learning_rate, "rate"_a)
      .def("set_frozen", &any::set_frozen, "patterns"_a)
      .def(
          "state",
          [](any& o, const state& s) {
            py::dict result;
            for (const optimizer_state<Scalar>& part : o.state(s)) {
              const std::vector<std::int64_t> dimensions(part.of->dimensions.begin(),
                                                         part.of->dimensions.begin() + part.of->rank);
              result[py::str(part.name)] = py::array_t<Scalar>(dimensions, part.values.data());  // a copy
            }
            return result;
          },
          "network"_a)
      .def(
          "save",
          [](any& o, state& s, const std::string& path, const std::map<std::string, std::string>& text) {
            const py::gil_scoped_release released;
            checkpoint saved;
            saved.add("network", s.net);
            o.add_to(saved, s);
            saved.save(path, safetensors_metadata(text.begin(), text.end()));
          },
          "network"_a, "path"_a, "text"_a)
      .def(
          "load",
          [](any& o, state& s, const std::string& path) {
            const py::gil_scoped_release released;
            checkpoint saved;
            saved.add("network", s.net);
            o.add_to(saved, s);
            const safetensors_metadata text = saved.load(path);
            return std::map<std::string, std::string>(text.begin(), text.end());
          },
          "network"_a, "path"_a);
}

void bind_schedules(py::module_& module) {
  module.def(
      "step_decay",
      [](std::int64_t step, std::vector<std::int64_t> milestones, double factor) {
        return schedules::step_decay{.milestones = std::move(milestones), .factor = factor}(step);
      },
      "step"_a, "milestones"_a, "factor"_a);
  module.def(
      "exponential_decay",
      [](std::int64_t step, double factor, std::int64_t every) {
        return schedules::exponential{.factor = factor, .every = every}(step);
      },
      "step"_a, "factor"_a, "every"_a);
  module.def(
      "cosine",
      [](std::int64_t step, std::int64_t steps, double last) {
        return schedules::cosine{.steps = steps, .last = last}(step);
      },
      "step"_a, "steps"_a, "last"_a);
  module.def(
      "linear",
      [](std::int64_t step, std::int64_t steps, double last, std::int64_t hold) {
        return schedules::linear{.steps = steps, .last = last, .hold = hold}(step);
      },
      "step"_a, "steps"_a, "last"_a, "hold"_a);
  module.def(
      "polynomial",
      [](std::int64_t step, std::int64_t steps, double power, double last) {
        return schedules::polynomial{.steps = steps, .power = power, .last = last}(step);
      },
      "step"_a, "steps"_a, "power"_a, "last"_a);
  module.def(
      "one_cycle",
      [](std::int64_t step, std::int64_t steps, double rise, double first, double last) {
        return schedules::one_cycle{.steps = steps, .rise = rise, .first = first, .last = last}(step);
      },
      "step"_a, "steps"_a, "rise"_a, "first"_a, "last"_a);
  module.def(
      "warm_up",
      [](std::int64_t step, std::int64_t steps, const std::function<double(std::int64_t)>& after,
         double first) { return schedules::warm_up(steps, after, first)(step); },
      "step"_a, "steps"_a, "after"_a, "first"_a);

  const auto to_map = [](const saved_numbers& numbers) {
    std::map<std::string, double> result;
    for (const auto& [name, value] : numbers) result[std::string(name)] = value;
    return result;
  };
  const auto from_map = [](const std::map<std::string, double>& numbers) {
    saved_numbers result;
    for (const auto& [name, value] : numbers) result.push_back({name, value});
    return result;
  };
  py::class_<reduce_on_plateau>(module, "ReduceOnPlateau")
      .def(py::init([](double factor, std::int64_t patience, double threshold, std::int64_t cooldown,
                       double minimum, bool larger_is_better) {
             return reduce_on_plateau({.factor = factor,
                                       .patience = patience,
                                       .threshold = threshold,
                                       .cooldown = cooldown,
                                       .minimum = minimum,
                                       .larger_is_better = larger_is_better});
           }),
           "factor"_a, "patience"_a, "threshold"_a, "cooldown"_a, "minimum"_a, "larger_is_better"_a)
      .def("update", &reduce_on_plateau::update, "value"_a)
      .def("factor", &reduce_on_plateau::factor)
      .def("state", [to_map](const reduce_on_plateau& r) { return to_map(r.state()); })
      .def(
          "restore",
          [from_map](reduce_on_plateau& r, const std::map<std::string, double>& numbers) {
            r.restore(from_map(numbers));
          },
          "numbers"_a);
  py::class_<early_stopping>(module, "EarlyStopping")
      .def(py::init([](std::int64_t patience, bool larger_is_better) {
             return early_stopping({.patience = patience, .larger_is_better = larger_is_better});
           }),
           "patience"_a, "larger_is_better"_a)
      .def("update", &early_stopping::update, "value"_a, "step"_a)
      .def("should_stop", &early_stopping::should_stop)
      .def("state", [to_map](const early_stopping& e) { return to_map(e.state()); })
      .def(
          "restore",
          [from_map](early_stopping& e, const std::map<std::string, double>& numbers) {
            e.restore(from_map(numbers));
          },
          "numbers"_a);
}

}  // namespace

void bind_optimizers(py::module_& module) {
  bind_optimizer<float>(module, "FloatOptimizer");
  bind_optimizer<double>(module, "DoubleOptimizer");
  bind_schedules(module);
}

}  // namespace lookalike::python
