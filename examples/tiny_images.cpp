// Tiny images, and how many of them are enough (Torralba, Fergus and Freeman, PAMI 2008).
//
//     tiny_images DATA [--queries 10000] [--sizes 1000 5000 10000 50000] [--k 1 10 50] [--out FOLDER]
//
// DATA holds CIFAR-10: its binary records, or archives of JPEG pictures. The test pictures are looked up
// among the training pictures. Prints
//
//   the share of right answers when 1, 10, 50 neighbors vote, among ever more pictures;
//   the same at the level of animal or artifact, where WordNet's files are found;
//   with --rerank N, for so many queries, what reranking a shortlist by D_warp and D_shift changes;
//   with --orientation N, how many of so many turned pictures are brought upright;
//   the scaling curve: distance and correlation of the nearest, the fitted slope, the intrinsic dimension,
//   and how many pictures a correlation of --target would need.
//
// With --out, writes neighbors.png, a contact sheet, and tiny_images.json.
//
// Exit status: 0 done, 1 bad input or a failure (one line on standard error), 2 wrong usage, 130 interrupted.

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <iostream>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <lookalike/apps/scaling_curve.hpp>
#include <lookalike/core/files.hpp>
#include <lookalike/core/parallel.hpp>
#include <lookalike/image/contact_sheet.hpp>
#include <lookalike/image/write.hpp>
#include <lookalike/nn/cifar_archive.hpp>
#include <lookalike/retrieve/component_shortlist.hpp>
#include <lookalike/retrieve/nested_neighbors.hpp>
#include <lookalike/retrieve/picture_orientation.hpp>
#include <lookalike/retrieve/recall.hpp>
#include <lookalike/retrieve/rerank.hpp>
#include <lookalike/retrieve/tiny_image.hpp>
#include <lookalike/retrieve/tree_vote.hpp>
#include <lookalike/retrieve/vote.hpp>
#include <lookalike/retrieve/wordnet.hpp>

#include "program.hpp"

namespace {

namespace la = lookalike;
namespace fs = std::filesystem;
using json = nlohmann::ordered_json;

bool go_on(std::string_view, std::int64_t, std::int64_t) {
  return !program::stop_requested;
}

struct arguments {
  std::string data;
  std::string out;
  std::string wordnet = "/usr/share/wordnet";
  std::int64_t queries = 10000;
  std::int64_t pictures = 50000;
  std::vector<std::int64_t> sizes{1000, 5000, 10000, 50000};
  std::vector<int> k{1, 10, 50};
  std::int64_t rerank = 0;
  int candidates = 200;
  std::int64_t orientation = 0;
  std::int64_t curve = 1000;
  double target = 0.95;
  int repetitions = 5;
  std::uint64_t seed = 0;
  int threads = 0;
};

/// The first `count` samples.
template <class Scalar>
la::tensor_view<const Scalar> first_of(const la::tensor<Scalar>& all, std::int64_t count) {
  la::tensor_view<const Scalar> some = all.view();
  some.extents[0] = std::min(count, all.batch());
  return some;
}

double percent(std::int64_t right, std::int64_t count) {
  return 100 * static_cast<double>(right) / static_cast<double>(count);
}

/// The k nearest of a row of neighbors.
la::matches first_matches(std::span<const std::int64_t> ids, int k) {
  la::matches found;
  found.ids.assign(ids.begin(), ids.begin() + k);
  found.distances.assign(found.ids.size(), 0);
  while (found.count < k && found.ids[static_cast<std::size_t>(found.count)] >= 0) ++found.count;
  return found;
}

/// CIFAR-10's nouns in WordNet, and what is asked about them: animal or artifact.
struct semantic_level {
  la::word_tree tree;
  std::vector<int> node_of_label;
  std::vector<int> choices;

