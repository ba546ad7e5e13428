#pragma once

/// \file
/// The training loop. A `trainer` joins a network, an optimizer and a loss: `step` is one step on one batch,
/// `fit` goes over a data loader's epochs with a schedule, validation, early stopping, progress and
/// checkpoints.
///
///     trainer training(net, optimizer(sgd{.learning_rate = 0.1, .momentum = 0.9}));
///     training.fit(loader, [](tensor_view<const float> output, const training_batch& batch) {
///       return cross_entropy{}(output, batch.labels); }, {.epochs = 15});
///
/// Results do not depend on the number of threads. What is left to chance (dropout) is keyed by the seed and
/// the number of the pass, so that a run which goes on from a checkpoint (nn/checkpoint.hpp) yields the bits
/// of one that was never interrupted:
///
///     checkpoint saved;
///     saved.add("run", training).add("data", loader);
///     if (std::filesystem::exists(path)) saved.load(path);
///     training.fit(loader, loss, {.epochs = 15, .after_epoch = [&](const epoch_report&) {
///       saved.save(path);
///       return true; }});

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <functional>
#include <initializer_list>
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
  std::int64_t step = 0;            ///< steps made so far, in all epochs
  double training_loss = 0;         ///< mean over the samples of the epoch that this call of `fit` trained on
  std::optional<double> score{};    ///< what validation returned
  double learning_rate_factor = 1;  ///< of the last step
  double seconds = 0;               ///< of training, without validation
};

/// How long and how `trainer::fit` trains.
struct fit_options {
  /// Trains until this many epochs are done, those before a resumption included.
  std::int64_t epochs = 1;
  /// What the learning rate is multiplied by in step n, counted from 0 (nn/schedule.hpp). Empty: 1.
  std::function<double(std::int64_t step)> schedule{};
  /// So many batches make one step, with the effect of one batch as large as all of them (but for batch
  /// normalization) if the loss is a mean over samples. What is left at the end of an epoch makes a step,
  /// too.
  int batches_a_step = 1;
  /// Called after every epoch, returns a score. Empty: no validation.
  std::function<double()> validate{};
  /// Called after every epoch, after validation; returning false ends the training (early stopping, see
  /// nn/early_stopping.hpp). The place to print and to save checkpoints.
  std::function<bool(const epoch_report&)> after_epoch{};
  /// Hears of "epoch 1" and so on after each step, in batches; of an epoch's last step after validation and
  /// `after_epoch`. May stop the training, which then throws `interrupted`, always between two steps.
  progress watcher{};
};

/// A network in training. Refers to the network, which must outlive it and stay in its place.
template <class Scalar, class Rule>
class trainer {
 public:
  using scalar = Scalar;

  /// `seed` decides all chance but that of initialization and data.
  trainer(network<Scalar>& net, optimizer<Rule, Scalar> how, std::uint64_t seed = 0)
      : network_(&net), optimizer_(std::move(how)), gradients_(net.make_gradients()), seed_(seed) {
    for (const parameter& row : net.parameters()) buffer_size_ += row.trainable ? 0 : row.size;
  }

  /// One step on one batch; returns the loss before it.
  ///
  /// `loss(output)` is a loss of a network's one output, given as `tensor_view<const Scalar>`, and returns a
  /// `loss_value<Scalar>`; `loss(outputs)` is one of several, given as `std::span<const tensor_view<const
  /// Scalar>>`, and returns a `joint_loss_value<Scalar>`. (A lambda should say which of them it takes.)
  ///
  /// Throws `value_error` when the loss is not finite, and what the network, the loss and the optimizer
  /// throw; all parameters, running averages included, and the trainer's position are then as before.
  template <class Loss>
  double step(std::span<const named_tensor<Scalar>> inputs, const Loss& loss,
              double learning_rate_factor = 1) {
    const double value = accumulate(inputs, loss);
    try {
      apply(learning_rate_factor);
    } catch (...) {
      restore_buffers();
      --passes_;
      throw;
    }
    return value;
  }
  template <class Loss>
  double step(std::initializer_list<named_tensor<Scalar>> inputs, const Loss& loss,
              double learning_rate_factor = 1) {
    return step(as_span(inputs), loss, learning_rate_factor);
  }
  template <class Loss>
  double step(tensor_view<const Scalar> x, const Loss& loss, double learning_rate_factor = 1) {
    return step({named_tensor<Scalar>(x)}, loss, learning_rate_factor);
  }

