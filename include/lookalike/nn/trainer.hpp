#pragma once

/// \file
/// The training loop. A `trainer` joins a network, an optimizer and a loss: `step` is one step on one batch,
/// `fit` goes over a data loader's epochs with a schedule, validation, early stopping, progress and
/// checkpoints.
///
///     trainer training(net, optimizer(sgd{.learning_rate = 0.1, .momentum = 0.9}));
///     training.fit(loader, [](const auto& outputs, const training_batch& batch) {
///       return cross_entropy(outputs[0], batch.labels); }, {.epochs = 15});
///
/// Everything that is left to chance (dropout) is keyed by the seed and the number of the step, so that a run
/// that was resumed at step n goes on bit for bit, on any number of threads. What a run that was interrupted
/// needs lies in the network, the optimizer and the position of trainer and loader; `save_checkpoint` keeps
/// it (nn/checkpoint.hpp).

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <lookalike/core/progress.hpp>
#include <lookalike/nn/data_loader.hpp>
#include <lookalike/nn/loss.hpp>
#include <lookalike/nn/network.hpp>
#include <lookalike/nn/optimizer.hpp>

namespace lookalike {

/// What is known after an epoch.
struct epoch_report {
  std::int64_t epoch = 0;           ///< counted from 0
  std::int64_t step = 0;            ///< steps made so far
  double training_loss = 0;         ///< mean over the epoch's steps
  std::optional<double> score;      ///< what validation returned
  double learning_rate_factor = 1;  ///< of the last step
  double seconds = 0;               ///< of training, without validation
};

/// How long and how `trainer::fit` trains.
struct fit_options {
  /// Trains until this many epochs are done, those before a resumption included.
  std::int64_t epochs = 1;
  /// What the learning rate is multiplied by in step n, counted from 0 (nn/schedule.hpp). Empty: 1.
  std::function<double(std::int64_t step)> schedule{};
  /// Called after every epoch, returns a score. Empty: no validation.
  std::function<double()> validate{};
  /// Called after every epoch, after validation; returning false ends the training (early stopping, see
  /// nn/early_stopping.hpp). The place to print and to save checkpoints.
  std::function<bool(const epoch_report&)> after_epoch{};
  /// Hears of steps; may stop the training, which then throws `interrupted`.
  progress watcher{};
};

/// A network in training. Keeps a reference to the network.
template <class Scalar, class Rule>
class trainer {
 public:
  /// `seed` decides all chance but that of initialization and data.
  trainer(network<Scalar>& net, optimizer<Rule, Scalar> how, std::uint64_t seed = 0)
      : network_(&net), optimizer_(std::move(how)), gradients_(net.make_gradients()), seed_(seed) {}

  /// One step on one batch; returns the loss before it. `loss(outputs)` is given the outputs (a
  /// `std::span<const tensor_view<const Scalar>>`, or, for a network of one output, a `tensor_view<const
  /// Scalar>`) and returns a `loss_value` or `joint_loss_value`. Throws `value_error` when the loss is not
  /// finite; parameters are then as before.
  template <class Loss>
  double step(std::span<const named_tensor<Scalar>> inputs, const Loss& loss,
              double learning_rate_factor = 1) {
    const double value = accumulate(inputs, loss);
    apply(learning_rate_factor);
    return value;
  }
  template <class Loss>
  double step(tensor_view<const Scalar> x, const Loss& loss, double learning_rate_factor = 1) {
    const named_tensor<Scalar> only(x);
    return step(std::span<const named_tensor<Scalar>>(&only, 1), loss, learning_rate_factor);
  }

  /// The first half of `step`: adds a batch's gradients to those that wait. Several batches may be added
  /// before one `apply`, with the effect of one larger batch (but for batch normalization).
  template <class Loss>
  double accumulate(std::span<const named_tensor<Scalar>> inputs, const Loss& loss) {
    auto pass = network_->forward(
        inputs, {.training = true, .seed = detail::node_seed(seed_, static_cast<int>(passes_++))});
    outputs_.clear();
    for (std::size_t i = 0; i < pass.output_count(); ++i) outputs_.push_back(pass.output(i));
    const joint_loss_value<Scalar> result =
        evaluate_loss<Scalar>(loss, std::span<const tensor_view<const Scalar>>(outputs_));
    require(std::isfinite(result.value), "trainer: the loss is ", result.value, " in step ", steps_,
            ", wanted a finite number; a smaller learning rate may help");
    given_.clear();
    for (std::size_t i = 0; i < result.gradients.size(); ++i) {
      if (result.gradients[i].empty()) continue;
      static constexpr const char* names[] = {"out0",  "out1",  "out2",  "out3", "out4",  "out5",
                                              "out6",  "out7",  "out8",  "out9", "out10", "out11",
                                              "out12", "out13", "out14", "out15"};
      require(i < std::size(names), "trainer: the network has ", pass.output_count(),
              " outputs, wanted at most ", std::size(names));
      given_.emplace_back(names[i], result.gradients[i]);
    }
    pass.backward(std::span<const named_tensor<Scalar>>(given_), gradients_, {.input_gradients = false});
    return result.value;
  }

