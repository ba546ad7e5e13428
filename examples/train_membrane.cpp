// Trains a U-Net to find cell membranes in electron-microscope sections (Ronneberger et al. 2015, section 3),
// and tells how well it does on sections that it has not seen.
//
//     train_membrane DATA [--steps 600] [--width 32] [--out FOLDER] [--weights FILE]
//
// DATA holds image/N.png and label/N.png (white inside cells), N from 0 on; the last --test of them are kept
// for testing. Every sample is a crop of a section, elastically deformed, turned and mirrored; gaps between
// cells weigh more (image/border_weights.hpp). Prints the loss, and in the end the pixel error, the Rand
// error at its best threshold, and that tiles with overlap give what the whole section gives.
// bench/_torch_membrane.py is the same in PyTorch.

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <iostream>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include <lookalike/core/parallel.hpp>
#include <lookalike/image/augment.hpp>
#include <lookalike/image/border_weights.hpp>
#include <lookalike/image/elastic_deformation.hpp>
#include <lookalike/image/planes.hpp>
#include <lookalike/image/read.hpp>
#include <lookalike/image/segmentation_score.hpp>
#include <lookalike/image/write.hpp>
#include <lookalike/models/unet.hpp>
#include <lookalike/nn/dynamic_model.hpp>
#include <lookalike/nn/losses/cross_entropy.hpp>
#include <lookalike/nn/metrics.hpp>
#include <lookalike/nn/optimizers/adam.hpp>
#include <lookalike/nn/schedule.hpp>
#include <lookalike/nn/tiles.hpp>
#include <lookalike/nn/trainer.hpp>
#include <lookalike/nn/weights.hpp>

#include "program.hpp"