  /// The first half of `step`: adds `weight` times a batch's gradients to those that wait for `apply`, which
  /// divides them by the sum of the weights. Weighing each batch by its number of samples gives the step of
  /// one larger batch (but for batch normalization) if the loss is a mean over samples.
  template <class Loss>
  double accumulate(std::span<const named_tensor<Scalar>> inputs, const Loss& loss, double weight = 1) {
    require(weight > 0 && std::isfinite(weight), "trainer: given the weight ", weight,
            " for a batch, wanted a finite number above 0");
    keep_buffers();
    try {
      auto pass = network_->forward(inputs, {.training = true, .seed = seed_of(passes_)});
      std::vector<tensor_view<const Scalar>> outputs;
      for (std::size_t i = 0; i < pass.output_count(); ++i) outputs.push_back(pass.output(i));
      joint_loss_value<Scalar> result =
          evaluate_loss<Scalar>(loss, std::span<const tensor_view<const Scalar>>(outputs));
      require(std::isfinite(result.value), "trainer: the loss is ", result.value, " in step ", steps_,
              ", wanted a finite number; a smaller learning rate may help");
      static constexpr Scalar nothing = 0;
      std::vector<named_tensor<Scalar>> given;
      for (std::size_t i = 0; i < outputs.size(); ++i) {
        tensor<Scalar>& gradient = result.gradients[i];
        if (weight != 1) {
          for (Scalar& g : gradient) g *= static_cast<Scalar>(weight);
        }
        given.emplace_back(gradient.empty()
                               ? tensor_view<const Scalar>{&nothing, outputs[i].extents, {0, 0, 0, 0}}
                               : std::as_const(gradient).view());
      }
      pass.backward(std::span<const named_tensor<Scalar>>(given), gradients_, {.input_gradients = false});
      ++passes_;
      weight_ += weight;
      return result.value;
    } catch (...) {
      restore_buffers();
      throw;
    }
  }
  template <class Loss>
  double accumulate(std::initializer_list<named_tensor<Scalar>> inputs, const Loss& loss, double weight = 1) {
    return accumulate(as_span(inputs), loss, weight);
  }
  template <class Loss>
  double accumulate(tensor_view<const Scalar> x, const Loss& loss, double weight = 1) {
    return accumulate({named_tensor<Scalar>(x)}, loss, weight);
  }

  /// The second half of `step`: lets the optimizer use the gradients that wait. When it throws, they are
  /// forgotten.
  void apply(double learning_rate_factor = 1) {
    try {
      if (weight_ > 0 && weight_ != 1) {
        const auto factor = static_cast<Scalar>(1 / weight_);
        for (Scalar& g : gradients_) g *= factor;
      }
      optimizer_.step(network_->parameters(), network_->values(), gradients_, learning_rate_factor);
    } catch (...) {
      discard();
      throw;
    }
    weight_ = 0;
    ++steps_;
  }

  /// Forgets the gradients that wait.
  void discard() {
    std::fill(gradients_.begin(), gradients_.end(), Scalar(0));
    weight_ = 0;
  }

  /// The gradients that wait, a block like the parameters. Passes of one's own may add to it, for instance
  /// where a discriminator's gradient goes back through a generator:
  ///
  ///     auto pass = generator.net().forward(noise, {.training = true, .seed = generator.draw_seed()});
  ///     ...
  ///     pass.backward({input_gradient}, generator.gradients());
  ///     generator.apply();
  std::span<Scalar> gradients() { return gradients_; }
  /// The seed for a pass of one's own, which counts as a pass of the trainer's.
  std::uint64_t draw_seed() { return seed_of(passes_++); }

