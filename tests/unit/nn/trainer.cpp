#include <algorithm>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>
#include <unistd.h>

#include <lookalike/core/parallel.hpp>
#include <lookalike/nn/checkpoint.hpp>
#include <lookalike/nn/combinators.hpp>
#include <lookalike/nn/dynamic_model.hpp>
#include <lookalike/nn/early_stopping.hpp>
#include <lookalike/nn/layers/activations.hpp>
#include <lookalike/nn/layers/batch_norm.hpp>
#include <lookalike/nn/layers/conv.hpp>
#include <lookalike/nn/layers/dropout.hpp>
#include <lookalike/nn/layers/fully_connected.hpp>
#include <lookalike/nn/losses/cross_entropy.hpp>
#include <lookalike/nn/losses/regression.hpp>
#include <lookalike/nn/optimizers/adam.hpp>
#include <lookalike/nn/optimizers/sgd.hpp>
#include <lookalike/nn/trainer.hpp>

#include "../scratch_folder.hpp"

namespace trainer_test {

namespace {

namespace fs = std::filesystem;
using namespace lookalike;
using test::scratch_folder;

template <class Scalar>
tensor<Scalar> random_tensor(std::int64_t n, std::int64_t c, std::int64_t h, std::int64_t w,
                             std::uint64_t seed) {
  tensor<Scalar> x(n, c, h, w);
  random_sequence chance(seed);
  for (Scalar& value : x) value = static_cast<Scalar>(chance.normal());
  return x;
}

template <class Scalar>
std::vector<Scalar> numbers_of(const network<Scalar>& net) {
  return {net.values().begin(), net.values().end()};
}

/// Four classes: a fixed pattern each, with noise.
data_loader<> noisy_classes(int workers) {
  return data_loader<>(
      22,
      [](int size) {
        training_batch batch;
        batch.inputs = tensor<float>(size, 3, 9, 9);
        batch.labels.resize(static_cast<std::size_t>(size));
        return batch;
      },
      [](training_batch& batch, int slot, std::int64_t index, random_sequence& chance) {
        const tensor<float> x = random_tensor<float>(1, 3, 9, 9, static_cast<std::uint64_t>(index % 4));
        for (std::int64_t i = 0; i < x.size(); ++i)
          batch.inputs.data()[slot * x.size() + i] = x.data()[i] + 0.3f * static_cast<float>(chance.normal());
        batch.labels[static_cast<std::size_t>(slot)] = static_cast<int>(index % 4);
      },
      {.batch_size = 5, .workers = workers, .seed = 3});
}

constexpr auto label_loss = [](tensor_view<const float> scores, const training_batch& batch) {
  return cross_entropy{}(scores, batch.labels);
};

/// Everything whose order of summation or chance might depend on threads.
architecture classifier() {
  return input(3, {.height = 9, .width = 9}) | conv(13, {.bias = false}) | batch_norm() | relu() |
         conv(20, {.kernel = 3, .stride = 2}) | batch_norm() | relu() | dropout(0.4) | fully_connected(4);
}

/// A run of training with all that goes with it.
template <class Rule>
struct run {
  run(Rule rule, int workers)
      : net(classifier()), loader(noisy_classes(workers)), training(net, optimizer(rule), 11) {
    net.initialize(5);
    saved.add("run", training).add("data", loader).add("stopping", stopping);
  }

  std::vector<epoch_report> go(const progress& watcher = {}) {
    return training.fit(
        loader, label_loss,
        {.epochs = 3,
         .schedule = [](std::int64_t step) { return 1 / (1 + 0.1 * static_cast<double>(step)); },
         .after_epoch =
             [this](const epoch_report& now) {
               stopping.update(std::as_const(net).values()[0], now.epoch);
               return true;
             },
         .watcher = watcher});
  }

