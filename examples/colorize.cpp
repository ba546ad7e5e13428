// Gives a gray photograph the colors of photographs that look like it in gray.
//
//     colorize PHOTO --collection FOLDER --out FOLDER [--mode average] [--neighbors 20] [--alternatives 0]
//
// PHOTO is a JPEG or PNG, in gray or in color (only its lightness is looked at); FOLDER holds color
// photographs, or is the store of a collection built before. Writes colorized.png (or alternative_01.png ...,
// each colored by one neighbor), a contact sheet of query, results and neighbors, and colorization.json.
// Where PHOTO has colors, the figures say how far the result is from them.
//
// Exit status: 0 done, 1 bad input or a failure (one line on standard error), 2 wrong usage, 130 interrupted.

#include <chrono>
#include <cmath>
#include <filesystem>
#include <iomanip>
#include <iostream>
#include <map>
#include <span>
#include <sstream>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <lookalike/apps/colorize.hpp>
#include <lookalike/core/files.hpp>
#include <lookalike/image/contact_sheet.hpp>
#include <lookalike/image/read.hpp>
#include <lookalike/image/write.hpp>
#include <lookalike/models/color_metrics.hpp>
#include <lookalike/retrieve/gist.hpp>
#include <lookalike/retrieve/on_gray.hpp>

#include "photographs.hpp"
#include "program.hpp"

