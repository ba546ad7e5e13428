// A linear autoencoder finds the principal subspace of pictures (Baldi and Hornik 1989).
//
//     linear_autoencoder PHOTOS [--codes 1 4 9 16] [--double] [--out FILE.png]
//
// Cuts small gray patches out of the photographs in the folder PHOTOS (JPEG and PNG, subfolders included),
// and trains networks by gradient descent to yield each patch again through a code of a few numbers. Prints,
// for each size of the code, the error of the network and what the theorem says it is: the sum of the
// eigenvalues of the patches' covariance that the code has no room for; and the largest principal angle
// between what the network's decoder spans and the eigenvectors. With --out, draws the principal components,
// the decoder's columns, and a photograph put through the last network, patch by patch.

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <iostream>
#include <string>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>
#include <Eigen/Eigenvalues>
#include <Eigen/QR>
#include <Eigen/SVD>

#include <lookalike/core/parallel.hpp>
#include <lookalike/image/color.hpp>
#include <lookalike/image/contact_sheet.hpp>
#include <lookalike/image/read.hpp>
#include <lookalike/image/write.hpp>
#include <lookalike/models/autoencoder.hpp>
#include <lookalike/nn/dynamic_model.hpp>
#include <lookalike/nn/losses/regression.hpp>
#include <lookalike/nn/optimizers/adam.hpp>
#include <lookalike/nn/schedule.hpp>
#include <lookalike/nn/trainer.hpp>

#include "program.hpp"

namespace {

namespace la = lookalike;
namespace fs = std::filesystem;

using matrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

struct arguments {
  std::string photos;
  std::string out;
  std::vector<int> codes{1, 4, 9, 16};
  int side = 8;
  std::int64_t patches = 2000;
  std::size_t pictures = 100;
  std::int64_t steps = 3000;
  double rate = 0.01;
  std::uint64_t seed = 0;
  bool in_double = false;
};

std::vector<fs::path> photo_files(const fs::path& folder, std::size_t at_most) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    const fs::path kind = entry.path().extension();
    if (kind == ".jpg" || kind == ".jpeg" || kind == ".png") files.push_back(entry.path());
  }
  la::require(!files.empty(), "given the folder '", folder.string(), "', wanted photographs in it");
  std::sort(files.begin(), files.end());
  files.resize(std::min(files.size(), at_most));
  return files;
}

/// Subtracts its mean from a patch and returns it: brightness is no matter of structure, and would outweigh
/// everything else.
double remove_mean(double* patch, int size) {
  double mean = 0;
  for (int i = 0; i < size; ++i) mean += patch[i] / size;
  for (int i = 0; i < size; ++i) patch[i] -= mean;
  return mean;
}

void copy_patch(const la::image<1>& photo, int top, int left, int side, double* patch) {
  for (int y = 0; y < side; ++y)
    for (int x = 0; x < side; ++x) *patch++ = static_cast<double>(photo(top + y, left + x));
}

/// Patches as samples of mean 0, and of variance 1 on average over their pixels.
struct patch_set {
  la::tensor<double> samples;
  Eigen::RowVectorXd mean;
  double scale = 1;

  auto rows() { return Eigen::Map<matrix>(samples.data(), samples.batch(), mean.size()); }
};

patch_set cut_patches(const std::vector<fs::path>& files, const arguments& given) {
  const int size = given.side * given.side;
  patch_set result{la::tensor<double>(given.patches, 1, given.side, given.side),
                   Eigen::RowVectorXd::Zero(size)};
  la::random_sequence random(given.seed, 1);
  const auto count = static_cast<std::int64_t>(files.size());
  for (std::int64_t f = 0; f < count; ++f) {
    const la::image<1> photo = la::rgb_to_gray(la::read_image(files[static_cast<std::size_t>(f)]));
    for (std::int64_t i = f; i < given.patches; i += count) {
      const auto top = static_cast<int>(random.integer(photo.height() - given.side + 1));
      const auto left = static_cast<int>(random.integer(photo.width() - given.side + 1));
      copy_patch(photo, top, left, given.side, &result.samples(i, 0));
      remove_mean(&result.samples(i, 0), size);
    }
  }
  auto rows = result.rows();
  result.mean = rows.colwise().mean();
  rows.rowwise() -= result.mean;
  result.scale = 1 / std::sqrt(rows.squaredNorm() / static_cast<double>(rows.size()));
  rows *= result.scale;
  return result;
}