namespace {

namespace la = lookalike;
namespace fs = std::filesystem;

struct arguments {
  std::string data;
  std::string out;
  std::string weights;
  int width = 32;
  int test = 6;
  std::int64_t steps = 600;
  int batch = 4;
  int crop = 256;
  double rate = 1e-3;
  std::uint64_t seed = 0;
  int threads = 0;
};

struct section {
  la::image<1> picture;  // in [-2, 2]
  la::mask cells;        // 255 inside cells
  la::image<1> weights;
};

/// Gray values from 0 to 1; the three channels of a gray picture are alike.
la::image<1> gray(const fs::path& path) {
  const la::image<3> picture = la::read_image(path);
  la::image<1> result(picture.height(), picture.width());
  for (int y = 0; y < picture.height(); ++y)
    for (int x = 0; x < picture.width(); ++x) result(y, x, 0) = picture(y, x, 1);
  return result;
}

std::vector<section> read_sections(const fs::path& folder) {
  std::vector<section> sections;
  for (int i = 0;; ++i) {
    const std::string name = std::to_string(i) + ".png";
    if (i > 0 && !fs::exists(folder / "image" / name)) return sections;
    section s;
    s.picture = gray(folder / "image" / name);
    for (float& value : s.picture.values()) value = (value - 0.5F) / 0.25F;
    s.cells = la::threshold(gray(folder / "label" / name), 0.5);
    s.weights = la::border_weights(s.cells);
    sections.push_back(std::move(s));
  }
}

/// What the network learns from: a picture, and for every pixel its class and weight.
struct segmentation_batch {
  la::tensor<float> inputs;
  la::tensor<int> labels;
  la::tensor<float> weights;
};

/// One sample out of a section.
void fill(segmentation_batch& batch, int slot, const section& from, int crop, la::random_sequence& random) {
  const auto field =
      la::draw_elastic_deformation(from.picture.height(), from.picture.width(), random, {.deviation = 10});
  const la::box place = la::draw_crop({from.picture.height(), from.picture.width()}, {crop, crop}, random);
  const la::square_symmetry symmetry = la::draw_square_symmetry(random);
  const auto put = [&](const auto& deformed, auto out) {
    la::write_planes(la::with_symmetry(la::crop(deformed, place), symmetry), out);
  };
  put(la::deform(from.picture, field), la::sample_of(batch.inputs.view(), slot));
  put(la::deform_labels(from.weights, field), la::sample_of(batch.weights.view(), slot));
  la::mask cells = la::deform_labels(from.cells, field);
  for (auto& value : cells.values()) value = value != 0 ? 1 : 0;
  put(cells, la::sample_of(batch.labels.view(), slot));
}

la::tensor<float> as_batch(const la::image<1>& picture) {
  la::tensor<float> x(1, 1, picture.height(), picture.width());
  la::write_planes(picture, x.view());
  return x;
}

/// The probability of being inside a cell.
la::image<1> inside_probability(const la::tensor<float>& scores) {
  la::image<1> result(static_cast<int>(scores.height()), static_cast<int>(scores.width()));
  for (int y = 0; y < result.height(); ++y)
    for (int x = 0; x < result.width(); ++x)
      result(y, x, 0) = 1 / (1 + std::exp(scores(0, 0, y, x) - scores(0, 1, y, x)));
  return result;
}

void judge(const la::network<float>& net, std::span<const section> test, const arguments& given) {
  std::vector<la::image<1>> cells;
  std::vector<la::mask> truths;
  double furthest = 0;
  for (const section& s : test) {
    const la::tensor<float> x = as_batch(s.picture);
    const la::tensor<float> whole = net(x);
    cells.push_back(inside_probability(whole));
    truths.push_back(s.cells);
    if (&s == &test.front()) {
      // Tiles that overlap by the receptive field see what the whole picture shows.
      const la::tensor<float> tiled = la::run_tiled<float>(net, x, {.tile = 256, .overlap = 128});
      for (std::int64_t i = 0; i < whole.size(); ++i)
        furthest = std::max(furthest, double{std::abs(whole.data()[i] - tiled.data()[i])});
    }
  }
  const std::vector<double> half{0.5};
  const auto pixel = la::best_pixel_error(cells, truths, half);
  const auto best_pixel = la::best_pixel_error(cells, truths, la::threshold_levels(19));
  const auto rand = la::best_rand_error(cells, truths, la::threshold_levels(19));
  std::printf("pixel error %.4f (%.4f at the threshold %.2f), Rand error %.4f at the threshold %.2f\n",
              pixel.error, best_pixel.error, best_pixel.level, rand.error, rand.level);
  std::printf("tiles of 256 with an overlap of 128 differ by at most %.2g\n", furthest);
  if (given.out.empty()) return;
  fs::create_directories(given.out);
  for (std::size_t i = 0; i < cells.size(); ++i)
    la::write_image(fs::path(given.out) / ("probability_" + std::to_string(i) + ".png"), cells[i]);
}

void train(const arguments& given) {
  if (given.threads > 0) la::set_threads(given.threads);
  const std::vector<section> sections = read_sections(given.data);
  la::require(static_cast<int>(sections.size()) > given.test, "train_membrane: given ", sections.size(),
              " sections, wanted more than the ", given.test, " to test on");
  const std::size_t training = sections.size() - static_cast<std::size_t>(given.test);

  la::dynamic_model<float> net(la::unet_normalized({.inputs = 1, .classes = 2, .width = given.width}));
  net.initialize(given.seed);

  // Every step is an epoch of one batch, its sections chosen at random.
  la::data_loader<segmentation_batch> loader(
      given.batch,
      [&](int size) {
        return segmentation_batch{la::tensor<float>(size, 1, given.crop, given.crop),
                                  la::tensor<int>(size, 1, given.crop, given.crop),
                                  la::tensor<float>(size, 1, given.crop, given.crop)};
      },
      [&](segmentation_batch& batch, int slot, std::int64_t, la::random_sequence& random) {
        fill(batch, slot,
             sections[static_cast<std::size_t>(random.integer(static_cast<std::int64_t>(training)))],
             given.crop, random);
      },
      {.batch_size = given.batch, .seed = given.seed});

  la::trainer run(net, la::optimizer(la::adam{.learning_rate = given.rate}), given.seed);
  la::running_mean recent;
  double seconds = 0;
  run.fit(loader,
          [](la::tensor_view<const float> scores, const segmentation_batch& batch) {
            return la::cross_entropy{}(scores, batch.labels, batch.weights);
          },
          {.epochs = given.steps,
           .schedule = la::schedules::cosine{.steps = given.steps},
           .after_epoch = [&](const la::epoch_report& report) {
             recent.add(report.training_loss);
             seconds += report.seconds;
             if (report.step % 50 == 0) {
               std::printf("step %5d  loss %.4f  %.0f s\n", static_cast<int>(report.step), recent.value(),
                           seconds);
               std::fflush(stdout);
               recent = {};
             }
             return true;
           }});
  if (!given.weights.empty())
    la::save_weights<const float>(given.weights, net.parameters(), std::as_const(net).values());
  judge(net, std::span(sections).subspan(training), given);
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Trains a U-Net on electron-microscope sections", "train_membrane");
  arguments given;
  app.add_option("DATA", given.data, "folder with image/N.png and label/N.png")->required();
  app.add_option("--steps", given.steps)->capture_default_str();
  app.add_option("--width", given.width, "channels of the highest level")->capture_default_str();
  app.add_option("--test", given.test, "how many of the last sections to test on")->capture_default_str();
  app.add_option("--batch", given.batch)->capture_default_str();
  app.add_option("--crop", given.crop, "pixels along a side of a sample")->capture_default_str();
  app.add_option("--rate", given.rate, "highest learning rate")->capture_default_str();
  app.add_option("--seed", given.seed)->capture_default_str();
  app.add_option("--threads", given.threads);
  app.add_option("--out", given.out, "folder for the probabilities of the test sections");
  app.add_option("--weights", given.weights, "where to save the weights");
  return program::run_program(app, argc, argv, [&] { train(given); });
}
