// Fills a hole in a photograph from a collection of photographs (Hays & Efros, SIGGRAPH 2007).
//
//     complete PHOTO MASK --collection FOLDER --out FOLDER [--count 20] [--threads N]
//
// PHOTO is a JPEG or PNG; MASK a picture of the same size whose light (or transparent) pixels are missing;
// FOLDER holds photographs, or is the store of a collection built before. Writes completion_01.png ... best
// first, a contact sheet with the scores, and completions.json with every cost term.
//
// Exit status: 0 done, 1 bad input or a failure (one line on standard error), 2 wrong usage, 130 interrupted.

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <iomanip>
#include <iostream>
#include <span>
#include <sstream>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <lookalike/apps/scene_completion.hpp>
#include <lookalike/core/files.hpp>
#include <lookalike/image/contact_sheet.hpp>
#include <lookalike/image/read.hpp>
#include <lookalike/image/write.hpp>

#include "photographs.hpp"
#include "program.hpp"

namespace {

namespace la = lookalike;
namespace fs = std::filesystem;
using json = nlohmann::ordered_json;

struct arguments {
  std::string photo;
  std::string mask;
  std::string out;
  program::photographs photographs;
  int threads = 0;
  bool blend_patch_only = false;
  la::scene_completion_options options;
};

void add_options(CLI::App& app, arguments& given) {
  la::scene_completion_options& options = given.options;
  app.add_option("PHOTO", given.photo, "the photograph, JPEG or PNG")->required();
  app.add_option("MASK", given.mask, "picture of the same size; light or transparent pixels are missing")
      ->required();
  given.photographs.add_options(app);
  app.add_option("--out", given.out, "folder for the results; made if need be")->required();
  app.add_option("--count", options.count, "completions to write")->capture_default_str();
  app.add_option("--threads", given.threads, "threads; 0 = as many as there are cores")
      ->capture_default_str();
  app.add_option("--candidates", options.candidates, "photographs to try")->capture_default_str();
  app.add_option("--longest-side", options.context.longest_side, "resolution of matching, in pixels")
      ->capture_default_str();
  app.add_option("--band", options.context.band, "radius of the context band, in pixels")
      ->capture_default_str();
  app.add_flag("--blend-patch-only", given.blend_patch_only,
               "keep every pixel outside the seam as it is, instead of blending the whole picture");
}

json describe(const la::completion& result, const std::string& file, const std::string& seam_file) {
  return {{"file", file},
          {"seam", seam_file},
          {"score", result.score},
          {"source", {{"id", result.source}, {"name", result.name}}},
          {"scale", result.scale},
          {"offset", {{"y", result.at.y}, {"x", result.at.x}, {"between_centers", result.offset}}},
          {"terms",
           {{"scene", result.terms.scene},
            {"context", result.terms.context},
            {"texture", result.terms.texture},
            {"seam", result.terms.seam}}},
          {"seam_unary", result.seam_unary},
          {"seam_pairwise", result.seam_pairwise},
          {"max_flow", result.flow},
          {"min_cut", result.cut}};
}

void write_results(const arguments& given, const la::masked_image& query,
                   const std::vector<la::completion>& results, double seconds) {
  const fs::path out = given.out;
  json document = {{"photo", given.photo},
                   {"mask", given.mask},
                   {"collection", given.photographs.collection},
                   {"candidates", given.options.candidates},
                   {"seconds", seconds},
                   {"completions", json::array()}};
  la::image<3> with_hole = query.picture;
  for (std::size_t i = 0; i < query.hole.values().size(); ++i) {
    if (query.hole.values()[i] == 0) continue;
    for (std::size_t c = 0; c < 3; ++c) with_hole.values()[3 * i + c] = c == 1 ? 0.0f : 1.0f;
  }
  std::vector<la::captioned_picture> sheet;
  sheet.push_back({la::to_bytes(with_hole), "query"});
  for (std::size_t i = 0; i < results.size(); ++i) {
    const std::string file = "completion_" + program::two_digits(i + 1) + ".png";
    const std::string seam_file = "completion_" + program::two_digits(i + 1) + "_seam.png";
    la::byte_image bytes = la::to_bytes(results[i].picture);
    la::write_image(out / file, bytes);
    la::mask seam = results[i].full_from_patch;
    for (std::uint8_t& pixel : seam.values()) pixel = pixel != 0 ? 255 : 0;
    la::write_image(out / seam_file, seam);
    document["completions"].push_back(describe(results[i], file, seam_file));
    std::ostringstream caption;
    caption << i + 1 << ": " << std::fixed << std::setprecision(2) << results[i].score << "  "
            << fs::path(results[i].name).filename().string();
    sheet.push_back({std::move(bytes), caption.str()});
  }
  la::write_image(out / "contact_sheet.png", la::contact_sheet(sheet, {}));
  const std::string text = document.dump(2) + "\n";
  la::write_atomically(out / "completions.json", std::as_bytes(std::span(text)));
}

void run(const arguments& given) {
  la::set_threads(given.threads);
  const auto start = std::chrono::steady_clock::now();
  program::progress_line line;
  const la::progress watcher = std::ref(line);

  // What can go wrong early should not go wrong late: the query and the folder come before the collection.
  const la::masked_image query{la::read_image(given.photo), la::read_mask(given.mask)};
  la::require_fillable(query.picture, query.hole, "complete");
  program::make_output_folder(given.out);

  const la::collection photos = given.photographs.open(watcher);
  la::scene_completion_options options = given.options;
  if (given.blend_patch_only) options.blend.domain = la::blend_domain::patch_only;
  options.seam.band = options.context.band;
  options.leave_out = given.photographs.ids_to_leave_out(photos, query);
  const std::vector<la::completion> results = la::complete(query, photos, options, watcher);
  const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
  write_results(given, query, results, elapsed.count());
  std::cout << results.size() << " completions in " << std::fixed << std::setprecision(1) << elapsed.count()
            << " s: " << (fs::path(given.out) / "contact_sheet.png").string() << '\n';
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Fills a hole in a photograph from a collection of photographs.", "complete");
  arguments given;
  add_options(app, given);
  return program::run_program(app, argc, argv, [&] { run(given); });
}
