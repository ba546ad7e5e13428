#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include <catch2/catch.hpp>
#include <unistd.h>

#include <lookalike/core/files.hpp>
#include <lookalike/nn/checkpoint.hpp>
#include <lookalike/nn/combinators.hpp>
#include <lookalike/nn/data_loader.hpp>
#include <lookalike/nn/dynamic_model.hpp>
#include <lookalike/nn/early_stopping.hpp>
#include <lookalike/nn/layers/conv.hpp>
#include <lookalike/nn/losses/regression.hpp>
#include <lookalike/nn/optimizers/adam.hpp>
#include <lookalike/nn/optimizers/sgd.hpp>
#include <lookalike/nn/schedule.hpp>
#include <lookalike/nn/trainer.hpp>

#include "../full_disk.hpp"
#include "../scratch_folder.hpp"
#include "optimizers/trajectory.hpp"

namespace checkpoint_test {

namespace {

namespace fs = std::filesystem;
using namespace lookalike;
using test::message_of;
using test::scratch_folder;

/// A network in training, its data, and what watches over it.
struct run {
  explicit run(std::uint64_t seed)
      : net(input(2) | named("encoder", conv(4, {.kernel = 3, .padding = 1})) | conv(1, {.kernel = 1})),
        loader(
            10,
            [](int size) {
              training_batch batch;
              batch.inputs = tensor<float>(size, 2, 5, 5);
              batch.targets = tensor<float>(size, 1, 5, 5);
              return batch;
            },
            [](training_batch& batch, int slot, std::int64_t index, random_sequence& chance) {
              for (std::int64_t y = 0; y < 5; ++y)
                for (std::int64_t x = 0; x < 5; ++x) {
                  batch.inputs(slot, 0, y, x) =
                      static_cast<float>(index % 3) + static_cast<float>(chance.uniform());
                  batch.inputs(slot, 1, y, x) = static_cast<float>(chance.normal());
                  batch.targets(slot, 0, y, x) = static_cast<float>(index % 2);
                }
            },
            {.batch_size = 3, .workers = 0, .seed = 5}),
        training(net, optimizer(adam{.learning_rate = 0.01}), 7) {
    net.initialize(seed);
    saved.add("run", training)
        .add("data", loader)
        .add("average", average, net.parameters())
        .add("plateau", plateau)
        .add("stopping", stopping)
        .add("random", random)
        .add("best_epoch", best_epoch);
  }

  /// `steps` steps; what each of them lost.
  std::vector<double> go(int steps) {
    std::vector<double> losses;
    for (int i = 0; i < steps; ++i) {
      const training_batch batch = loader.next();
      losses.push_back(training.step(
          batch.inputs,
          [&](tensor_view<const float> output) { return mean_squared_error{}(output, batch.targets); },
          plateau.factor() * (1 + 0.1 * random.uniform())));
      average.update(net.parameters(), std::as_const(net).values());
      plateau.update(losses.back());
      if (stopping.update(losses.back(), training.steps())) best_epoch = loader.position().epoch;
    }
    return losses;
  }