namespace {

namespace la = lookalike;
namespace fs = std::filesystem;
using json = nlohmann::ordered_json;

struct arguments {
  std::string photo;
  std::string out;
  program::photographs photographs;
  std::string mode = "average";
  std::string encoder = "thumbnail";
  int neighbors = 20;
  int alternatives = 0;
  int examples = 1;
  std::uint64_t seed = 0;
  int threads = 0;
};

void add_options(CLI::App& app, arguments& given) {
  app.add_option("PHOTO", given.photo, "the photograph, JPEG or PNG; only its lightness is looked at")
      ->required();
  given.photographs.add_options(app);
  app.add_option("--out", given.out, "folder for the results; made if need be")->required();
  app.add_option("--mode", given.mode, "how colors are made of the neighbors'")
      ->check(CLI::IsMember({"average", "median", "soft", "vote", "global_transfer", "welsh"}))
      ->capture_default_str();
  app.add_option("--neighbors", given.neighbors, "photographs to look up")
      ->check(CLI::Range(1, 100000))
      ->capture_default_str();
  app.add_option("--alternatives", given.alternatives,
                 "instead, results by each of so many nearest photographs alone")
      ->check(CLI::Range(0, 1000))
      ->capture_default_str();
  app.add_option("--encoder", given.encoder, "by what photographs are looked up")
      ->check(CLI::IsMember({"thumbnail", "gist"}))
      ->capture_default_str();
  app.add_option("--examples", given.examples, "for welsh: nearest photographs that samples are drawn from")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  app.add_option("--seed", given.seed, "for welsh: of the places of the samples")->capture_default_str();
  app.add_option("--threads", given.threads, "threads; 0 = as many as there are cores")
      ->capture_default_str();
}

la::color_decoder decoder_of(const arguments& given) {
  if (given.mode == "vote") return la::vote_color();
  if (given.mode == "global_transfer") return la::global_transfer();
  if (given.mode == "welsh") return la::welsh({.transfer = {.seed = given.seed}, .examples = given.examples});
  const std::map<std::string, la::color_average> averages{{"average", la::color_average::mean},
                                                          {"median", la::color_average::median},
                                                          {"soft", la::color_average::soft}};
  return la::average_color({.average = averages.at(given.mode)});
}

json number_or_null(double value) {
  return std::isfinite(value) ? json(value) : json(nullptr);
}

json describe(const la::colorization& result, const std::string& file, const la::image<3>& query) {
  json described = {{"file", file},
                    {"used", result.used},
                    {"saturation_ratio", number_or_null(result.saturation_ratio)},
                    {"colorfulness", la::colorfulness(result.picture)}};
  const la::image<3> truth = la::rgb_to_lab(query);
  constexpr double colored = 1;
  if (la::mean_chroma(truth) > colored) {
    described["against_the_query"] = {
        {"chroma_error", la::chroma_error(result.lab, truth)},
        {"color_accuracy_area", la::color_accuracy_area(result.lab, truth)},
        {"peak_signal_to_noise", number_or_null(la::peak_signal_to_noise(result.picture, query))},
        {"saturation_ratio", la::saturation_ratio(result.lab, truth)}};
  }
  return described;
}

void write_results(const arguments& given, const la::image<3>& query,
                   const std::vector<la::colorization>& results, double seconds) {
  const fs::path out = given.out;
  json document = {{"photo", given.photo},         {"collection", given.photographs.collection},
                   {"mode", given.mode},           {"encoder", given.encoder},
                   {"neighbors", given.neighbors}, {"seconds", seconds},
                   {"results", json::array()}};
  std::vector<la::captioned_picture> sheet{{la::to_bytes(la::gray_picture(la::lightness(query))), "query"}};
  for (std::size_t i = 0; i < results.size(); ++i) {
    const std::string file =
        given.alternatives > 0 ? "alternative_" + program::two_digits(i + 1) + ".png" : "colorized.png";
    const la::byte_image bytes = la::to_bytes(results[i].picture);
    la::write_image(out / file, bytes);
    document["results"].push_back(describe(results[i], file, query));
    std::ostringstream caption;
    caption << (given.alternatives > 0 ? std::to_string(i + 1) : given.mode) << ": saturation " << std::fixed
            << std::setprecision(2) << results[i].saturation_ratio;
    sheet.push_back({bytes, caption.str()});
  }
  constexpr std::size_t most_shown = 20;
  const la::matches& found = results.front().neighbors;
  json neighbors = json::array();
  for (const la::colorization& result : results) {
    for (const std::int64_t id : result.used) {
      const std::string name = found.source->photo_name(id);
      neighbors.push_back({{"id", id}, {"name", name}});
      if (neighbors.size() <= most_shown)
        sheet.push_back({found.source->read_squashed(id, 128, 128), fs::path(name).filename().string()});
    }
  }
  document["used"] = neighbors;
  la::write_image(out / "contact_sheet.png", la::contact_sheet(sheet, {}));
  const std::string text = document.dump(2) + "\n";
  la::write_atomically(out / "colorization.json", std::as_bytes(std::span(text)));
}

void run(const arguments& given) {
  la::set_threads(given.threads);
  program::progress_line line;
  const la::progress watcher = std::ref(line);
  const la::image<3> query = la::read_image(given.photo);
  program::make_output_folder(given.out);

  const la::collection photos = given.photographs.open(watcher);
  la::picture_encoder encoder = la::gray_thumbnail;
  if (given.encoder == "gist") encoder = la::on_gray(la::gist);
  const la::gray_index known(photos, encoder, watcher);
  la::colorize_options options{.k = given.neighbors,
                               .decoder = decoder_of(given),
                               .leave_out = given.photographs.ids_to_leave_out(
                                   photos, {query, la::mask(query.height(), query.width())})};
  // Those of its gray version too.
  if (given.photographs.near_duplicates > 0)
    options.near_duplicates = static_cast<float>(given.photographs.near_duplicates);

  const auto start = std::chrono::steady_clock::now();
  std::vector<la::colorization> results;
  if (given.alternatives > 0) {
    results = la::colorize_alternatives(query, known, given.alternatives, options);
  } else {
    results.push_back(la::colorize(query, known, options));
  }
  const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
  write_results(given, query, results, elapsed.count());
  std::cout << "colorized among " << known.size() << " photographs in " << std::fixed << std::setprecision(2)
            << elapsed.count() << " s: " << (fs::path(given.out) / "contact_sheet.png").string() << '\n';
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Gives a gray photograph the colors of photographs that look like it in gray.", "colorize");
  arguments given;
  add_options(app, given);
  return program::run_program(app, argc, argv, [&] { run(given); });
}
