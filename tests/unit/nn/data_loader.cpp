#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <numeric>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <catch2/catch.hpp>

#include <lookalike/nn/data_loader.hpp>

namespace data_loader_test {

using namespace lookalike;

namespace {

training_batch empty_batch(int size) {
  training_batch batch;
  batch.inputs = tensor<float>(size, 2);
  batch.labels.resize(static_cast<std::size_t>(size));
  batch.indices.resize(static_cast<std::size_t>(size));
  return batch;
}

/// Puts down which sample it was and two random numbers.
void note(training_batch& batch, int slot, std::int64_t index, random_sequence& random) {
  batch.indices[static_cast<std::size_t>(slot)] = index;
  batch.labels[static_cast<std::size_t>(slot)] = static_cast<int>(random.integer(1000));
  batch.inputs(slot, 0) = static_cast<float>(random.normal());
}

/// The same, some samples taking longer than others.
void note_slowly(training_batch& batch, int slot, std::int64_t index, random_sequence& random) {
  note(batch, slot, index, random);
  if (index % 7 == 3) std::this_thread::sleep_for(std::chrono::microseconds(300));
}

using loader = data_loader<>;

std::vector<training_batch> take(loader& from, int count) {
  std::vector<training_batch> batches;
  for (int i = 0; i < count; ++i) batches.push_back(from.next());
  return batches;
}

void check_same(const std::vector<training_batch>& a, const std::vector<training_batch>& b) {
  REQUIRE(a.size() == b.size());
  for (std::size_t i = 0; i < a.size(); ++i) {
    REQUIRE(a[i].indices == b[i].indices);
    REQUIRE(a[i].labels == b[i].labels);
    REQUIRE(a[i].inputs == b[i].inputs);
  }
}

std::vector<std::int64_t> indices_of_epoch(loader& from) {
  std::vector<std::int64_t> indices;
  for (const training_batch& batch : from.epoch())
    indices.insert(indices.end(), batch.indices.begin(), batch.indices.end());
  return indices;
}

}  // namespace

TEST_CASE("batches do not depend on the number of workers, nor on how far they work ahead") {
  loader on_this_thread(53, empty_batch, note, {.batch_size = 8, .workers = 0, .seed = 5});
  const auto expected = take(on_this_thread, 30);
  for (const int workers : {1, 2, 5}) {
    for (const int prefetch : {1, 3, 40}) {
      loader several(53, empty_batch, note_slowly,
                     {.batch_size = 8, .workers = workers, .prefetch = prefetch, .seed = 5});
      check_same(take(several, 30), expected);
    }
  }
}

TEST_CASE("an epoch has every sample once, in an order of its own, and chance of its own") {
  loader shuffled(101, empty_batch, note, {.batch_size = 10, .workers = 2, .seed = 1});
  REQUIRE(shuffled.batches_per_epoch() == 11);
  std::vector<std::int64_t> all(101);
  std::iota(all.begin(), all.end(), 0);
  std::set<std::vector<std::int64_t>> orders{all};
  for (int epoch = 0; epoch < 5; ++epoch) {
    REQUIRE(shuffled.position() == loader_position{epoch, 0});
    std::vector<std::int64_t> indices = indices_of_epoch(shuffled);
    orders.insert(indices);
    std::sort(indices.begin(), indices.end());
    CHECK(indices == all);
  }
  CHECK(orders.size() == 6);

  // The same sample, in its own order: another draw in every epoch, and for every seed and index.
  std::set<float> draws;
  for (const std::uint64_t seed : {1u, 2u}) {
    loader in_order(9, empty_batch, note, {.batch_size = 9, .shuffle = false, .seed = seed});
    for (int epoch = 0; epoch < 3; ++epoch) {
      const training_batch batch = in_order.next();
      CHECK(std::is_sorted(batch.indices.begin(), batch.indices.end()));
      for (int slot = 0; slot < 9; ++slot) draws.insert(batch.inputs(slot, 0));
    }
  }
  CHECK(draws.size() == 2 * 3 * 9);
}

TEST_CASE("the last batch of an epoch is smaller, or left out") {
  loader with_rest(10, empty_batch, note, {.batch_size = 4, .shuffle = false});
  std::vector<std::size_t> sizes;
  for (const training_batch& batch : with_rest.epoch()) sizes.push_back(batch.indices.size());
  CHECK(sizes == std::vector<std::size_t>{4, 4, 2});

  loader without(10, empty_batch, note, {.batch_size = 4, .shuffle = false, .drop_last = true});
  CHECK(without.batches_per_epoch() == 2);
  CHECK(indices_of_epoch(without) == std::vector<std::int64_t>{0, 1, 2, 3, 4, 5, 6, 7});
  CHECK(without.next().indices == std::vector<std::int64_t>{0, 1, 2, 3});

  loader whole(8, empty_batch, note, {.batch_size = 4, .drop_last = true});
  CHECK(whole.batches_per_epoch() == 2);
}

TEST_CASE("a loader goes on where another one stood, and goes back") {
  const data_loader_options options{.batch_size = 6, .workers = 2, .seed = 77};
  loader first(40, empty_batch, note, options);
  const auto all = take(first, 20);
  for (const int start : {0, 1, 6, 7, 13}) {
    loader before(40, empty_batch, note, options);
    take(before, start);
    data_loader_options resumed = options;
    resumed.start = before.position();
    loader after(40, empty_batch, note_slowly, resumed);
    check_same(take(after, 20 - start), {all.begin() + start, all.end()});
    after.seek({0, 2});
    CHECK(after.position() == loader_position{0, 2});
    check_same(take(after, 18), {all.begin() + 2, all.end()});
  }
  loader far(40, empty_batch, note, options);
  for (const std::int64_t epoch : {std::int64_t{1} << 40, std::int64_t{3}, std::int64_t{0}}) {
    far.seek({epoch, 5});
    far.next();
    CHECK(far.position() == loader_position{epoch, 6});
  }
  check_same(take(far, 14), {all.begin() + 6, all.end()});
}

TEST_CASE("an epoch left early goes on with the next batch") {
  loader samples(12, empty_batch, note, {.batch_size = 3, .shuffle = false});
  for (const training_batch& batch : samples.epoch()) {
    if (batch.indices.front() == 3) break;
  }
  CHECK(samples.position() == loader_position{0, 2});
  CHECK(indices_of_epoch(samples) == std::vector<std::int64_t>{6, 7, 8, 9, 10, 11});
}

TEST_CASE("what a worker throws arrives when the batch's turn comes, and the others come as if nothing was") {
  for (const int workers : {0, 1, 3}) {
    const auto fill = [](training_batch& batch, int slot, std::int64_t index, random_sequence& random) {
      if (index == 13) throw std::runtime_error("sample 13 is damaged");
      note(batch, slot, index, random);
    };
    loader damaged(20, empty_batch, fill, {.batch_size = 4, .shuffle = false, .workers = workers});
    for (int epoch = 0; epoch < 3; ++epoch) {
      for (int i = 0; i < 3; ++i) CHECK(damaged.next().indices.front() == 4 * i);
      CHECK_THROWS_WITH(damaged.next(), "sample 13 is damaged");
      CHECK(damaged.next().indices.front() == 16);
    }
  }
}

TEST_CASE("no more is prepared ahead than asked for") {
  std::atomic<int> begun{0};
  loader ahead(100,
               [&](int size) {
                 ++begun;
                 return empty_batch(size);
               },
               note, {.batch_size = 1, .workers = 4, .prefetch = 3});
  for (int taken = 0; taken < 20; ++taken) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
    CHECK(begun <= taken + 3);
    ahead.next();
  }
}

