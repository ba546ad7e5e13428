// The programs of docs/tutorial.md, one after another.
//
//     tutorial PHOTO MASK FOLDER OUT
//
// PHOTO is a JPEG or PNG; MASK a picture of the same size whose light (or transparent) pixels are missing;
// FOLDER holds photographs; results go to the folder OUT, which exists.

#include <algorithm>
#include <exception>
#include <filesystem>
#include <iostream>
#include <string_view>
#include <vector>

#include <lookalike/apps/scene_completion.hpp>
#include <lookalike/image/contact_sheet.hpp>
#include <lookalike/image/read.hpp>
#include <lookalike/image/write.hpp>
#include <lookalike/retrieve/near_duplicates.hpp>
#include <lookalike/retrieve/thumbnail_index.hpp>

using namespace lookalike;

// A stage of one's own: drops candidates that had to be moved far to fit.
struct near_the_middle {
  using input = placements;
  using output = placements;
  static constexpr std::string_view name = "near_the_middle";
  double farthest = 100;  // pixels

  placements operator()(placements placed) const {
    std::erase_if(placed.scenes, [&](const placed_scene& scene) { return scene.offset > farthest; });
    return placed;
  }
};

void fill(const masked_image& query, const collection& photos, const std::filesystem::path& out) {
  const std::vector<completion> found = complete(query, photos, {.count = 5});
  write_image(out / "best.png", found.front().picture);
}

void fill_without_copies(const masked_image& query, const collection& photos,
                         const std::filesystem::path& out) {
  const std::vector<completion> found =
      complete(query, photos, {.count = 5, .leave_out = near_duplicates(photos, query)});
  for (const completion& one : found) {
    std::cout << one.score << "  " << one.name << "  context " << one.terms.context << ", flow " << one.flow
              << " = cut " << one.cut << '\n';
  }
  write_image(out / "best_without_copies.png", found.front().picture);
}

void fill_by_stages(const masked_image& query, const collection& photos, const std::filesystem::path& out) {
  const auto pipeline = skip(fill_hole | scene_descriptor | lookup(photos, 100))  //
                        | context_match({.band = 40})                             //
                        | near_the_middle{.farthest = 150}                        //
                        | seam                                                    //
                        | rank(1, {.texture = 2})                                 //
                        | poisson_blend({.domain = blend_domain::patch_only})     //
                        | [](const std::vector<completion>& found) { return found.at(0).picture; };
  write_image(out / "by_stages.png", pipeline(query));
}

void look_up_tiny_images(const masked_image& query, const collection& photos,
                         const std::filesystem::path& out) {
  const auto find = lookup(thumbnail_index(photos), 20);
  const matches found = find(query);
  std::vector<captioned_picture> sheet;
  for (int i = 0; i < found.count; ++i) {
    const auto at = static_cast<std::size_t>(i);
    sheet.push_back({to_bytes(photos.read(found.ids[at])), sentence(i + 1, ": ", found.distances[at])});
  }
  write_image(out / "tiny_images.png", contact_sheet(sheet, {}));
}

int main(int argc, char** argv) try {
  if (argc != 5) {
    std::cerr << "usage: tutorial PHOTO MASK FOLDER OUT\n";
    return 2;
  }
  const masked_image query{read_image(argv[1]), read_mask(argv[2])};

  const collection photos =
      collection::build(argv[3], {}, [](std::string_view task, std::int64_t done, std::int64_t total) {
        if (done == total) std::cerr << task << ": " << total << '\n';
        return true;  // false would stop, and keep what is done
      });

  fill(query, photos, argv[4]);
  fill_without_copies(query, photos, argv[4]);
  fill_by_stages(query, photos, argv[4]);
  look_up_tiny_images(query, photos, argv[4]);
  return 0;
} catch (const std::exception& failure) {
  std::cerr << "tutorial: " << failure.what() << '\n';
  return 1;
}