  dynamic_model<float> net;
  data_loader<> loader;
  trainer<float, Rule> training;
  early_stopping stopping{{.patience = 100}};
  checkpoint saved;
};

template <class Rule>
void check_threads(const Rule& rule) {
  std::vector<float> values[2];
  std::vector<double> losses[2];
  for (int i = 0; i < 2; ++i) {
    const thread_scope threads(i == 0 ? 1 : 3);
    run<Rule> r(rule, i == 0 ? 0 : 2);
    for (const epoch_report& now : r.go()) losses[i].push_back(now.training_loss);
    values[i] = numbers_of(r.net);
  }
  CHECK(losses[0].size() == 3);
  CHECK(losses[0] == losses[1]);
  CHECK(values[0] == values[1]);
  CHECK(losses[0][2] < losses[0][0]);  // and it did learn
}

template <class Rule>
void check_resumption(const Rule& rule) {
  const scratch_folder scratch;
  run<Rule> whole(rule, 0);
  whole.go();
  // 5 steps an epoch: stops in the middle of one, before its last step, after its last step, at the very end.
  for (const int stop : {1, 4, 5, 7, 10, 15}) {
    run<Rule> first(rule, 2);
    int heard = 0;
    CHECK_THROWS_AS(first.go([&](std::string_view, std::int64_t, std::int64_t) { return ++heard < stop; }),
                    interrupted);
    CHECK(first.training.steps() == stop);
    first.saved.save(scratch.path / "checkpoint");

    run<Rule> second(rule, 0);
    second.net.initialize(77);
    second.saved.load(scratch.path / "checkpoint");
    second.go();
    CHECK(numbers_of(second.net) == numbers_of(whole.net));
    CHECK(second.training.steps() == 15);
    CHECK(second.training.passes() == whole.training.passes());
    CHECK(second.stopping.best() == whole.stopping.best());
    CHECK(second.stopping.best_step() == whole.stopping.best_step());
  }
}

}  // namespace

TEST_CASE("training yields the same bits on one thread and on three") {
  check_threads(sgd{.learning_rate = 0.05, .momentum = 0.9, .weight_decay = 1e-3});
  check_threads(adam{.learning_rate = 0.01});
}

TEST_CASE("training that was interrupted goes on from a checkpoint bit for bit") {
  check_resumption(sgd{.learning_rate = 0.05, .momentum = 0.9, .weight_decay = 1e-3});
  check_resumption(adam{.learning_rate = 0.01});
}

TEST_CASE("dropout drops differently in each step, and otherwise for another seed") {
  dynamic_model<float> net(input(1, {.height = 8, .width = 8}) | dropout(0.5) | fully_connected(1));
  const tensor<float> x = random_tensor<float>(1, 1, 8, 8, 1);
  std::vector<double> losses;
  const auto nothing_learned = [](tensor_view<const float> y) {
    return loss_value<float>{static_cast<double>(y(0, 0, 0, 0)), tensor<float>(1, 1)};
  };
  for (const std::uint64_t seed : {1u, 1u, 2u}) {
    trainer training(net, optimizer(sgd{.learning_rate = 0}), seed);
    losses.push_back(training.step(x, nothing_learned));
    losses.push_back(training.step(x, nothing_learned));
  }
  CHECK(losses[0] == losses[2]);
  CHECK(losses[1] == losses[3]);
  CHECK(losses[0] != losses[1]);
  CHECK(losses[0] != losses[4]);
}

TEST_CASE("several batches, weighed by their samples, make the step of one larger batch") {
  const architecture a = input(2) | conv(3) | relu() | conv(1);
  const tensor<double> x = random_tensor<double>(8, 2, 5, 6, 1);
  const tensor<double> y = random_tensor<double>(8, 1, 5, 6, 2);
  const auto part = [](const tensor<double>& all, std::int64_t first, std::int64_t count) {
    tensor_view<const double> view = all.view();
    view.data += first * view.strides[0];
    view.extents[0] = count;
    return view;
  };
  const auto loss_from = [&](std::int64_t first) {
    return [&y, &part, first](tensor_view<const double> output) {
      return mean_squared_error{}(output, part(y, first, output.batch()));
    };
  };
  std::vector<double> values[2];
  for (int i = 0; i < 2; ++i) {
    dynamic_model<double> net(a);
    trainer training(net, optimizer<sgd, double>(sgd{.learning_rate = 0.1, .momentum = 0.9}));
    for (int step = 0; step < 3; ++step) {
      if (i == 0) {
        training.step(x, loss_from(0));
      } else {
        const double whole = mean_squared_error{}(net(x), y).value;
        const double a_part = training.accumulate(part(x, 0, 2), loss_from(0), 2);
        const double b_part = training.accumulate(part(x, 2, 5), loss_from(2), 5);
        const double c_part = training.accumulate(part(x, 7, 1), loss_from(7), 1);
        CHECK((2 * a_part + 5 * b_part + c_part) / 8 == Approx(whole).epsilon(1e-13));
        training.apply();
      }
    }
    CHECK(training.steps() == 3);
    values[i] = numbers_of(net);
  }
  for (std::size_t i = 0; i < values[0].size(); ++i)
    CHECK(values[0][i] == Approx(values[1][i]).epsilon(1e-12).margin(1e-14));
}

TEST_CASE("fit makes one step of so many batches, and a smaller one at the end of an epoch") {
  const auto train = [](int batch_size, int batches_a_step) {
    dynamic_model<double> net(input(1) | conv(1, {.kernel = 1}));
    // 7 samples in their order: 2 batches of 2 a step leave one batch of 2 and one of 1 for the second step.
    data_loader<tensor<double>> loader(
        7, [](int size) { return tensor<double>(size, 1); },
        [](tensor<double>& batch, int slot, std::int64_t index, random_sequence&) {
          batch(slot, 0) = static_cast<double>(index);
        },
        {.batch_size = batch_size, .shuffle = false, .workers = 0});
    trainer training(net, optimizer<sgd, double>(sgd{.learning_rate = 0.01}));
    std::vector<std::int64_t> heard;
    const auto reports = training.fit(
        loader,
        [](tensor_view<const double> y, const tensor<double>& batch) {
          tensor<double> wanted = batch;
          for (double& v : wanted) v = 3 * v + 1;
          return mean_squared_error{}(y, wanted);
        },
        [](const tensor<double>& batch) { return batch.view(); },
        {.epochs = 2,
         .batches_a_step = batches_a_step,
         .watcher = [&](std::string_view, std::int64_t done, std::int64_t total) {
           heard.push_back(100 * total + done);
           return true;
         }});
    CHECK(training.steps() == 4);
    CHECK(heard == (batches_a_step == 1 ? std::vector<std::int64_t>{201, 202, 201, 202}
                                        : std::vector<std::int64_t>{402, 404, 402, 404}));
    return std::pair(numbers_of(net), reports[1].training_loss);
  };
  const auto large = train(4, 1);
  const auto small = train(2, 2);
  CHECK(large.first[0] == Approx(small.first[0]).epsilon(1e-12));
  CHECK(large.first[1] == Approx(small.first[1]).epsilon(1e-12));
  CHECK(large.second == Approx(small.second).epsilon(1e-12));
}

TEST_CASE("early stopping ends the training") {
  run<sgd> r(sgd{.learning_rate = 0}, 1);  // nothing ever improves
  early_stopping watch({.patience = 2});
  int validations = 0;
  const auto reports = r.training.fit(r.loader, label_loss,
                                      {.epochs = 50,
                                       .validate =
                                           [&] {
                                             ++validations;
                                             return 0.25;
                                           },
                                       .after_epoch =
                                           [&](const epoch_report& now) {
                                             watch.update(*now.score, now.epoch);
                                             return !watch.should_stop();
                                           }});
  REQUIRE(reports.size() == 3);
  CHECK(validations == 3);
  CHECK(watch.best_step() == 0);
  for (int epoch = 0; epoch < 3; ++epoch) {
    const epoch_report& now = reports[static_cast<std::size_t>(epoch)];
    CHECK(now.epoch == epoch);
    CHECK(now.step == 5 * (epoch + 1));
    CHECK(*now.score == 0.25);
    CHECK(now.learning_rate_factor == 1);
    CHECK(now.seconds >= 0);
  }
  CHECK(r.loader.position() == loader_position{3, 0});
}

TEST_CASE("progress hears of every step, and of the last one after validation") {
  run<sgd> r(sgd{.learning_rate = 0.01}, 0);
  std::string heard;
  const std::vector<double> factors{1, 0.5, 0.25, 0.125, 0, 0};
  std::vector<std::int64_t> asked;
  const auto reports = r.training.fit(r.loader, label_loss,
                                      {.epochs = 1,
                                       .schedule =
                                           [&](std::int64_t step) {
                                             asked.push_back(step);
                                             return factors[static_cast<std::size_t>(step)];
                                           },
                                       .validate =
                                           [&] {
                                             heard += "validate ";
                                             return 0.0;
                                           },
                                       .watcher =
                                           [&](std::string_view task, std::int64_t done, std::int64_t total) {
                                             heard += sentence(task, ' ', done, '/', total, ' ');
                                             return true;
                                           }});
  CHECK(heard == "epoch 1 1/5 epoch 1 2/5 epoch 1 3/5 epoch 1 4/5 validate epoch 1 5/5 ");
  CHECK(asked == std::vector<std::int64_t>{0, 1, 2, 3, 4});
  CHECK(reports[0].learning_rate_factor == 0);
  CHECK(r.training.fit(r.loader, label_loss, {.epochs = 1}).empty());  // it is done
}

TEST_CASE("a loss that is no number is an error, after which everything is as before") {
  run<adam> r(adam{.learning_rate = 0.01}, 0);
  run<adam> other(adam{.learning_rate = 0.01}, 0);
  const training_batch batch = r.loader.next();
  const auto loss = [&](tensor_view<const float> y) { return cross_entropy{}(y, batch.labels); };
  r.training.step(batch.inputs, loss);
  other.training.step(batch.inputs, loss);
  const std::vector<float> before = numbers_of(r.net);

  tensor<float> strange = batch.inputs;
  strange(1, 2, 3, 4) = std::numeric_limits<float>::quiet_NaN();
  const auto sum = [](tensor_view<const float> y) {
    loss_value<float> result{0, tensor<float>(y)};
    for (const float value : result.gradient) result.value += static_cast<double>(value);
    return result;
  };
  CHECK_THROWS_WITH(r.training.step(strange, sum),
                    "trainer: the loss is nan in step 1, wanted a finite number; a smaller learning rate "
                    "may help");
  CHECK_THROWS_AS(r.training.step(batch.inputs,
                                  [](tensor_view<const float>) -> loss_value<float> {
                                    throw value_error("a user's loss");
                                  }),
                  value_error);
  CHECK(numbers_of(r.net) == before);  // running averages, too
  CHECK(r.training.steps() == 1);
  CHECK(r.training.step(batch.inputs, loss) == other.training.step(batch.inputs, loss));
  CHECK(numbers_of(r.net) == numbers_of(other.net));
}

TEST_CASE("gradients that cannot be clipped are an error, after which everything is as before") {
  dynamic_model<float> net(input(1) | batch_norm() | conv(1, {.kernel = 1}));
  trainer training(net, optimizer(sgd{.learning_rate = 0.1}, {.clip_norm = 1}));
  const tensor<float> x = random_tensor<float>(4, 1, 1, 1, 1);
  const auto slope = [](float g) {
    return [g](tensor_view<const float> y) {
      loss_value<float> result{0, tensor<float>(y)};
      std::fill(result.gradient.begin(), result.gradient.end(), g);
      return result;
    };
  };
  const std::vector<float> before = numbers_of(net);
  CHECK_THROWS_AS(training.step(x, slope(std::numeric_limits<float>::infinity())), value_error);
  CHECK(numbers_of(net) == before);
  CHECK(training.steps() == 0);
  CHECK(training.passes() == 0);
  training.step(x, slope(1));
  for (const float value : numbers_of(net)) CHECK(std::isfinite(value));
  CHECK(numbers_of(net) != before);
}

TEST_CASE("a joint loss of several outputs, of several inputs, descends along its derivative") {
  // "a" feeds both outputs; the third output is not used, and what only it needs does not learn.
  const architecture a = branch(input("left", 2), input("right", 1)) | named("a", conv(3)) |
                         branch(named("b", conv(1)), named("c", conv(2)), named("d", conv(1)));
  const tensor<double> left = random_tensor<double>(2, 2, 4, 4, 1);
  const tensor<double> right = random_tensor<double>(2, 1, 4, 4, 2);
  const auto product = [](std::span<const tensor_view<const double>> y) {
    // mean(b) * sum(c)^2: depends on both.
    double mean = 0, sum = 0;
    const tensor<double> b(y[0]), c(y[1]);
    for (const double value : b) mean += value / static_cast<double>(b.size());
    for (const double value : c) sum += value;
    joint_loss_value<double> result{mean * sum * sum, {b, c, {}}};
    std::fill(result.gradients[0].begin(), result.gradients[0].end(),
              sum * sum / static_cast<double>(b.size()));
    std::fill(result.gradients[1].begin(), result.gradients[1].end(), 2 * mean * sum);
    return result;
  };
  dynamic_model<double> net(a);
  const std::vector<double> before = numbers_of(net);
  const auto loss_at = [&](std::size_t i, double value) {
    const double old = std::exchange(net.values()[i], value);
    const auto pass = net.forward({{"left", left}, {"right", right}});
    const std::vector<tensor_view<const double>> outputs{pass.output(0), pass.output(1), pass.output(2)};
    net.values()[i] = old;
    return product(outputs).value;
  };
  std::vector<double> expected;
  for (std::size_t i = 0; i < before.size(); ++i) {
    constexpr double h = 1e-5;
    expected.push_back((loss_at(i, before[i] + h) - loss_at(i, before[i] - h)) / (2 * h));
  }
  trainer training(net, optimizer<sgd, double>(sgd{.learning_rate = 1}));
  const double value = loss_at(0, before[0]);
  CHECK(training.step({{"right", right}, {"left", left}}, product) == Approx(value).epsilon(1e-12));
  for (const parameter& row : net.parameters()) {
    for (auto i = static_cast<std::size_t>(row.offset); i < static_cast<std::size_t>(row.offset + row.size);
         ++i) {
      CAPTURE(row.name, i);
      CHECK(before[i] - net.values()[i] == Approx(expected[i]).epsilon(1e-6).margin(1e-8));
      if (row.name.starts_with("d.")) CHECK(net.values()[i] == before[i]);
    }
  }
  CHECK_THROWS_AS(training.step({{"left", left}}, product), value_error);
}

TEST_CASE("a generator learns through a discriminator as if they were one network") {
  const auto generator_part = [] { return named("g", conv(4) | batch_norm() | leaky_relu() | conv(2)); };
  const auto discriminator_part = [] {
    return named("d", conv(3, {.stride = 2}) | leaky_relu() | fully_connected(1));
  };
  dynamic_model<double> generator(input(3, {.height = 6, .width = 6}) | generator_part());
  dynamic_model<double> discriminator(input(2, {.height = 6, .width = 6}) | discriminator_part());
  dynamic_model<double> both(input(3, {.height = 6, .width = 6}) | generator_part() | discriminator_part());
  generator.initialize(4);
  discriminator.initialize(4);
  both.initialize(4);  // the same numbers, since they follow from the names
  trainer g(generator, optimizer<adam, double>(adam{.learning_rate = 0.01}), 8);
  trainer joint(both, optimizer<adam, double>(adam{.learning_rate = 0.01}, {.frozen = {"d.*"}}), 8);
  trainer d(discriminator, optimizer<adam, double>(adam{.learning_rate = 0.01}), 9);
  const tensor<double> noise = random_tensor<double>(5, 3, 6, 6, 1);
  const auto towards = [](double wanted) {
    return [wanted](tensor_view<const double> y) {
      tensor<double> target(y.batch(), 1);
      std::fill(target.begin(), target.end(), wanted);
      return mean_squared_error{}(y, target);
    };
  };

  for (int step = 0; step < 3; ++step) {
    // The generator's step: the discriminator judges, and only passes the gradient on.
    auto made = generator.forward(noise, {.training = true, .seed = g.draw_seed()});
    auto judged = discriminator.forward(made.output(), {.training = true});
    const auto loss = towards(1)(judged.output());
    made.backward({judged.backward({loss.gradient}, {})[0]}, g.gradients());
    g.apply();
    const double joint_loss = joint.step(noise, towards(1));
    CHECK(loss.value == Approx(joint_loss).epsilon(1e-12));
  }
  for (const parameter& row : generator.parameters()) {
    const auto ours = std::as_const(generator).values(row.name);
    const auto theirs = std::as_const(both).values(row.name);
    for (std::size_t i = 0; i < ours.size(); ++i) {
      CAPTURE(row.name, i);
      CHECK(ours[i] == Approx(theirs[i]).epsilon(1e-9).margin(1e-11));
    }
  }
  CHECK(g.steps() == 3);
  CHECK(g.passes() == 3);

  // The discriminator's step on real and on made pictures, accumulated; it gets better at telling them apart.
  const tensor<double> real = random_tensor<double>(5, 2, 6, 6, 2);
  const tensor<double> made = generator(noise);
  const double first = d.accumulate(real, towards(1)) + d.accumulate(made, towards(0));
  d.apply();
  double last = first;
  for (int step = 0; step < 30; ++step) {
    last = d.accumulate(real, towards(1)) + d.accumulate(made, towards(0));
    d.apply();
  }
  CHECK(last < 0.5 * first);
}

TEST_CASE("what makes no sense is refused") {
  run<sgd> r(sgd{.learning_rate = 0.01}, 0);
  const training_batch batch = r.loader.next();
  const auto loss = [&](tensor_view<const float> y) { return cross_entropy{}(y, batch.labels); };
  CHECK_THROWS_AS(r.training.accumulate(batch.inputs, loss, 0), value_error);
  CHECK_THROWS_AS(r.training.accumulate(batch.inputs, loss, std::numeric_limits<double>::infinity()),
                  value_error);
  CHECK_THROWS_WITH(r.training.fit(r.loader, label_loss, {.batches_a_step = 0}),
                    "fit_options.batches_a_step: given 0, wanted at least 1");
}

}  // namespace trainer_test
