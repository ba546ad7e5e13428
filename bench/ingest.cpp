/// \file
/// Photographs described a second, beside libjpeg-turbo's full decoding alone.
///
/// Three folders of JPEGs are made of the photographs given: 1024 x 768 enlarged ones (cropped to 4:3),
/// 1024 x 768 mosaics of nine crops at their own resolution (whose files are as large as a camera's), both at
/// quality 85 and 90 by turns with colors at half resolution (4:2:0), and the photographs as they are. Every
/// turn builds a collection of a folder from nothing, as users do: listing, reading, hashing, decoding,
/// thumbnails, descriptors, and bringing the columns to the disk. The limit reads the same files and decodes
/// them whole, with libjpeg-turbo's default settings and nothing else, on as many threads.

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iomanip>
#include <iostream>
#include <sstream>
#include <string>
#include <vector>
//
#include <jpeglib.h>

#include <lookalike/image/write.hpp>
#include <lookalike/retrieve/collection.hpp>

namespace {

using namespace lookalike;
namespace fs = std::filesystem;

struct settings {
  fs::path photos;
  fs::path json;
  int count = 512;
  int turns = 7;
};

settings read_arguments(int argc, char** argv) {
  settings result;
  if (const char* data = std::getenv("LOOKALIKE_DATA")) result.photos = fs::path(data) / "photos";
  for (int i = 1; i < argc; ++i) {
    const std::string name = argv[i];
    if (name == "--quick") {
      result.count = 128;
      result.turns = 3;
      continue;
    }
    require(i + 1 < argc, "ingest: given ", name, " without a value");
    const std::string value = argv[++i];
    if (name == "--photos") {
      result.photos = value;
    } else if (name == "--json") {
      result.json = value;
    } else if (name == "--count") {
      result.count = std::stoi(value);
    } else if (name == "--turns") {
      result.turns = std::stoi(value);
    } else if (name == "--threads") {
      set_threads(std::stoi(value));
    } else {
      throw value_error(
          sentence("ingest: given ", name,
                   ", wanted --photos FOLDER, --json FILE, --count N, --turns N, --threads N or --quick"));
    }
  }
  require(fs::is_directory(result.photos), "ingest: wanted --photos FOLDER, a folder of photographs");
  require(result.count > 0 && result.turns > 0, "ingest: wanted a --count and --turns of at least 1");
  return result;
}

/// A folder that is gone at the end.
struct temporary_folder {
  fs::path path;
  temporary_folder() {
    std::string name = (fs::temp_directory_path() / "lookalike_ingest_XXXXXX").string();
    require<file_error>(::mkdtemp(name.data()) != nullptr, "ingest: cannot make a temporary folder");
    path = name;
  }
  temporary_folder(const temporary_folder&) = delete;
  temporary_folder& operator=(const temporary_folder&) = delete;
  ~temporary_folder() {
    std::error_code ignored;
    fs::remove_all(path, ignored);
  }
};

/// `count` JPEGs, spread over the folder and those below it, whose shorter side is long enough for a tile.
std::vector<fs::path> choose(const fs::path& folder, int count) {
  constexpr int shortest = 256;
  std::vector<fs::path> all;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    const std::string extension = entry.path().extension().string();
    if (extension != ".jpg" && extension != ".jpeg" && extension != ".JPEG" && extension != ".JPG") continue;
    const image_size size = read_image_size(entry.path());
    if (size.height >= shortest && size.width >= shortest) all.push_back(entry.path());
  }
  std::sort(all.begin(), all.end());
  require(!all.empty(), "ingest: found no JPEG of at least 256 x 256 pixels in '", folder.string(), "'");
  std::vector<fs::path> chosen;
  const std::size_t wanted = std::min(all.size(), static_cast<std::size_t>(count));
  for (std::size_t i = 0; i < wanted; ++i) chosen.push_back(all[i * all.size() / wanted]);
  return chosen;
}

/// The middle of a picture.
byte_image middle(const byte_image& picture, int height, int width) {
  byte_image part(height, width);
  const int top = (picture.height() - height) / 2, left = (picture.width() - width) / 2;
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      for (int c = 0; c < 3; ++c) part(y, x, c) = picture(top + y, left + x, c);
    }
  }
  return part;
}

