// What is learned retrieves better than pixels: CIFAR-10 by its nearest neighbors.
//
//     learned_lookup DATA [--weights FILE] [--test 10000] [--epochs 3] [--code-epochs 5]
//
// DATA holds CIFAR-10. Each of the test pictures is looked up among the training pictures, by squared
// Euclidean distance, and gets the label that most of its 10 nearest neighbors have (of several, that of the
// nearest). One look-up, three descriptors:
//
//   pixels      all numbers of a picture, shifted to mean 0 and scaled to length 1
//   supervised  the last hidden layer of a residual network trained to tell the ten classes apart, from FILE
//               (train_cifar writes it) or trained here for a few epochs
//   unsupervised  the code of an autoencoder, which is trained here and never sees a label
//
// Prints the accuracy of each (and on stderr how training goes). `encode(net, part) | lookup(index, k)` is
// all there is to a learned look-up.

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <iostream>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <CLI/CLI.hpp>

// Before nn/, whose detail::value_name hides that of stage/.
// clang-format off
#include <lookalike/stage/pipeline.hpp>
#include <lookalike/stage/roles.hpp>
// clang-format on

#include <lookalike/core/parallel.hpp>
#include <lookalike/image/crop_and_flip.hpp>
#include <lookalike/models/autoencoder.hpp>
#include <lookalike/models/resnet.hpp>
#include <lookalike/nn/cifar_archive.hpp>
#include <lookalike/nn/dynamic_model.hpp>
#include <lookalike/nn/losses/cross_entropy.hpp>
#include <lookalike/nn/losses/regression.hpp>
#include <lookalike/nn/optimizers/adam.hpp>
#include <lookalike/nn/optimizers/sgd.hpp>
#include <lookalike/nn/schedule.hpp>
#include <lookalike/nn/trainer.hpp>
#include <lookalike/nn/weights.hpp>
#include <lookalike/retrieve/learned_descriptor.hpp>
#include <lookalike/retrieve/lookup.hpp>
#include <lookalike/retrieve/tiny_image.hpp>
#include <lookalike/retrieve/vector_index.hpp>
#include <lookalike/retrieve/vote.hpp>

#include "program.hpp"

