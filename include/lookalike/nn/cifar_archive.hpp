#pragma once

/// \file
/// CIFAR-10 out of archives of JPEG or PNG pictures, one folder for each class, the form in which it is
/// passed around in small. (Pictures that went through JPEG are not quite those of the binary records.)

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <string>
#include <vector>

#include <lookalike/core/error.hpp>
#include <lookalike/core/parallel.hpp>
#include <lookalike/core/random.hpp>
#include <lookalike/core/tensor.hpp>
#include <lookalike/image/image.hpp>
#include <lookalike/image/read.hpp>
#include <lookalike/nn/cifar.hpp>
#include <lookalike/nn/detail/tar_archive.hpp>

namespace lookalike {

/// The pictures in a tar archive, packed by gzip or not: files named .../<class>/<anything>.jpg (or .jpeg or
/// .png), the class one of `cifar10_classes`; other files are ignored. They come in random order, always the
/// same, so that the first `at_most` are a fair sample; only these are decoded. Throws `file_error` when the
/// archive is damaged or has no picture, a picture is in a folder of another name or not 32x32.
inline labeled_pictures read_cifar10_archive(
    const std::filesystem::path& path, std::int64_t at_most = std::numeric_limits<std::int64_t>::max()) {
  require(at_most >= 0, "read_cifar10_archive: given at most ", at_most, " pictures, wanted at least 0");
  struct packed_picture {
    int label = 0;
    detail::archived_file file;
  };
  std::vector<packed_picture> packed;
  detail::tar_archive archive(path);
  while (auto file = archive.next()) {
    const std::filesystem::path name(file->name);
    const auto kind = name.extension();
    if (kind != ".jpg" && kind != ".jpeg" && kind != ".png") continue;
    const auto found =
        std::find(cifar10_classes.begin(), cifar10_classes.end(), name.parent_path().filename().string());
    require<file_error>(found != cifar10_classes.end(), "cannot read '", path.string(), "': '", file->name,
                        "' is in no folder named after a class of CIFAR-10");
    packed.push_back({static_cast<int>(found - cifar10_classes.begin()), std::move(*file)});
  }
  require<file_error>(!packed.empty(), "cannot read '", path.string(), "': it has no picture, wanted some");

  const auto order = random_sequence(0).permutation(std::ssize(packed));
  const std::int64_t count = std::min(std::ssize(packed), at_most);
  labeled_pictures result{
      tensor<std::uint8_t>(count, detail::cifar_channels, detail::cifar_side, detail::cifar_side),
      std::vector<int>(static_cast<std::size_t>(count))};
  constexpr std::int64_t block = 256;
  parallel_for((count + block - 1) / block, [&](std::int64_t i) {
    for (std::int64_t n = i * block; n < std::min(count, (i + 1) * block); ++n) {
      const auto& [label, file] = packed[static_cast<std::size_t>(order[static_cast<std::size_t>(n)])];
      const byte_image picture = decode_image_bytes(file.bytes, {}, path.string() + ": " + file.name);
      require<file_error>(picture.height() == detail::cifar_side && picture.width() == detail::cifar_side,
                          "cannot read '", path.string(), "': '", file.name, "' has ", picture.height(), "x",
                          picture.width(), " pixels, wanted 32x32");
      result.labels[static_cast<std::size_t>(n)] = label;
      for (int c = 0; c < 3; ++c)
        for (int y = 0; y < detail::cifar_side; ++y)
          for (int x = 0; x < detail::cifar_side; ++x) result.pictures(n, c, y, x) = picture(y, x, c);
    }
  });
  return result;
}

/// One split of CIFAR-10 in whatever form the folder has it: binary records as `read_cifar10` finds them, or
/// else `cifar10-train.tar.gz` and `cifar10-test.tar.gz`. At most `at_most` pictures. Throws `file_error`.
inline labeled_pictures load_cifar10(const std::filesystem::path& folder, data_split split,
                                     std::int64_t at_most = std::numeric_limits<std::int64_t>::max()) {
  const auto archive = folder / (split == data_split::train ? "cifar10-train.tar.gz" : "cifar10-test.tar.gz");
  std::error_code ignored;
  if (detail::cifar_files(folder, split).empty() && std::filesystem::is_regular_file(archive, ignored))
    return read_cifar10_archive(archive, at_most);
  return read_cifar10(folder, split, at_most);
}

}  // namespace lookalike