constexpr int made_height = 768;
constexpr int made_width = 1024;

byte_image enlarged(const fs::path& photo) {
  const byte_image picture = read_image_bytes(photo);
  const int height = std::min(picture.height(), picture.width() * 3 / 4);
  return resize(middle(picture, height, height * 4 / 3), made_height, made_width, resampling::bicubic);
}

byte_image mosaic(const std::vector<fs::path>& photos, std::size_t first) {
  constexpr int tiles = 3;
  byte_image whole(made_height, made_width);
  for (int tile = 0; tile < tiles * tiles; ++tile) {
    const int top = tile / tiles * made_height / tiles, bottom = (tile / tiles + 1) * made_height / tiles;
    const int left = tile % tiles * made_width / tiles, right = (tile % tiles + 1) * made_width / tiles;
    byte_image picture =
        read_image_bytes(photos[(first + static_cast<std::size_t>(tile) * 7) % photos.size()]);
    if (picture.width() < right - left) {  // an upright one that is narrow
      picture = resize(picture, picture.height() * (right - left) / picture.width() + 1, right - left,
                       resampling::bicubic);
    }
    const byte_image part = middle(picture, bottom - top, right - left);
    for (int y = top; y < bottom; ++y) {
      for (int x = left; x < right; ++x) {
        for (int c = 0; c < 3; ++c) whole(y, x, c) = part(y - top, x - left, c);
      }
    }
  }
  return whole;
}

void write_numbered(const fs::path& folder, std::size_t number, const byte_image& picture) {
  std::ostringstream name;
  name << std::setw(4) << std::setfill('0') << number << ".jpg";
  const auto bytes = encode_image(picture, picture_format::jpeg, {.quality = number % 2 == 0 ? 85 : 90});
  write_atomically(folder / name.str(), bytes);
}

/// Reads a file and decodes it at `eighths` of its size into `pixels`, by libjpeg-turbo alone.
void decode(const fs::path& path, unsigned eighths, std::vector<unsigned char>& pixels) {
  const std::vector<std::byte> file = read_file(path);
  jpeg_decompress_struct state{};
  jpeg_error_mgr errors{};
  state.err = jpeg_std_error(&errors);
  jpeg_create_decompress(&state);
  jpeg_mem_src(&state, reinterpret_cast<const unsigned char*>(file.data()),
               static_cast<unsigned long>(file.size()));
  jpeg_read_header(&state, TRUE);
  state.out_color_space = state.jpeg_color_space == JCS_YCCK   ? JCS_CMYK
                          : state.jpeg_color_space == JCS_CMYK ? JCS_CMYK
                                                               : JCS_RGB;
  state.scale_num = eighths;
  state.scale_denom = 8;
  jpeg_start_decompress(&state);
  const std::size_t pitch =
      std::size_t{state.output_width} * static_cast<std::size_t>(state.output_components);
  if (pixels.size() < pitch * state.output_height) pixels.resize(pitch * state.output_height);
  while (state.output_scanline < state.output_height) {
    JSAMPROW row = pixels.data() + pitch * state.output_scanline;
    jpeg_read_scanlines(&state, &row, 1);
  }
  jpeg_finish_decompress(&state);
  jpeg_destroy_decompress(&state);
}

void decode_all(const std::vector<fs::path>& files, unsigned eighths) {
  parallel_for(static_cast<std::int64_t>(files.size()), [&](std::int64_t i) {
    thread_local std::vector<unsigned char> pixels;
    decode(files[static_cast<std::size_t>(i)], eighths, pixels);
  });
}