namespace {

namespace la = lookalike;

struct arguments {
  std::string data;
  std::string weights;
  int depth = 20;
  int width = 16;
  int neighbors = 10;
  int code = 128;
  std::int64_t pictures = 50000;
  std::int64_t test = 10000;
  std::int64_t epochs = 3;
  std::int64_t code_epochs = 5;
  std::uint64_t seed = 0;
  int threads = 0;
};

/// Batches of pictures, cropped and mirrored at random, with their labels.
la::data_loader<> augmented(const la::labeled_pictures& data, const la::normalization& norm, int padding,
                            std::uint64_t seed) {
  return la::data_loader<>(
      data.count(),
      [](int size) {
        la::training_batch batch;
        batch.inputs = la::tensor<float>(size, 3, 32, 32);
        batch.labels.resize(static_cast<std::size_t>(size));
        return batch;
      },
      [&data, &norm, padding](la::training_batch& batch, int slot, std::int64_t i,
                              la::random_sequence& random) {
        la::write_crop_and_flip(la::sample_of(data.pictures.view(), i),
                                la::draw_crop_and_flip(32, 32, 32, 32, random, {.padding = padding}), norm,
                                la::sample_of(batch.inputs.view(), slot));
        batch.labels[static_cast<std::size_t>(slot)] = data.labels[static_cast<std::size_t>(i)];
      },
      {.batch_size = 128, .drop_last = true, .seed = seed});
}

template <class Rule, class Loss>
void train(la::network<float>& net, Rule rule, la::data_loader<>& loader, const Loss& loss,
           std::int64_t epochs, std::uint64_t seed, std::string_view what) {
  const std::int64_t steps = epochs * loader.batches_per_epoch();
  la::trainer training(net, la::optimizer(rule), seed);
  training.fit(
      loader, loss,
      {.epochs = epochs,
       .schedule = la::schedules::warm_up(steps / 10, la::schedules::cosine{.steps = steps - steps / 10}),
       .after_epoch = [&](const la::epoch_report& now) {
         std::fprintf(stderr, "%s, epoch %d: loss %.4f, %.0f s\n", std::string(what).c_str(),
                      static_cast<int>(now.epoch + 1), now.training_loss, now.seconds);
         std::fflush(stdout);
         return true;
       }});
}

/// A residual network that tells the classes apart.
la::dynamic_model<float> classifier(const la::labeled_pictures& data, const la::normalization& norm,
                                    const arguments& given) {
  la::dynamic_model<float> net(
      la::cifar_resnet(given.depth, {.classes = 10, .shortcut = la::shortcut_kind::padding}, given.width) |
      la::expose("descriptor"));
  net.initialize(given.seed);
  if (!given.weights.empty()) {
    la::load_weights(given.weights, net.parameters(), net.values());
    return net;
  }
  la::data_loader<> loader = augmented(data, norm, 4, given.seed);
  train(
      net, la::sgd{.learning_rate = 0.1, .momentum = 0.9, .weight_decay = 5e-4}, loader,
      [](la::tensor_view<const float> scores, const la::training_batch& batch) {
        return la::cross_entropy{}(scores, batch.labels);
      },
      given.epochs, given.seed, "residual network");
  return net;
}

/// An autoencoder of pictures with values in [0, 1].
la::dynamic_model<float> autoencoder(const la::labeled_pictures& data, const la::normalization& norm,
                                     const arguments& given) {
  la::dynamic_model<float> net(la::convolutional_autoencoder({3, 32, 32}, {.code = given.code}) |
                               la::expose("code"));
  net.initialize(given.seed);
  la::data_loader<> loader = augmented(data, norm, 0, given.seed);
  train(
      net, la::adam{.learning_rate = 2e-3}, loader,
      [](la::tensor_view<const float> output, const la::training_batch& batch) {
        return la::mean_squared_error{}(output, batch.inputs);
      },
      given.code_epochs, given.seed, "autoencoder");
  return net;
}

/// The share of test pictures that get their label from their neighbors; `describe` is a stage from pictures
/// to rows of numbers.
template <class Describe>
double accuracy(std::string_view what, const Describe& describe, const la::labeled_pictures& training,
                const la::labeled_pictures& test, int neighbors) {
  const auto start = std::chrono::steady_clock::now();
  const la::vector_index known(describe(training.pictures));
  const auto find = describe | la::lookup(known.on_batches(), neighbors);
  const std::vector<la::matches> found = find(test.pictures);
  std::int64_t right = 0;
  for (std::size_t i = 0; i < found.size(); ++i)
    right += la::vote(found[i], training.labels) == test.labels[i] ? 1 : 0;
  const double rate = static_cast<double>(right) / static_cast<double>(test.count());
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  std::printf("%-30s %8d   %6.2f %%  %5.0f s\n", std::string(what).c_str(),
              static_cast<int>(known.dimension()), 100 * rate, seconds);
  std::fflush(stdout);
  return rate;
}

void run(const arguments& given) {
  if (given.threads > 0) la::set_threads(given.threads);
  const la::labeled_pictures training = la::load_cifar10(given.data, la::data_split::train, given.pictures);
  const la::labeled_pictures test = la::load_cifar10(given.data, la::data_split::test, given.test);
  const la::normalization norm = la::measure_normalization(training.pictures);
  const la::normalization unit = la::uniform_normalization(3);
  std::printf("%d nearest of %lld pictures, for %lld others\n", given.neighbors,
              static_cast<long long>(training.count()), static_cast<long long>(test.count()));
  std::printf("%-30s %8s  %8s  %7s\n", "descriptor", "numbers", "accuracy", "time");
  const auto judge = [&](std::string_view what, const auto& describe) {
    return accuracy(what, describe, training, test, given.neighbors);
  };
  const double pixels = judge("pixels, mean 0, length 1", la::tiny_image.on_batches());

  const auto features = la::encode(classifier(training, norm, given), "descriptor",
                                   {.height = 32, .width = 32, .normalization = norm, .unit_length = true});
  const double supervised = judge("supervised: residual network", features.on_batches());

  const auto code = la::encode(autoencoder(training, unit, given), "code", {.normalization = unit});
  const double unsupervised = judge("unsupervised: autoencoder", code.on_batches());
  std::printf("above pixels: supervised %+.2f points, unsupervised %+.2f points\n",
              100 * (supervised - pixels), 100 * (unsupervised - pixels));
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Looks CIFAR-10 up by pixels and by what networks have learned", "learned_lookup");
  arguments given;
  app.add_option("DATA", given.data, "folder of CIFAR-10")->required();
  app.add_option("--weights", given.weights, "of the residual network, as train_cifar saves them");
  app.add_option("--depth", given.depth, "layers of the residual network")->capture_default_str();
  app.add_option("--width", given.width, "channels of its first stage")->capture_default_str();
  app.add_option("--epochs", given.epochs, "of the residual network without --weights")
      ->capture_default_str();
  app.add_option("--code-epochs", given.code_epochs, "of the autoencoder")->capture_default_str();
  app.add_option("--code", given.code, "numbers in the autoencoder's code")->capture_default_str();
  app.add_option("--neighbors", given.neighbors)->capture_default_str();
  app.add_option("--pictures", given.pictures, "how many to look among")->capture_default_str();
  app.add_option("--test", given.test, "how many to look up")->capture_default_str();
  app.add_option("--seed", given.seed)->capture_default_str();
  app.add_option("--threads", given.threads);
  return program::run_program(app, argc, argv, [&] { run(given); });
}