  /// The second half of `step`: lets the optimizer use the gradients that wait.
  void apply(double learning_rate_factor = 1) {
    optimizer_.step(network_->parameters(), network_->values(), gradients_, learning_rate_factor);
    ++steps_;
  }

  /// Goes over the loader's batches until `options.epochs` are done; goes on where the loader stands.
  /// `loss(outputs, batch)` is as for `step`, with the batch as a second argument. `inputs_of(batch)` gives
  /// the network's inputs: a tensor, a view, or a vector of `named_tensor`. Returns a report of every epoch.
  template <class Batch, class Loss, class Inputs>
  std::vector<epoch_report> fit(data_loader<Batch>& loader, const Loss& loss, const Inputs& inputs_of,
                                const fit_options& options) {
    std::vector<epoch_report> reports;
    while (loader.position().epoch < options.epochs) {
      epoch_report report;
      report.epoch = loader.position().epoch;
      double total = 0;
      std::int64_t count = 0;
      const std::string task = "epoch " + std::to_string(report.epoch + 1);
      const auto start = std::chrono::steady_clock::now();
      for (Batch& batch : loader.epoch()) {
        report.learning_rate_factor = options.schedule ? options.schedule(steps_) : 1;
        const auto bound = [&](const auto& outputs) -> decltype(loss(outputs, batch)) {
          return loss(outputs, batch);
        };
        total += step_on(inputs_of(batch), bound, report.learning_rate_factor);
        ++count;
        lookalike::report(
            options.watcher, task,
            loader.position().epoch == report.epoch ? loader.position().batch : loader.batches_per_epoch(),
            loader.batches_per_epoch());
      }
      report.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
      report.training_loss = count > 0 ? total / static_cast<double>(count) : 0;
      report.step = steps_;
      if (options.validate) report.score = options.validate();
      reports.push_back(report);
      if (options.after_epoch && !options.after_epoch(report)) break;
    }
    return reports;
  }
  /// The same for batches that have a member `inputs`.
  template <class Batch, class Loss>
  std::vector<epoch_report> fit(data_loader<Batch>& loader, const Loss& loss, const fit_options& options) {
    return fit(
        loader, loss, [](const Batch& batch) -> const auto& { return batch.inputs; }, options);
  }

  network<Scalar>& net() { return *network_; }
  optimizer<Rule, Scalar>& how() { return optimizer_; }
  /// Steps made, and passes run, which is what chance is keyed by. Set both to go on where another trainer
  /// stood.
  std::int64_t steps() const { return steps_; }
  std::int64_t passes() const { return passes_; }
  void go_on_from(std::int64_t steps, std::int64_t passes) {
    steps_ = steps;
    passes_ = passes;
  }

 private:
  template <class Loss>
  double step_on(const tensor<Scalar>& x, const Loss& loss, double factor) {
    return step(x.view(), loss, factor);
  }
  template <class Loss>
  double step_on(tensor_view<const Scalar> x, const Loss& loss, double factor) {
    return step(x, loss, factor);
  }
  template <class Loss>
  double step_on(const std::vector<named_tensor<Scalar>>& x, const Loss& loss, double factor) {
    return step(std::span<const named_tensor<Scalar>>(x), loss, factor);
  }

  network<Scalar>* network_;
  optimizer<Rule, Scalar> optimizer_;
  aligned_vector<Scalar> gradients_;
  std::uint64_t seed_;
  std::int64_t steps_ = 0;
  std::int64_t passes_ = 0;
  std::vector<tensor_view<const Scalar>> outputs_;
  std::vector<named_tensor<Scalar>> given_;
};

template <class Network, class Rule, class Scalar>
trainer(Network&, optimizer<Rule, Scalar>, std::uint64_t) -> trainer<Scalar, Rule>;
template <class Network, class Rule, class Scalar>
trainer(Network&, optimizer<Rule, Scalar>) -> trainer<Scalar, Rule>;

}  // namespace lookalike