  /// Goes over the loader's batches until `options.epochs` are done; goes on where the loader stands.
  /// `loss(outputs, batch)` is as for `step`, with the batch as a second argument. `inputs_of(batch)` gives
  /// the network's inputs: a tensor, a view, or a vector of `named_tensor`. Returns a report of every epoch.
  ///
  /// Throws as `step` does (the batch that failed is then passed over by the loader), and `interrupted`.
  /// Whatever it throws, what is learned is as after the last step that was made.
  template <class Batch, class Loss, class Inputs>
  std::vector<epoch_report> fit(data_loader<Batch>& loader, const Loss& loss, const Inputs& inputs_of,
                                const fit_options& options) {
    require(options.batches_a_step >= 1, "fit_options.batches_a_step: given ", options.batches_a_step,
            ", wanted at least 1");
    discard();
    std::vector<epoch_report> reports;
    while (loader.position().epoch < options.epochs) {
      const std::int64_t batches = loader.batches_per_epoch();
      epoch_report now;
      now.epoch = loader.position().epoch;
      const std::string task = "epoch " + std::to_string(now.epoch + 1);
      double total = 0;
      double samples = 0;
      std::int64_t done = loader.position().batch;
      const auto start = std::chrono::steady_clock::now();
      for (Batch& batch : loader.epoch()) {
        const auto bound = [&](const auto& outputs) -> decltype(loss(outputs, batch)) {
          return loss(outputs, batch);
        };
        const auto& inputs = inputs_of(batch);
        const auto size = static_cast<double>(sample_count(inputs));
        const double value = accumulate(as_span(inputs), bound, options.batches_a_step > 1 ? size : 1);
        total += size * value;
        samples += size;
        ++done;
        if (done % options.batches_a_step != 0 && done < batches) continue;
        now.learning_rate_factor = options.schedule ? options.schedule(steps_) : 1;
        apply(now.learning_rate_factor);
        if (done < batches) report(options.watcher, task, done, batches);
      }
      now.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
      now.training_loss = samples > 0 ? total / samples : 0;
      now.step = steps_;
      if (options.validate) now.score = options.validate();
      reports.push_back(now);
      if (options.after_epoch && !options.after_epoch(now)) break;
      report(options.watcher, task, batches, batches);
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
  /// stood; gradients that wait are forgotten.
  std::int64_t steps() const { return steps_; }
  std::int64_t passes() const { return passes_; }
  void go_on_from(std::int64_t steps, std::int64_t passes) {
    steps_ = steps;
    passes_ = passes;
    discard();
  }

 private:
  using inputs_view = std::span<const named_tensor<Scalar>>;

  static inputs_view as_span(const std::vector<named_tensor<Scalar>>& inputs) { return inputs; }
  static inputs_view as_span(std::initializer_list<named_tensor<Scalar>> inputs) {
    return {inputs.begin(), inputs.size()};
  }
  /// One input, handed to a span as long as the full expression lasts.
  struct single_input {
    named_tensor<Scalar> only;
    operator inputs_view() const { return {&only, 1}; }
  };
  static single_input as_span(tensor_view<const Scalar> x) { return {x}; }

  static std::int64_t sample_count(const std::vector<named_tensor<Scalar>>& inputs) {
    return inputs.empty() ? 0 : inputs[0].value.batch();
  }
  static std::int64_t sample_count(tensor_view<const Scalar> x) { return x.batch(); }

  std::uint64_t seed_of(std::int64_t pass) const { return detail::node_seed(seed_, static_cast<int>(pass)); }

  /// Running averages change in the forward pass, before it is known whether the loss is a number.
  void keep_buffers() {
    buffers_.resize(static_cast<std::size_t>(buffer_size_));
    exchange_buffers(
        [](Scalar* value, Scalar* kept, std::int64_t count) { std::copy_n(value, count, kept); });
  }
  void restore_buffers() {
    exchange_buffers(
        [](Scalar* value, Scalar* kept, std::int64_t count) { std::copy_n(kept, count, value); });
  }
  template <class Copy>
  void exchange_buffers(const Copy& copy) {
    Scalar* kept = buffers_.data();
    for (const parameter& row : network_->parameters()) {
      if (row.trainable) continue;
      copy(network_->values().data() + row.offset, kept, row.size);
      kept += row.size;
    }
  }

  network<Scalar>* network_;
  optimizer<Rule, Scalar> optimizer_;
  aligned_vector<Scalar> gradients_;
  std::uint64_t seed_;
  double weight_ = 0;  // of the gradients that wait
  std::int64_t steps_ = 0;
  std::int64_t passes_ = 0;
  std::int64_t buffer_size_ = 0;
  std::vector<Scalar> buffers_;  // parameters that are not learned, as before the current pass
};

template <class Network, class Rule, class Scalar>
trainer(Network&, optimizer<Rule, Scalar>, std::uint64_t) -> trainer<Scalar, Rule>;
template <class Network, class Rule, class Scalar>
trainer(Network&, optimizer<Rule, Scalar>) -> trainer<Scalar, Rule>;

}  // namespace lookalike