  static std::optional<semantic_level> of(const std::string& folder) {
    std::error_code ignored;
    if (!fs::exists(fs::path(folder) / "data.noun", ignored)) return {};
    const la::wordnet_nouns nouns = la::read_wordnet_nouns(folder);
    semantic_level level{nouns.tree(), {}, {nouns.node("animal"), nouns.node("artifact")}};
    for (const std::string_view name : la::cifar10_classes) level.node_of_label.push_back(nouns.node(name));
    return level;
  }
  int choice_of(int label) const {
    for (const int choice : choices)
      if (tree.is_within(node_of_label[static_cast<std::size_t>(label)], choice)) return choice;
    return -1;
  }
};

json accuracies(const arguments& given, const la::labeled_pictures& training,
                const la::labeled_pictures& test, const la::tensor<float>& known,
                const la::tensor<float>& sought) {
  la::nested_search_options options{.k = *std::max_element(given.k.begin(), given.k.end())};
  for (const std::int64_t size : given.sizes)
    if (size <= known.batch()) options.sizes.push_back(size);
  const std::optional<semantic_level> level = semantic_level::of(given.wordnet);
  std::vector<int> nodes;
  if (level)
    for (const int label : training.labels)
      nodes.push_back(level->node_of_label[static_cast<std::size_t>(label)]);
  const std::size_t cells = options.sizes.size() * given.k.size();
  std::vector<std::int64_t> right(cells), right_level(cells);
  const std::int64_t count = std::min(given.queries, sought.batch());
  la::nested_neighbors(
      known, first_of(sought, count), options,
      [&](const la::nested_matches& found) {
        for (std::size_t cell = 0; cell < cells; ++cell) {
          const auto size = static_cast<int>(cell / given.k.size());
          const int k = given.k[cell % given.k.size()];
          for (std::int64_t q = 0; q < found.query_count; ++q) {
            const auto ids = found.ids(0, size).subspan(static_cast<std::size_t>(q * found.k));
            const la::matches nearest = first_matches(ids, k);
            const int label = test.labels[static_cast<std::size_t>(found.first_query + q)];
            right[cell] += la::vote(nearest, training.labels) == label ? 1 : 0;
            if (!level) continue;
            la::tree_votes votes(level->tree);
            for (int i = 0; i < nearest.count; ++i)
              votes.add(nodes[static_cast<std::size_t>(nearest.ids[static_cast<std::size_t>(i)])]);
            right_level[cell] += votes.best(level->choices) == level->choice_of(label) ? 1 : 0;
          }
        }
      },
      go_on);

  json table = json::array();
  std::printf("\n%lld queries; right answers in percent\n%10s", static_cast<long long>(count), "pictures");
  for (const int k : given.k) std::printf("  %5d-NN", k);
  if (level)
    for (const int k : given.k) std::printf("  %5d-NN", k);
  std::printf("%s\n", level ? "   (animal or artifact)" : "");
  for (std::size_t s = 0; s < options.sizes.size(); ++s) {
    std::printf("%10lld", static_cast<long long>(options.sizes[s]));
    json row = {{"pictures", options.sizes[s]}};
    for (std::size_t i = 0; i < given.k.size(); ++i) {
      const double share = percent(right[s * given.k.size() + i], count);
      std::printf("  %8.2f", share);
      row["classes"][std::to_string(given.k[i])] = share;
    }
    for (std::size_t i = 0; level && i < given.k.size(); ++i) {
      const double share = percent(right_level[s * given.k.size() + i], count);
      std::printf("  %8.2f", share);
      row["animal or artifact"][std::to_string(given.k[i])] = share;
    }
    std::printf("\n");
    table.push_back(row);
  }
  return table;
}

json reranked(const arguments& given, const la::labeled_pictures& training, const la::labeled_pictures& test,
              const la::tensor<float>& known, const la::tensor<float>& sought) {
  const la::tensor<float> queries(first_of(sought, given.rerank));
  const int largest = *std::max_element(given.k.begin(), given.k.end());
  const la::vector_index index{la::vector_view(known)};
  const std::vector<la::matches> exact = index.search(queries, {.k = given.candidates}, go_on);
  json result = json::array();
  std::printf("\n%lld queries, %d candidates reranked; right answers in percent\n%28s",
              static_cast<long long>(queries.batch()), given.candidates, "distance");
  for (const int k : given.k) std::printf("  %5d-NN", k);
  std::printf("\n");
  const auto judge = [&](const char* name, const std::vector<la::matches>& found, double seconds) {
    std::printf("%28s", name);
    json row = {{"distance", name}, {"seconds", seconds}};
    for (const int k : given.k) {
      std::int64_t right = 0;
      for (std::size_t q = 0; q < found.size(); ++q)
        right +=
            la::vote(first_matches(found[q].ids, std::min(k, largest)), training.labels) == test.labels[q]
                ? 1
                : 0;
      const double share = percent(right, queries.batch());
      std::printf("  %8.2f", share);
      row["classes"][std::to_string(k)] = share;
    }
    std::printf("  %6.0f s\n", seconds);
    std::fflush(stdout);
    result.push_back(row);
  };
  const auto timed = [&](const char* name, const auto& find) {
    const auto start = std::chrono::steady_clock::now();
    const std::vector<la::matches> found = find();
    judge(name, found, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
    return found;
  };
  judge("D_ssd", exact, 0);
  const auto by = [&](const std::vector<la::matches>& shortlists, la::tiny_image_distance distance) {
    return la::rerank(std::span<const la::matches>(shortlists), largest, known, queries, distance, {}, {},
                      go_on);
  };
  timed("D_warp", [&] { return by(exact, la::tiny_image_distance::warp); });
  timed("D_shift", [&] { return by(exact, la::tiny_image_distance::shift); });
  const la::component_shortlist components{la::vector_view(known)};
  const auto short_found = timed("19 components, then D_ssd", [&] {
    return components.search(la::vector_view(queries), largest, 5 * given.candidates, go_on);
  });
  double found_share = 0;
  const std::vector<la::matches> truth = index.search(queries, {.k = largest}, go_on);
  for (std::size_t q = 0; q < truth.size(); ++q) found_share += la::recall(short_found[q], truth[q]);
  found_share /= static_cast<double>(truth.size());
  std::printf("recall of the %d nearest among %d candidates by 19 components: %.1f %%\n", largest,
              5 * given.candidates, 100 * found_share);
  result.push_back({{"recall by 19 components", found_share}});
  return result;
}

json orientations(const arguments& given, const la::tensor<float>& known, const la::tensor<float>& sought) {
  const std::int64_t count = std::min(given.orientation, sought.batch());
  la::tensor<float> turned(count, 3, la::thumbnail_side, la::thumbnail_side);
  const auto size = static_cast<std::int64_t>(la::thumbnail_size);
  for (std::int64_t n = 0; n < count; ++n) {
    const auto row = la::quarter_turned({sought.data() + n * size, la::thumbnail_size},
                                        -static_cast<int>(n % 4), 3, la::thumbnail_side);
    std::copy(row.begin(), row.end(), turned.data() + n * size);
  }
  const auto found =
      la::find_orientations(la::vector_index{la::vector_view(known)}, turned.view(), {}, go_on);
  std::int64_t right = 0;
  for (std::size_t n = 0; n < found.size(); ++n)
    right += found[n].quarter_turns == static_cast<int>(n % 4) ? 1 : 0;
  std::printf("\norientation by 50 neighbors: %.2f %% of %lld brought upright (chance: 25 %%)\n",
              percent(right, count), static_cast<long long>(count));
  return {{"queries", count}, {"upright", percent(right, count)}};
}

json as_json(const la::interval& i) {
  return {i.value, i.lower, i.upper};
}

json scaling(const arguments& given, const la::labeled_pictures& training, const la::labeled_pictures& test,
             const la::tensor<float>& known, const la::tensor<float>& sought) {
  const std::int64_t count = std::min(given.curve, sought.batch());
  const la::scaling_curve curve =
      la::measure_scaling(known, first_of(sought, count),
                          {training.labels, std::span(test.labels).first(static_cast<std::size_t>(count))},
                          {.k = 10, .repetitions = given.repetitions, .seed = given.seed}, {}, go_on);
  constexpr std::array measures{std::pair{"distance", la::scaling_measure::distance},
                                std::pair{"correlation", la::scaling_measure::correlation},
                                std::pair{"hit@10", la::scaling_measure::hit},
                                std::pair{"10-NN", la::scaling_measure::score}};
  json result = {{"queries", count}, {"sizes", curve.sizes()}};
  std::printf("\nscaling, %lld queries: value [95 %% interval]\n%10s", static_cast<long long>(count),
              "pictures");
  std::vector<std::vector<la::interval>> columns;
  for (const auto& [name, measure] : measures) {
    columns.push_back(curve.values(measure));
    std::printf("  %24s", name);
    for (const la::interval& each : columns.back()) result[name].push_back(as_json(each));
  }
  for (std::size_t s = 0; s < curve.sizes().size(); ++s) {
    std::printf("\n%10lld", static_cast<long long>(curve.sizes()[s]));
    for (const auto& column : columns)
      std::printf("  %7.4f [%.4f, %.4f]", column[s].value, column[s].lower, column[s].upper);
  }
  const la::interval slope = curve.slope(), dimension = curve.dimension(),
                     likely = curve.likelihood_dimension();
  std::printf("\nslope %.4f [%.4f, %.4f], dimension %.1f [%.1f, %.1f], by likelihood %.1f [%.1f, %.1f]\n",
              slope.value, slope.lower, slope.upper, dimension.value, dimension.lower, dimension.upper,
              likely.value, likely.lower, likely.upper);
  const la::needed_pictures needed = curve.pictures_needed(la::scaling_measure::correlation, given.target);
  std::printf("a correlation of %.2f needs %.3g pictures [%.3g, %.3g]: %s\n", given.target,
              needed.pictures.value, needed.pictures.lower, needed.pictures.upper, needed.notice.c_str());
  result["slope"] = as_json(slope);
  result["dimension"] = as_json(dimension);
  result["likelihood_dimension"] = as_json(likely);
  result["needed"] = {
      {"correlation", given.target}, {"pictures", as_json(needed.pictures)}, {"notice", needed.notice}};
  return result;
}

la::byte_image picture_of(const la::labeled_pictures& data, std::int64_t i) {
  la::byte_image picture(la::thumbnail_side, la::thumbnail_side);
  for (int y = 0; y < la::thumbnail_side; ++y)
    for (int x = 0; x < la::thumbnail_side; ++x)
      for (int c = 0; c < 3; ++c) picture(y, x, c) = data.pictures(i, c, y, x);
  return picture;
}

/// A row for each of eight queries: itself, and its nearest among ever more pictures.
void write_neighbors(const arguments& given, const la::labeled_pictures& training,
                     const la::labeled_pictures& test, const la::tensor<float>& known,
                     const la::tensor<float>& sought) {
  la::nested_search_options options{.k = 4};
  for (const std::int64_t size : given.sizes)
    if (size <= known.batch()) options.sizes.push_back(size);
  std::vector<la::captioned_picture> sheet;
  la::nested_neighbors(known, first_of(sought, 8), options, [&](const la::nested_matches& found) {
    for (std::int64_t q = 0; q < found.query_count; ++q) {
      const auto label = static_cast<std::size_t>(test.labels[static_cast<std::size_t>(q)]);
      sheet.push_back({picture_of(test, q), std::string(la::cifar10_classes[label])});
      for (int s = 0; s < static_cast<int>(options.sizes.size()); ++s) {
        for (std::size_t i = 0; i < 4; ++i) {
          const std::int64_t id = found.ids(0, s)[static_cast<std::size_t>(q) * 4 + i];
          const auto own = static_cast<std::size_t>(training.labels[static_cast<std::size_t>(id)]);
          sheet.push_back({picture_of(training, id), std::string(la::cifar10_classes[own])});
        }
      }
    }
  });
  const int columns = 1 + 4 * static_cast<int>(options.sizes.size());
  std::string title = "query, then four nearest among";
  for (const std::int64_t size : options.sizes) title += " " + std::to_string(size);
  la::write_image(
      fs::path(given.out) / "neighbors.png",
      la::contact_sheet(
          sheet, {.columns = columns, .cell_width = 64, .cell_height = 64, .margin = 6, .title = title}));
}

void run(const arguments& given) {
  la::set_threads(given.threads);
  if (!given.out.empty()) {
    std::error_code failure;
    fs::create_directories(given.out, failure);
    la::require<la::file_error>(!failure, given.out, ": given a folder that cannot be made");
  }
  const la::labeled_pictures training = la::load_cifar10(given.data, la::data_split::train, given.pictures);
  const la::labeled_pictures test = la::load_cifar10(given.data, la::data_split::test);
  const la::tensor<float> known = la::tiny_image(training.pictures.view(), go_on);
  const la::tensor<float> sought = la::tiny_image(test.pictures.view(), go_on);
  std::printf("CIFAR-10: %lld pictures, %lld to look up\n", static_cast<long long>(training.count()),
              static_cast<long long>(test.count()));
  json figures = {{"data", given.data}};
  if (given.queries > 0) figures["accuracy"] = accuracies(given, training, test, known, sought);
  std::fflush(stdout);
  if (given.curve > 0) figures["scaling"] = scaling(given, training, test, known, sought);
  std::fflush(stdout);
  if (given.orientation > 0) figures["orientation"] = orientations(given, known, sought);
  std::fflush(stdout);
  if (given.rerank > 0) figures["rerank"] = reranked(given, training, test, known, sought);
  if (given.out.empty()) return;
  write_neighbors(given, training, test, known, sought);
  const std::string text = figures.dump(2) + "\n";
  la::write_atomically(fs::path(given.out) / "tiny_images.json", std::as_bytes(std::span(text)));
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Tiny images, and how many of them are enough", "tiny_images");
  arguments given;
  app.add_option("DATA", given.data, "folder of CIFAR-10")->required();
  app.add_option("--out", given.out, "folder for a contact sheet and the figures; made if need be");
  app.add_option("--queries", given.queries, "test pictures for the accuracy")->capture_default_str();
  app.add_option("--pictures", given.pictures, "training pictures")->capture_default_str();
  app.add_option("--sizes", given.sizes, "numbers of pictures to look among, ascending");
  app.add_option("--k", given.k, "numbers of neighbors that vote")->check(CLI::PositiveNumber);
  app.add_option("--rerank", given.rerank, "queries whose shortlists are ranked by D_warp and D_shift")
      ->capture_default_str();
  app.add_option("--candidates", given.candidates, "length of a shortlist")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--orientation", given.orientation, "turned pictures to bring upright")
      ->capture_default_str();
  app.add_option("--curve", given.curve, "queries for the scaling curve; 0 = none")->capture_default_str();
  app.add_option("--target", given.target, "correlation to reach")->capture_default_str();
  app.add_option("--repetitions", given.repetitions, "random orders of the scaling curve")
      ->capture_default_str();
  app.add_option("--wordnet", given.wordnet, "folder of WordNet's data.noun")->capture_default_str();
  app.add_option("--seed", given.seed)->capture_default_str();
  app.add_option("--threads", given.threads, "0 = as many as there are cores")->capture_default_str();
  return program::run_program(app, argc, argv, [&] { run(given); });
}
