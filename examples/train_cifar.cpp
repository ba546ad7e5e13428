// Trains a residual network on CIFAR-10 (He et al. 2016, section 4.2), or the plain network it is compared
// with.
//
//     train_cifar DATA [--depth 20] [--epochs 15] [--plain] [--weights FILE]
//
// DATA holds CIFAR-10: its binary records, or the two archives of pictures. Prints, epoch by epoch, the
// training loss, the accuracy on the test set and the seconds. The recipe: batches of 128, random crops out
// of a border of 4 pixels and mirroring, SGD with momentum 0.9 and weight decay, the learning rate rising
// over the first epoch and then falling along a cosine. bench/_torch_cifar.py is the same in PyTorch.

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <iostream>
#include <span>
#include <string>

#include <CLI/CLI.hpp>

#include <lookalike/core/parallel.hpp>
#include <lookalike/image/crop_and_flip.hpp>
#include <lookalike/models/resnet.hpp>
#include <lookalike/nn/cifar_archive.hpp>
#include <lookalike/nn/dynamic_model.hpp>
#include <lookalike/nn/losses/cross_entropy.hpp>
#include <lookalike/nn/metrics.hpp>
#include <lookalike/nn/optimizers/sgd.hpp>
#include <lookalike/nn/schedule.hpp>
#include <lookalike/nn/trainer.hpp>
#include <lookalike/nn/weights.hpp>

#include "program.hpp"

namespace {

namespace la = lookalike;

struct arguments {
  std::string data;
  std::string weights;
  int depth = 20;
  int width = 16;
  bool plain = false;
  std::int64_t epochs = 15;
  std::int64_t pictures = 50000;
  int batch = 128;
  double rate = 0.1;
  double decay = 5e-4;
  std::uint64_t seed = 0;
  int threads = 0;
};

/// The share of pictures whose class the network finds.
double accuracy(const la::network<float>& net, const la::labeled_pictures& data,
                const la::normalization& norm) {
  constexpr std::int64_t at_once = 500;
  la::hit_count right;
  for (std::int64_t first = 0; first < data.count(); first += at_once) {
    const std::int64_t count = std::min(at_once, data.count() - first);
    la::tensor<float> x(count, 3, 32, 32);
    for (std::int64_t i = 0; i < count; ++i)
      la::write_crop_and_flip(la::sample_of(data.pictures.view(), first + i), {}, norm,
                              la::sample_of(x.view(), i));
    const std::span<const int> labels(data.labels.data() + first, static_cast<std::size_t>(count));
    right += la::count_hits(net(x), labels);
  }
  return right.rate();
}

void train(const arguments& given) {
  if (given.threads > 0) la::set_threads(given.threads);
  const la::labeled_pictures training = la::load_cifar10(given.data, la::data_split::train, given.pictures);
  const la::labeled_pictures test = la::load_cifar10(given.data, la::data_split::test);
  const la::normalization norm = la::measure_normalization(training.pictures);

  la::dynamic_model<float> net(la::cifar_resnet(
      given.depth,
      {.classes = 10, .shortcut = given.plain ? la::shortcut_kind::none : la::shortcut_kind::padding},
      given.width));
  net.initialize(given.seed);

  la::data_loader<la::training_batch> loader(
      training.count(),
      [](int size) {
        la::training_batch batch;
        batch.inputs = la::tensor<float>(size, 3, 32, 32);
        batch.labels.resize(static_cast<std::size_t>(size));
        return batch;
      },
      [&](la::training_batch& batch, int slot, std::int64_t i, la::random_sequence& random) {
        la::write_crop_and_flip(la::sample_of(training.pictures.view(), i),
                                la::draw_crop_and_flip(32, 32, 32, 32, random), norm,
                                la::sample_of(batch.inputs.view(), slot));
        batch.labels[static_cast<std::size_t>(slot)] = training.labels[static_cast<std::size_t>(i)];
      },
      {.batch_size = given.batch, .drop_last = true, .seed = given.seed});

  la::trainer training_run(
      net, la::optimizer(la::sgd{.learning_rate = given.rate, .momentum = 0.9, .weight_decay = given.decay}),
      given.seed);
  const std::int64_t epoch = loader.batches_per_epoch();
  training_run.fit(
      loader,
      [](la::tensor_view<const float> outputs, const la::training_batch& batch) {
        return la::cross_entropy{}(outputs, batch.labels);
      },
      {.epochs = given.epochs,
       .schedule = la::schedules::warm_up(
           epoch, la::schedules::cosine{.steps = std::max<std::int64_t>(1, given.epochs - 1) * epoch}),
       .validate = [&] { return accuracy(net, test, norm); },
       .after_epoch =
           [&](const la::epoch_report& report) {
             std::printf("epoch %3d  training loss %.4f  test accuracy %.2f %%  %.0f s\n",
                         static_cast<int>(report.epoch + 1), report.training_loss, 100 * *report.score,
                         report.seconds);
             std::fflush(stdout);
             if (!given.weights.empty()) la::save_weights(given.weights, net.parameters(), net.values());
             return true;
           }});
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Trains a residual network on CIFAR-10", "train_cifar");
  arguments given;
  app.add_option("DATA", given.data, "folder of CIFAR-10")->required();
  app.add_option("--depth", given.depth, "layers: 6n + 2")->capture_default_str();
  app.add_option("--width", given.width, "channels of the first stage")->capture_default_str();
  app.add_flag("--plain", given.plain, "without shortcuts");
  app.add_option("--epochs", given.epochs)->capture_default_str();
  app.add_option("--pictures", given.pictures, "how many to train on")->capture_default_str();
  app.add_option("--batch", given.batch)->capture_default_str();
  app.add_option("--rate", given.rate, "highest learning rate")->capture_default_str();
  app.add_option("--decay", given.decay, "weight decay")->capture_default_str();
  app.add_option("--seed", given.seed)->capture_default_str();
  app.add_option("--threads", given.threads);
  app.add_option("--weights", given.weights, "where to save the weights after each epoch");
  return program::run_program(app, argc, argv, [&] { train(given); });
}
