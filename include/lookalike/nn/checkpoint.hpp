#pragma once

/// \file
/// A run of training on disk. A `checkpoint` is told once what belongs to the run, and then saves all of it
/// to one file, and loads it again so that training goes on bit for bit:
///
///     checkpoint saved;
///     saved.add("run", training).add("data", loader).add("stopping", watch);
///     if (std::filesystem::exists(path)) saved.load(path);
///     ...
///     saved.save(path, {{"recipe", "cifar, 15 epochs"}});      // after an epoch, say
///
/// The file is a safetensors file (nn/safetensors.hpp), so that other programs can look into it; its first
/// convolution's weights above are the tensor "run/network/encoder.conv0.weight". Options (learning rates,
/// patience) are the program's business and not in the file.

#include <array>
#include <concepts>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <lookalike/core/error.hpp>
#include <lookalike/core/random.hpp>
#include <lookalike/nn/averaged_weights.hpp>
#include <lookalike/nn/detail/checkpoint_parts.hpp>
#include <lookalike/nn/optimizer.hpp>
#include <lookalike/nn/parameter.hpp>
#include <lookalike/nn/safetensor.hpp>
#include <lookalike/nn/safetensors.hpp>
#include <lookalike/nn/saved_numbers.hpp>

namespace lookalike {

struct load_checkpoint_options {
  /// Whether tensors that nobody asked for are errors. Without, a program that only tests a network may load
  /// it out of the checkpoint of its training.
  bool strict = true;
};

/// What has parameters: every network.
template <class Network>
concept has_parameters = requires(Network& net) {
  { net.parameters() } -> std::convertible_to<std::span<const parameter>>;
  net.values();
};

/// What hands its state over as a few numbers: `early_stopping`, `reduce_on_plateau`.
template <class Object>
concept has_saved_numbers = std::copyable<Object> && requires(Object& object, const saved_numbers& numbers) {
  { object.state() } -> std::convertible_to<saved_numbers>;
  object.restore(numbers);
};

/// What stands somewhere in the epochs of its data: `data_loader`.
template <class Loader>
concept has_loader_position = requires(Loader& loader) {
  { loader.position().epoch } -> std::convertible_to<std::int64_t>;
  { loader.position().batch } -> std::convertible_to<std::int64_t>;
  { loader.batches_per_epoch() } -> std::convertible_to<std::int64_t>;
  loader.seek(loader.position());
};

/// What trains a network with an optimizer and counts its steps: `trainer`.
template <class Trainer>
concept has_training_state = requires(Trainer& training, std::int64_t count) {
  { training.net() } -> has_parameters;
  training.how().state(training.net().parameters());
  { training.steps() } -> std::convertible_to<std::int64_t>;
  { training.passes() } -> std::convertible_to<std::int64_t>;
  training.go_on_from(count, count);
};

/// The parts of a run of training, which must stay where they are. Each has a name of its own; `add` throws
/// `value_error` for a name that is empty, taken, or contains a slash.
class checkpoint {
 public:
  /// The parameters of a network, those that are not learned included.
  template <has_parameters Network>
  checkpoint& add(std::string name, Network& net) {
    take(name);
    detail::add_parameters(parts_, name, std::span<const parameter>(net.parameters()),
                           std::span(net.values()));
    return *this;
  }
  /// A block of parameters and its table.
  template <class Scalar>
  checkpoint& add(std::string name, std::span<const parameter> table, std::span<Scalar> values) {
    take(name);
    detail::add_parameters(parts_, name, table, values);
    return *this;
  }

  /// What an optimizer remembers of the parameters in `table`.
  template <class Rule, class Scalar>
  checkpoint& add(std::string name, optimizer<Rule, Scalar>& training, std::span<const parameter> table) {
    take(name);
    detail::add_optimizer(parts_, name, training, table);
    return *this;
  }

  /// A trainer between two steps: network, optimizer and position.
  template <has_training_state Trainer>
  checkpoint& add(std::string name, Trainer& training) {
    take(name);
    const std::span<const parameter> table = training.net().parameters();
    detail::add_parameters(parts_, name + "/network", table, std::span(training.net().values()));
    detail::add_optimizer(parts_, name + "/optimizer", training.how(), table);
    detail::add_counts(
        parts_, name + "/position",
        [&training] {
          return std::array{training.steps(), training.passes()};
        },
        [](const std::array<std::int64_t, 2>& counts) {
          require(counts[0] >= 0 && counts[1] >= 0, "given ", counts[0], " steps and ", counts[1],
                  " passes, wanted 0 or more");
        },
        [&training](const std::array<std::int64_t, 2>& counts) {
          training.go_on_from(counts[0], counts[1]);
        });
    return *this;
  }