  dynamic_model<float> net;
  data_loader<> loader;
  trainer<float, adam> training;
  averaged_weights<float> average{0.9};
  reduce_on_plateau plateau{{.factor = 0.5, .patience = 1}};
  early_stopping stopping;
  random_sequence random{3, 1};
  std::int64_t best_epoch = -1;
  checkpoint saved;
};

std::vector<float> numbers_of(const dynamic_model<float>& net) {
  return {net.values().begin(), net.values().end()};
}

/// All that a run consists of, as bytes.
std::vector<std::byte> state_of(const run& r, const fs::path& folder) {
  r.saved.save(folder / "state");
  return read_file(folder / "state");
}

}  // namespace

TEST_CASE("training goes on from a checkpoint bit for bit, wherever it was interrupted") {
  const scratch_folder scratch;
  run whole(1);
  const std::vector<double> losses = whole.go(11);
  for (const int steps : {0, 1, 3, 4, 10}) {
    run first(1);
    first.go(steps);
    first.saved.save(scratch.path / "checkpoint", {{"recipe", "a few steps"}});

    run second(99);  // other weights, and a while of training of its own
    second.go(steps % 3);
    CHECK(second.saved.load(scratch.path / "checkpoint") == safetensors_metadata{{"recipe", "a few steps"}});
    CHECK(second.training.steps() == steps);
    CHECK(second.loader.position() == first.loader.position());
    const std::vector<double> rest = second.go(11 - steps);
    CHECK(std::equal(rest.begin(), rest.end(), losses.begin() + steps));
    CHECK(numbers_of(second.net) == numbers_of(whole.net));
    CHECK(state_of(second, scratch.path) == state_of(whole, scratch.path));
  }
}

TEST_CASE("a checkpoint's tensors have the names of its parts, and a network alone can be loaded out of it") {
  const scratch_folder scratch;
  run training(1);
  training.go(2);
  training.saved.save(scratch.path / "checkpoint");
  const auto file = safetensors_file::open(scratch.path / "checkpoint");
  const std::string weight = training.net.parameters()[0].name;
  CHECK(file.read<float>("run/network/" + weight).size() == 4 * 2 * 3 * 3);
  CHECK(file.read<float>("run/optimizer/mean." + weight).size() == 4 * 2 * 3 * 3);
  CHECK(file.read<std::int64_t>("run/position") == std::vector<std::int64_t>{2, 2});
  CHECK(file.read<double>("stopping/best")[0] == training.stopping.best());

  // Only the network, and what else there is does not matter.
  run other(2);
  checkpoint alone;
  alone.add("run", other.training);
  CHECK_THROWS_AS(alone.load(scratch.path / "checkpoint"), file_error);
  alone.load(scratch.path / "checkpoint", {.strict = false});
  CHECK(numbers_of(other.net) == numbers_of(training.net));
}

TEST_CASE("everything that does not fit is reported at once, and nothing changes") {
  const scratch_folder scratch;
  const fs::path path = scratch.path / "checkpoint";
  auto table = test::table_of({{"a.weight", 6}, {"a.bias", 2}});
  table[0].dimensions = {2, 3, 1, 1};
  table[0].rank = 2;
  std::vector<float> values{1, 2, 3, 4, 5, 6, 7, 8};
  std::vector<float> gradients(8, 1.0f);
  optimizer<sgd> momentum(sgd{.momentum = 0.9});
  momentum.step(table, values, gradients);
  early_stopping stopping;
  std::int64_t epoch = 4;
  checkpoint saved;
  saved.add("model", std::span<const parameter>(table), std::span<float>(values))
      .add("optimizer", momentum, table)
      .add("stopping", stopping)
      .add("epoch", epoch);
  saved.save(path);

  auto other_table = test::table_of({{"a.weight", 6}, {"b.bias", 2}});
  other_table[0].dimensions = {3, 2, 1, 1};
  other_table[0].rank = 2;
  std::vector<float> other_values(8, -1.0f);
  optimizer<adam> other(adam{});
  reduce_on_plateau stopping_too;
  double epoch_too = 0.5;
  checkpoint loaded;
  loaded.add("model", std::span<const parameter>(other_table), std::span<float>(other_values))
      .add("optimizer", other, other_table)
      .add("stopping", stopping_too)
      .add("epoch", epoch_too);
  const std::string message = message_of<file_error>([&] { loaded.load(path); });
  for (const std::string line : {
           "wrong shape: 'model/a.weight' is 2x3, wanted 3x2",
           "missing: 'model/b.bias'",
           "unexpected: 'model/a.bias'",
           "missing: 'optimizer/mean.a.weight'",
           "unexpected: 'optimizer/momentum.a.bias'",
           "missing: 'stopping/factor'",
           "unexpected: 'stopping/waited'",
           "wrong type: 'epoch' is I64, wanted F64",
       }) {
    CHECK_THAT(message, Catch::Contains("\n  " + line));
  }
  CHECK_THAT(message, Catch::Contains(path.string()));
  CHECK(other_values == std::vector<float>(8, -1.0f));
  CHECK(epoch_too == 0.5);
  CHECK(std::all_of(other.steps(other_table).begin(), other.steps(other_table).end(),
                    [](std::int64_t count) { return count == 0; }));

  // Numbers of another precision are not the state that was saved.
  std::vector<double> in_double(8);
  checkpoint wide;
  wide.add("model", std::span<const parameter>(table), std::span<double>(in_double));
  CHECK_THAT(message_of<file_error>([&] { wide.load(path, {.strict = false}); }),
             Catch::Contains("wrong type: 'model/a.bias' is F32, wanted F64"));
}

TEST_CASE("numbers that cannot be are refused before anything changes") {
  const scratch_folder scratch;
  const fs::path path = scratch.path / "checkpoint";
  run training(1);
  training.go(2);
  training.saved.save(path);
  const auto before = state_of(training, scratch.path);

  const auto with = [&](const std::string& name, const auto& numbers) {
    const auto file = safetensors_file::open(path);
    std::vector<safetensor> tensors = file.tensors();
    for (safetensor& tensor : tensors) {
      if (tensor.name == name) tensor.bytes = std::as_bytes(std::span(numbers));
    }
    write_safetensors(scratch.path / "changed", tensors, file.metadata());
    return message_of<file_error>([&] { training.saved.load(scratch.path / "changed"); });
  };
  using counts = std::vector<std::int64_t>;
  CHECK_THAT(with("data", counts{0, 4}), Catch::Contains("impossible: 'data': given batch 4 of epoch 0"));
  CHECK_THAT(with("data", counts{-1, 0}), Catch::Contains("impossible: 'data'"));
  CHECK_THAT(with("run/position", counts{-1, 0}), Catch::Contains("impossible: 'run/position'"));
  CHECK_THAT(with("run/optimizer/steps", counts{0, 0, -5, 0}),
             Catch::Contains("impossible: 'run/optimizer/steps'"));
  CHECK_THAT(with("average/updates", counts{0}), Catch::Contains("impossible: 'average/values'"));
  CHECK_THAT(with("stopping/waited", std::vector<double>{0.5}), Catch::Contains("impossible: 'stopping'"));
  CHECK_THAT(with("plateau/factor", std::vector<double>{2}), Catch::Contains("impossible: 'plateau'"));
  CHECK(state_of(training, scratch.path) == before);
}

TEST_CASE("files that are no checkpoints, or of another version, are refused") {
  const scratch_folder scratch;
  const fs::path path = scratch.path / "file";
  std::int64_t epoch = 1;
  checkpoint saved;
  saved.add("epoch", epoch);
  CHECK_THROWS_AS(saved.load(path), file_error);
  write_safetensors(path, {});
  CHECK_THAT(message_of<file_error>([&] { saved.load(path); }), Catch::EndsWith("is no checkpoint"));
  write_safetensors(path, {}, {{"lookalike.checkpoint", "2"}});
  CHECK_THAT(message_of<file_error>([&] { saved.load(path); }),
             Catch::Contains("of version '2', wanted '1'"));
  CHECK_THROWS_AS(saved.save(path, {{"lookalike.checkpoint", "mine"}}), value_error);
}

TEST_CASE(
    "a truncated or damaged checkpoint is an error or another checkpoint, and an error changes nothing") {
  const scratch_folder scratch;
  run training(1);
  training.go(3);
  const std::vector<std::byte> file = state_of(training, scratch.path);
  run target(2);
  const std::vector<std::byte> before = state_of(target, scratch.path);
  const auto load = [&](std::span<const std::byte> bytes) {
    try {
      target.saved.load(safetensors_file::from_bytes(bytes));
      return true;
    } catch (const file_error&) {
      return false;
    }
  };
  for (std::size_t size = 0; size < file.size(); size += size < 600 ? 1 : 97) {
    REQUIRE_FALSE(load(std::span(file).first(size)));
  }
  CHECK(state_of(target, scratch.path) == before);

  std::mt19937 chance(1);
  std::uint64_t header = 0;
  std::memcpy(&header, file.data(), sizeof header);
  int refused = 0;
  for (int i = 0; i < 2000; ++i) {
    auto damaged = file;
    for (auto changes = 1 + chance() % 3u; changes > 0; --changes) {
      damaged[chance() % (8 + header)] = static_cast<std::byte>(chance() % 256u);
    }
    if (load(damaged)) {
      REQUIRE(load(before));  // what was damaged did not matter (another order of keys, say)
    } else {
      ++refused;
      if (i % 50 == 0) REQUIRE(state_of(target, scratch.path) == before);
    }
  }
  CHECK(refused > 1900);
  CHECK(load(file));
  CHECK(state_of(target, scratch.path) == file);
}

TEST_CASE("a checkpoint that cannot be written leaves the one before it") {
  const scratch_folder scratch;
  const fs::path path = scratch.path / "checkpoint";
  run training(1);
  training.saved.save(path);
  const auto before = read_file(path);
  training.go(1);
  {
    const full_disk disk(1000);
    CHECK_THROWS_AS(training.saved.save(path), file_error);
  }
  CHECK(read_file(path) == before);
  CHECK(std::distance(fs::directory_iterator(scratch.path), fs::directory_iterator()) == 1);
}

TEST_CASE("parts have names of their own") {
  std::int64_t epoch = 0;
  checkpoint saved;
  saved.add("epoch", epoch);
  CHECK_THROWS_WITH(saved.add("epoch", epoch), "checkpoint: given two parts called 'epoch'");
  CHECK_THROWS_AS(saved.add("", epoch), value_error);
  CHECK_THROWS_AS(saved.add("a/b", epoch), value_error);
}

}  // namespace checkpoint_test