/// Principal components as columns, the first of the largest variance, and their variances.
struct components {
  matrix vectors;
  Eigen::VectorXd values;
};

components principal_components(const matrix& samples) {
  const matrix covariance = samples.transpose() * samples / static_cast<double>(samples.rows());
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solver(covariance);
  return {solver.eigenvectors().rowwise().reverse(), solver.eigenvalues().reverse()};
}

/// A network in float or double, and the patches in the same type.
template <class Scalar>
struct trained_network {
  trained_network(const arguments& given, int code, const la::tensor<double>& patches)
      : net(la::linear_autoencoder({1, given.side, given.side}, code, false)),
        samples(patches.batch(), 1, given.side, given.side) {
    std::transform(patches.begin(), patches.end(), samples.begin(),
                   [](double value) { return static_cast<Scalar>(value); });
    net.initialize(given.seed);
    train(given);
  }

  /// All patches make one step, again and again, with a falling learning rate.
  void train(const arguments& given) {
    la::trainer training(net, la::optimizer<la::adam, Scalar>(la::adam{.learning_rate = given.rate}));
    const la::schedules::cosine fall{.steps = given.steps};
    for (std::int64_t i = 0; i < given.steps; ++i) training.step(samples, loss(), fall(i));
  }

  auto loss() const {
    return [this](la::tensor_view<const Scalar> output) { return la::mean_squared_error{}(output, samples); };
  }
  /// The mean over the patches of the squared distance to what the network makes of them.
  double error() const {
    return loss()(net(samples)).value * static_cast<double>(samples.size() / samples.batch());
  }
  /// The decoder's weights: a column for each number of the code.
  matrix decoder_columns() const {
    const auto values = std::as_const(net).values("decoder.fully_connected0.weight");
    const auto size = samples.size() / samples.batch();
    matrix columns(size, std::ssize(values) / size);
    std::copy(values.begin(), values.end(), columns.data());
    return columns;
  }

  la::dynamic_model<Scalar> net;
  la::tensor<Scalar> samples;
};

/// The largest principal angle between what the columns of `a` span and what orthonormal columns `b` span.
double largest_angle(const matrix& a, const matrix& b) {
  const matrix q = a.householderQr().householderQ() * matrix::Identity(a.rows(), a.cols());
  const matrix outside = q - b * (b.transpose() * q);
  const Eigen::JacobiSVD<Eigen::MatrixXd> svd(outside);
  return std::asin(std::min(1.0, svd.singularValues()(0)));
}

/// Columns as pictures side by side, in a square; gray is 0.
la::byte_image draw_columns(const matrix& columns, int side) {
  const auto count = static_cast<int>(columns.cols());
  const int across = static_cast<int>(std::ceil(std::sqrt(count)));
  la::image<3> drawn(across * (side + 1) - 1, across * (side + 1) - 1);
  std::fill(drawn.values().begin(), drawn.values().end(), 1.0f);
  for (int i = 0; i < count; ++i) {
    const double largest = columns.col(i).cwiseAbs().maxCoeff();
    for (int p = 0; p < side * side; ++p)
      for (int c = 0; c < 3; ++c)
        drawn(i / across * (side + 1) + p / side, i % across * (side + 1) + p % side, c) =
            static_cast<float>(0.5 + 0.5 * columns(p, i) / largest);
  }
  const int factor = std::max(1, 256 / drawn.width());
  return la::to_bytes(
      la::resize(drawn, drawn.height() * factor, drawn.width() * factor, la::resampling::area));
}