TEST_CASE("a loader can be given up at any time, at the cost of the samples in work") {
  for (int round = 0; round < 300; ++round) {
    loader given_up(30, empty_batch, note, {.batch_size = 4, .workers = 1 + round % 3});
    for (int i = 0; i < round % 4; ++i) given_up.next();
  }
  std::atomic<int> filled{0};
  {
    loader slow(1000000, empty_batch,
                [&](training_batch&, int, std::int64_t, random_sequence&) {
                  ++filled;
                  std::this_thread::sleep_for(std::chrono::milliseconds(1));
                },
                {.batch_size = 1000000, .shuffle = false, .workers = 2});
    while (filled == 0) std::this_thread::yield();
  }
  CHECK(filled < 1000000);
}

TEST_CASE("batches may be of a type of one's own that can only be moved") {
  struct pair_of_pictures {
    std::unique_ptr<std::vector<std::int64_t>> indices;
  };
  data_loader<pair_of_pictures> pairs(
      5,
      [](int size) {
        return pair_of_pictures{std::make_unique<std::vector<std::int64_t>>(static_cast<std::size_t>(size))};
      },
      [](pair_of_pictures& batch, int slot, std::int64_t index, random_sequence&) {
        (*batch.indices)[static_cast<std::size_t>(slot)] = index;
      },
      {.batch_size = 5, .shuffle = false});
  CHECK(*pairs.next().indices == std::vector<std::int64_t>{0, 1, 2, 3, 4});
}

TEST_CASE("options and places out of range are value errors that name them") {
  const auto made = [](std::int64_t count, const data_loader_options& options) {
    loader samples(count, empty_batch, note, options);
  };
  CHECK_THROWS_AS(made(0, {}), value_error);
  CHECK_THROWS_WITH(made(5, {.batch_size = 0}), "data_loader_options.batch_size: given 0, wanted at least 1");
  CHECK_THROWS_AS(made(5, {.workers = -1}), value_error);
  CHECK_THROWS_AS(made(5, {.prefetch = 0}), value_error);
  CHECK_THROWS_AS(made(5, {.batch_size = 6, .drop_last = true}), value_error);
  CHECK_THROWS_AS(made(5, {.batch_size = 2, .start = {0, 3}}), value_error);
  CHECK_THROWS_AS(made(5, {.batch_size = 2, .start = {-1, 0}}), value_error);
  loader samples(5, empty_batch, note, {.batch_size = 2});
  CHECK_THROWS_AS(samples.seek({2, -1}), value_error);
  CHECK(samples.position() == loader_position{0, 0});
}

}  // namespace data_loader_test