/// Builds a collection from nothing.
void build(const fs::path& folder, const fs::path& store, const picture_encoder& encoder,
           std::size_t expected) {
  fs::remove_all(store);
  const auto photos = collection::build(folder, {.store = store, .encoder = encoder});
  require(static_cast<std::size_t>(photos.size()) == expected, "ingest: ", photos.size(), " of ", expected,
          " photographs were described");
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

struct contestant {
  std::string name;
  std::function<void()> work;
  std::vector<double> seconds{};
};

struct figure {
  std::string folder, work;
  double rate, ratio;
};

void run(int argc, char** argv) {
  const settings given = read_arguments(argc, argv);
  const std::vector<fs::path> photos = choose(given.photos, given.count);
  const temporary_folder scratch;
  const std::vector<std::string> folders{"1024 x 768, enlarged", "1024 x 768, mosaics", "as they are"};
  std::vector<fs::path> paths;
  for (std::size_t i = 0; i < folders.size(); ++i) {
    paths.push_back(scratch.path / std::to_string(i));
    fs::create_directory(paths.back());
  }
  std::cerr << "making the folders\n";
  parallel_for(static_cast<std::int64_t>(photos.size()), [&](std::int64_t i) {
    const auto at = static_cast<std::size_t>(i);
    write_numbered(paths[0], at, enlarged(photos[at]));
    write_numbered(paths[1], at, mosaic(photos, at));
    fs::copy_file(photos[at], paths[2] / (std::to_string(at) + ".jpg"));
  });

  const picture_encoder with_gist(gist), with_scene(scene_descriptor), with_nothing(thumbnails_only);
  std::vector<figure> figures;
  std::ostringstream table;
  table << std::fixed << std::setprecision(2)
        << "| photographs | files | work | photographs/s | over full decoding |\n| --- | --- | --- | --- | "
           "--- |\n";
  for (std::size_t folder = 0; folder < folders.size(); ++folder) {
    std::vector<fs::path> files;
    std::uintmax_t bytes = 0;
    for (const auto& entry : fs::directory_iterator(paths[folder])) {
      files.push_back(entry.path());
      bytes += entry.file_size();
    }
    const fs::path store = scratch.path / "store";
    const auto building = [&](const picture_encoder& encoder) {
      return [&, folder] { build(paths[folder], store, encoder, files.size()); };
    };
    std::vector<contestant> all{{"libjpeg-turbo, full decoding alone", [&] { decode_all(files, 8); }},
                                {"libjpeg-turbo, 1/8 alone", [&] { decode_all(files, 1); }},
                                {"collection: thumbnails", building(with_nothing)},
                                {"collection: thumbnails and gist", building(with_gist)},
                                {"collection: thumbnails and scene descriptors", building(with_scene)}};
    for (int turn = 0; turn <= given.turns; ++turn) {  // the first warms up
      std::cerr << folders[folder] << ": turn " << turn << " of " << given.turns << '\n';
      for (std::size_t i = 0; i < all.size(); ++i) {
        contestant& one = all[turn % 2 == 0 ? i : all.size() - 1 - i];
        const auto start = std::chrono::steady_clock::now();
        one.work();
        const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start;
        if (turn > 0) one.seconds.push_back(taken.count());
      }
    }
    const double limit = median(all[0].seconds);
    for (const contestant& one : all) {
      const double seconds = median(one.seconds);
      figures.push_back(
          {folders[folder], one.name, static_cast<double>(files.size()) / seconds, limit / seconds});
      table << "| " << folders[folder] << " | " << files.size() << " of " << bytes / files.size() / 1024
            << " KB | " << one.name << " | " << std::setprecision(0) << figures.back().rate << " | "
            << std::setprecision(2) << figures.back().ratio << " |\n";
    }
  }
  std::cout << table.str() << "\nThreads: " << threads() << ", turns: " << given.turns << ".\n\n";
  if (!given.json.empty()) {
    std::ofstream json(given.json);
    json << "{\"threads\": " << threads() << ", \"turns\": " << given.turns << ", \"figures\": [";
    for (std::size_t i = 0; i < figures.size(); ++i) {
      const figure& f = figures[i];
      json << (i == 0 ? "" : ", ") << "{\"photographs\": \"" << f.folder << "\", \"work\": \"" << f.work
           << "\", \"photographs_a_second\": " << f.rate << ", \"over_full_decoding\": " << f.ratio << "}";
    }
    json << "]}\n";
  }
  std::cout << std::fixed << std::setprecision(2)
            << "ingest: of full decoding's rate, at 1024 x 768 (enlarged, mosaics): " << figures[3].ratio
            << ", " << figures[8].ratio << " with gist and thumbnails, " << figures[2].ratio << ", "
            << figures[7].ratio << " with thumbnails alone\n";
}

}  // namespace

int main(int argc, char** argv) {
  try {
    run(argc, argv);
  } catch (const std::exception& failure) {
    std::cerr << failure.what() << '\n';
    return 1;
  }
  return 0;
}