/// A photograph whose patches have gone through the network; a margin that makes no patch is cut off.
template <class Scalar>
la::image<1> through_network(const la::network<Scalar>& net, const la::image<1>& photo,
                             const patch_set& trained, int side) {
  const int down = photo.height() / side;
  const int across = photo.width() / side;
  matrix rows(down * across, side * side);
  std::vector<double> means;
  for (int i = 0; i < down * across; ++i) {
    copy_patch(photo, i / across * side, i % across * side, side, rows.row(i).data());
    means.push_back(remove_mean(rows.row(i).data(), side * side));
  }
  rows = (rows.rowwise() - trained.mean) * trained.scale;
  la::tensor<Scalar> x(rows.rows(), 1, side, side);
  std::transform(rows.data(), rows.data() + rows.size(), x.begin(),
                 [](double value) { return static_cast<Scalar>(value); });
  const la::tensor<Scalar> y = net(x);
  la::image<1> result(down * side, across * side);
  for (int i = 0; i < down * across; ++i)
    for (int p = 0; p < side * side; ++p) {
      const double value =
          y(i, 0, p / side, p % side) / trained.scale + trained.mean(p) + means[static_cast<std::size_t>(i)];
      result(i / across * side + p / side, i % across * side + p % side) =
          static_cast<float>(std::clamp(value, 0.0, 1.0));
    }
  return result;
}

la::byte_image gray_to_bytes(const la::image<1>& gray) {
  la::image<3> color(gray.height(), gray.width());
  for (int y = 0; y < gray.height(); ++y)
    for (int x = 0; x < gray.width(); ++x)
      for (int c = 0; c < 3; ++c) color(y, x, c) = gray(y, x);
  return la::to_bytes(color);
}

template <class Scalar>
void run(const arguments& given) {
  la::require(given.side > 1 && given.patches >= given.side * given.side, "given ", given.patches,
              " patches of ", given.side, " x ", given.side, ", wanted at least as many as pixels");
  const std::vector<fs::path> files = photo_files(given.photos, given.pictures);
  patch_set patches = cut_patches(files, given);
  const int size = given.side * given.side;
  const components principal = principal_components(patches.rows());
  std::printf("%lld patches of %d x %d out of %zu photographs, variance %d\n",
              static_cast<long long>(given.patches), given.side, given.side, files.size(), size);
  std::printf("code       error   discarded  relative   largest\n");
  std::printf("size  of network  eigenvalues difference     angle\n");
  for (const int code : given.codes) {
    la::require(code >= 1 && code < size, "given a code of ", code, " numbers, wanted 1 to ", size - 1);
    const trained_network<Scalar> trained(given, code, patches.samples);
    const double error = trained.error();
    const double discarded = principal.values.tail(size - code).sum();
    const matrix columns = trained.decoder_columns();
    const matrix vectors = principal.vectors.leftCols(code);
    std::printf("%4d  %10.7f   %10.7f    %.1e   %.1e\n", code, error, discarded,
                std::abs(error / discarded - 1), largest_angle(columns, vectors));
    std::fflush(stdout);
    if (!given.out.empty() && code == given.codes.back()) {
      const la::image<1> photo = la::rgb_to_gray(la::read_image(files[0]));
      const std::vector<la::captioned_picture> pictures{
          {draw_columns(vectors, given.side), "principal components"},
          {draw_columns(columns, given.side), "columns of the decoder"},
          {gray_to_bytes(photo), files[0].filename().string()},
          {gray_to_bytes(through_network(trained.net, photo, patches, given.side)),
           la::sentence("each ", given.side, " x ", given.side, " patch from its mean and ", code,
                        " numbers")}};
      la::write_image(given.out, la::contact_sheet(pictures, {.columns = 2}));
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Shows that a linear autoencoder finds the principal subspace", "linear_autoencoder");
  arguments given;
  app.add_option("PHOTOS", given.photos, "folder of photographs")->required();
  app.add_option("--codes", given.codes, "sizes of the code")->capture_default_str();
  app.add_option("--side", given.side, "pixels along a side of a patch")->capture_default_str();
  app.add_option("--patches", given.patches)->capture_default_str();
  app.add_option("--pictures", given.pictures, "how many photographs at most")->capture_default_str();
  app.add_option("--steps", given.steps)->capture_default_str();
  app.add_option("--rate", given.rate, "learning rate")->capture_default_str();
  app.add_option("--seed", given.seed)->capture_default_str();
  app.add_flag("--double", given.in_double, "in double precision (slow)");
  app.add_option("--out", given.out, "picture to write");
  return program::run_program(app, argc, argv, [&] {
    la::set_threads(1);  // these products are too small to share
    given.in_double ? run<double>(given) : run<float>(given);
  });
}