  /// Averages of the parameters in `table`, with the number of updates.
  template <class Scalar>
  checkpoint& add(std::string name, averaged_weights<Scalar>& average, std::span<const parameter> table) {
    take(name);
    detail::add_average(parts_, name, average, table);
    return *this;
  }

  /// What hands its state over as numbers.
  template <has_saved_numbers Object>
  checkpoint& add(std::string name, Object& object) {
    take(name);
    detail::add_saved_numbers(parts_, name, object);
    return *this;
  }

  /// A data loader: goes on with the batch after the last one given.
  template <has_loader_position Loader>
  checkpoint& add(std::string name, Loader& loader) {
    take(name);
    using position = std::decay_t<decltype(loader.position())>;
    detail::add_counts(
        parts_, name,
        [&loader] {
          const position at = loader.position();
          return std::array<std::int64_t, 2>{at.epoch, at.batch};
        },
        [&loader](const std::array<std::int64_t, 2>& at) {
          require(at[0] >= 0 && at[1] >= 0 && at[1] < loader.batches_per_epoch(), "given batch ", at[1],
                  " of epoch ", at[0], ", wanted an epoch of 0 or more and a batch below ",
                  loader.batches_per_epoch());
        },
        [&loader](const std::array<std::int64_t, 2>& at) {
          position to{};
          to.epoch = at[0];
          to.batch = at[1];
          loader.seek(to);
        });
    return *this;
  }

  /// A sequence of random numbers: which one, and where in it.
  checkpoint& add(std::string name, random_sequence& random) {
    take(name);
    detail::add_counts(
        parts_, name,
        [&random] {
          return std::array<std::uint64_t, 3>{random.seed(), random.stream(), random.position()};
        },
        [](const std::array<std::uint64_t, 3>&) {},
        [&random](const std::array<std::uint64_t, 3>& at) { random = random_sequence(at[0], at[1], at[2]); });
    return *this;
  }

  /// One number: a step, an epoch, the best score.
  template <class Number>
  requires(std::is_arithmetic_v<Number> && !std::is_same_v<Number, bool>) checkpoint& add(std::string name,
                                                                                          Number& number) {
    take(name);
    detail::add_counts(
        parts_, name, [&number] { return std::array<Number, 1>{number}; },
        [](const std::array<Number, 1>&) {},
        [&number](const std::array<Number, 1>& from) { number = from[0]; });
    return *this;
  }

  /// Writes all parts to `path`, complete or not at all, with text of the caller's own. Throws `file_error`
  /// when that is not possible (the old file then stays), `value_error` for text that is not UTF-8 or uses
  /// the key "lookalike.checkpoint", which marks such files.
  void save(const std::filesystem::path& path, safetensors_metadata metadata = {}) const {
    require(!metadata.contains(detail::checkpoint_key), "checkpoint: given metadata with the key '",
            detail::checkpoint_key, "', which is taken");
    metadata.emplace(detail::checkpoint_key, detail::checkpoint_version);
    detail::checkpoint_writer writer;
    for (const detail::checkpoint_part& part : parts_) part.save(writer);
    write_safetensors(path, writer.tensors(), metadata);
  }

  /// Puts all parts into the state that the file at `path` holds, and returns the text that was saved with
  /// it. All or nothing: throws one `file_error` that counts everything that does not fit and lists the first
  /// twenty (what is missing, of another shape or type, impossible, or not asked for), or that says why the
  /// file is none; the parts are then as before.
  safetensors_metadata load(const std::filesystem::path& path, const load_checkpoint_options& options = {}) {
    return load(safetensors_file::open(path), options);
  }
  safetensors_metadata load(const safetensors_file& file, const load_checkpoint_options& options = {}) {
    const auto version = file.metadata().find(detail::checkpoint_key);
    require<file_error>(version != file.metadata().end(), "'", file.name(), "': is no checkpoint");
    require<file_error>(version->second == detail::checkpoint_version, "'", file.name(),
                        "': is a checkpoint of version '", detail::for_message(version->second),
                        "', wanted '", detail::checkpoint_version, "'");
    detail::checkpoint_reader reader(file);
    std::vector<std::function<void()>> commits;
    for (const detail::checkpoint_part& part : parts_) commits.push_back(part.check(reader));
    reader.finish(options.strict);
    for (const std::function<void()>& commit : commits) commit();

    safetensors_metadata text = file.metadata();
    text.erase(text.find(detail::checkpoint_key));
    return text;
  }

 private:
  void take(const std::string& name) {
    require(!name.empty() && name.find('/') == std::string::npos, "checkpoint: given the name '", name,
            "' for a part, wanted one of a letter or more and without a slash");
    for (const std::string& taken : names_) {
      require(taken != name, "checkpoint: given two parts called '", name, "'");
    }
    names_.push_back(name);
  }

  std::vector<std::string> names_;
  std::vector<detail::checkpoint_part> parts_;
};

}  // namespace lookalike
