// The theorem of Baldi and Hornik (1989) on samples with a few directions that stand out; the truth is
// Eigen's eigen-decomposition of their covariance.

#include <cmath>
#include <utility>
#include <vector>

#include <Eigen/Eigenvalues>
#include <Eigen/QR>
#include <Eigen/SVD>
#include <catch2/catch.hpp>

#include <lookalike/core/parallel.hpp>
#include <lookalike/core/random.hpp>
#include <lookalike/models/autoencoder.hpp>
#include <lookalike/nn/dynamic_model.hpp>
#include <lookalike/nn/losses/regression.hpp>
#include <lookalike/nn/optimizers/adam.hpp>
#include <lookalike/nn/schedule.hpp>
#include <lookalike/nn/trainer.hpp>

namespace {

using namespace lookalike;
using matrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

constexpr int size = 12;

/// 40 samples of 3 x 2 x 2 whose deviations along random orthogonal directions are 2, 1.7, 1.4, 0.7, 0.6, ...
tensor<double> make_samples(double offset) {
  random_sequence random(3);
  matrix directions(size, size);
  for (double& value : directions.reshaped()) value = random.normal();
  directions = matrix(directions.householderQr().householderQ());
  tensor<double> samples(40, 3, 2, 2);
  Eigen::Map<matrix> rows(samples.data(), 40, size);
  for (double& value : rows.reshaped()) value = random.normal();
  for (int i = 0; i < size; ++i) rows.col(i) *= i < 3 ? 2 - 0.3 * i : 0.7 * std::pow(0.85, i - 3);
  rows = (rows * directions.transpose()).eval();
  rows.rowwise() -= rows.colwise().mean().eval();
  rows.array() += offset;
  return samples;
}

dynamic_model<double> train(const tensor<double>& samples, int code, bool bias) {
  const thread_scope one(1);  // too little work to share
  dynamic_model<double> net(linear_autoencoder({3, 2, 2}, code, bias));
  net.initialize(1);
  trainer training(net, optimizer<adam, double>(adam{.learning_rate = 0.03}));
  const schedules::cosine fall{.steps = 2500};
  const auto loss = [&](tensor_view<const double> y) { return mean_squared_error{}(y, samples); };
  for (int step = 0; step < 2500; ++step) training.step(samples, loss, fall(step));
  return net;
}

}  // namespace

TEST_CASE("a linear autoencoder spans the principal subspace, and loses the discarded eigenvalues") {
  for (const bool bias : {false, true}) {
    const tensor<double> samples = make_samples(bias ? 0.5 : 0);
    matrix centered = Eigen::Map<const matrix>(samples.data(), 40, size);
    centered.rowwise() -= centered.colwise().mean().eval();
    const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solver(
        Eigen::MatrixXd(centered.transpose() * centered / 40.0));
    for (const int code : {1, 3}) {
      CAPTURE(bias, code);
      const dynamic_model<double> net = train(samples, code, bias);
      const matrix principal = solver.eigenvectors().rightCols(code);
      const auto weights = net.values("decoder.fully_connected0.weight");
      const matrix columns = Eigen::Map<const matrix>(weights.data(), size, code);
      const matrix q = columns.householderQr().householderQ() * matrix::Identity(size, code);
      const Eigen::JacobiSVD<Eigen::MatrixXd> outside(q - principal * (principal.transpose() * q));
      CHECK(std::asin(outside.singularValues()(0)) < 1e-7);

      const double error = size * mean_squared_error{}(net(samples), samples).value;
      CHECK(error == Approx(solver.eigenvalues().head(size - code).sum()).epsilon(1e-9));

      // Any picture is projected to that subspace: encoder and decoder fit each other.
      tensor<double> x(1, 3, 2, 2);
      random_sequence random(9);
      for (double& value : x) value = random.normal();
      const Eigen::VectorXd mean = Eigen::Map<const matrix>(samples.data(), 40, size).colwise().mean();
      const Eigen::VectorXd deviation = Eigen::Map<const Eigen::VectorXd>(x.data(), size) - mean;
      const Eigen::VectorXd expected = mean + principal * (principal.transpose() * deviation);
      const tensor<double> y = net(x);
      for (int i = 0; i < size; ++i) CHECK(y.data()[i] == Approx(expected(i)).margin(1e-6));
    }
  }
}
