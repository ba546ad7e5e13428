// Fills a hole in a photograph from a collection of photographs (Hays & Efros, SIGGRAPH 2007).
//
//     complete PHOTO MASK --collection FOLDER --out FOLDER [--count 20] [--threads N]
//
// PHOTO is a JPEG or PNG; MASK a picture of the same size whose light (or transparent) pixels are missing;
// FOLDER holds photographs, or is the store of a collection built before. Writes completion_01.png ... best
// first, a contact sheet with the scores, and completions.json with every cost term.
//
// Exit status: 0 done, 1 bad input or a failure (one line on standard error), 2 wrong usage, 130 interrupted.

#include <atomic>
#include <chrono>
#include <csignal>
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
#include <unistd.h>

#include <lookalike/apps/scene_completion.hpp>
#include <lookalike/core/files.hpp>
#include <lookalike/image/contact_sheet.hpp>
#include <lookalike/image/read.hpp>
#include <lookalike/image/write.hpp>
#include <lookalike/retrieve/near_duplicates.hpp>

namespace {

namespace la = lookalike;
namespace fs = std::filesystem;
using json = nlohmann::ordered_json;

std::atomic<bool> stop_requested{false};

struct arguments {
  std::string photo;
  std::string mask;
  std::string collection;
  std::string out;
  std::string store;
  std::vector<std::string> leave_out;
  double near_duplicates = 0;
  int threads = 0;
  bool blend_patch_only = false;
  la::scene_completion_options options;
};

arguments parse(CLI::App& app, int argc, char** argv) {
  arguments given;
  la::scene_completion_options& options = given.options;
  app.add_option("PHOTO", given.photo, "the photograph, JPEG or PNG")->required();
  app.add_option("MASK", given.mask, "picture of the same size; light or transparent pixels are missing")
      ->required();
  app.add_option("--collection", given.collection, "folder of photographs, or the store of a collection")
      ->required();
  app.add_option("--out", given.out, "folder for the results; made if need be")->required();
  app.add_option("--count", options.count, "completions to write")->capture_default_str();
  app.add_option("--threads", given.threads, "threads; 0 = as many as there are cores")
      ->capture_default_str();
  app.add_option("--candidates", options.candidates, "photographs to try")->capture_default_str();
  app.add_option("--store", given.store, "where the collection's descriptors are kept");
  app.add_option("--leave-out", given.leave_out,
                 "photographs whose path contains this text are not used (may be repeated)");
  app.add_option(
         "--near-duplicates", given.near_duplicates,
         "leave out photographs whose thumbnail correlates with the query's by more than this; 0 = off")
      ->capture_default_str();
  app.add_option("--longest-side", options.context.longest_side, "resolution of matching, in pixels")
      ->capture_default_str();
  app.add_option("--band", options.context.band, "radius of the context band, in pixels")
      ->capture_default_str();
  app.add_flag("--blend-patch-only", given.blend_patch_only,
               "keep every pixel outside the seam as it is, instead of blending the whole picture");
  app.parse(argc, argv);
  if (given.blend_patch_only) options.blend.domain = la::blend_domain::patch_only;
  options.seam.band = options.context.band;
  return given;
}

/// Draws progress on a terminal; elsewhere says once what is being done.
class progress_line {
 public:
  bool operator()(std::string_view task, std::int64_t done, std::int64_t total) {
    const bool finished = total >= 0 && done >= total;
    if (task != task_) {
      task_ = task;
      if (!terminal_) std::cerr << task_ << "..." << std::endl;
    }
    const auto now = std::chrono::steady_clock::now();
    if (terminal_ && (finished || now - drawn_ > std::chrono::milliseconds(100))) {
      drawn_ = now;
      std::cerr << "\r\033[K" << task_ << ' ' << done;
      if (total >= 0) std::cerr << " of " << total;
      if (finished) std::cerr << '\n';
      std::cerr << std::flush;
    }
    return !stop_requested;
  }

 private:
  bool terminal_ = isatty(STDERR_FILENO) != 0;
  std::string task_;
  std::chrono::steady_clock::time_point drawn_;
};

/// Opens the store that `--collection` names, or brings the collection of the folder up to date.
la::collection open_collection(const arguments& given, const la::progress& watcher) {
  if (la::collection::is_store(given.collection)) return la::collection::open(given.collection);
  const la::collection photos = la::collection::build(given.collection, {.store = given.store}, watcher);
  const la::build_report& report = photos.report();
  std::cerr << "collection: " << photos.size() << " photographs, " << report.added << " of them new; "
            << report.skipped.size() << " files skipped; store in " << photos.location().string() << '\n';
  for (const la::skipped_file& skipped : report.skipped) {
    std::cerr << "  skipped " << skipped.path << ": " << skipped.reason << '\n';
  }
  return photos;
}

std::vector<std::int64_t> ids_to_leave_out(const arguments& given, const la::collection& photos,
                                           const la::masked_image& query) {
  std::vector<std::int64_t> ids;
  for (std::int64_t position = 0; position < photos.size(); ++position) {
    const std::int64_t id = photos.id(position);
    const std::string name = photos.path(id).string();
    for (const std::string& text : given.leave_out) {
      if (name.find(text) != std::string::npos) {
        ids.push_back(id);
        break;
      }
    }
  }
  if (given.near_duplicates > 0) {
    for (const std::int64_t id :
         la::near_duplicates(photos, query, {.correlation = static_cast<float>(given.near_duplicates)})) {
      ids.push_back(id);
    }
  }
  return ids;
}

std::string two_digits(std::size_t number) {
  std::ostringstream text;
  text << std::setw(2) << std::setfill('0') << number;
  return text.str();
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
                   {"collection", given.collection},
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
    const std::string file = "completion_" + two_digits(i + 1) + ".png";
    const std::string seam_file = "completion_" + two_digits(i + 1) + "_seam.png";
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

int run(const arguments& given) {
  la::set_threads(given.threads);
  const auto start = std::chrono::steady_clock::now();
  progress_line line;
  const la::progress watcher = std::ref(line);

  // What can go wrong early should not go wrong late: the query and the folder come before the collection.
  const la::masked_image query{la::read_image(given.photo), la::read_mask(given.mask)};
  la::require_fillable(query.picture, query.hole, "complete");
  std::error_code failure;
  fs::create_directories(given.out, failure);
  la::require<la::file_error>(
      !failure && access(given.out.c_str(), W_OK) == 0, given.out,
      ": given a folder that cannot be made or written to, wanted one for the results");

  const la::collection photos = open_collection(given, watcher);
  la::scene_completion_options options = given.options;
  options.leave_out = ids_to_leave_out(given, photos, query);
  const std::vector<la::completion> results = la::complete(query, photos, options, watcher);
  const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
  write_results(given, query, results, elapsed.count());
  std::cout << results.size() << " completions in " << std::fixed << std::setprecision(1) << elapsed.count()
            << " s: " << (fs::path(given.out) / "contact_sheet.png").string() << '\n';
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Fills a hole in a photograph from a collection of photographs.", "complete");
  try {
    const arguments given = parse(app, argc, argv);
    std::signal(SIGINT, [](int) { stop_requested = true; });
    std::signal(SIGTERM, [](int) { stop_requested = true; });
    return run(given);
  } catch (const CLI::ParseError& wrong) {
    return app.exit(wrong) == 0 ? 0 : 2;
  } catch (const la::interrupted& stopped) {
    std::cerr << "complete: " << stopped.what() << '\n';
    return 130;
  } catch (const std::exception& failure) {
    std::cerr << "complete: " << failure.what() << '\n';
    return 1;
  }
}
