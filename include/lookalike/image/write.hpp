#pragma once

/// \file
/// Pictures into JPEG and PNG files, through libjpeg(-turbo) and libpng. A file appears complete or not at
/// all (core/files.hpp).

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include <lookalike/core/files.hpp>
#include <lookalike/image/detail/jpeg_encoder.hpp>
#include <lookalike/image/detail/png_encoder.hpp>
#include <lookalike/image/image.hpp>
#include <lookalike/image/mask.hpp>

namespace lookalike {

/// How pixels become a picture file.
struct encode_options {
  /// JPEG, 1 to 100. Above 90 color is kept at full resolution.
  int quality = 95;
  /// Bits a value, 8 or 16. 16 is for PNG, and for floats.
  int bits = 8;
  /// PNG, 0 (none) to 9.
  int compression = 6;
};

enum class picture_format { jpeg, png };

/// The format that a file's extension asks for: .jpg, .jpeg or .png, in any case.
/// Throws `file_error` for any other.
inline picture_format format_of(const std::filesystem::path& path) {
  std::string extension = path.extension().string();
  for (char& letter : extension) {
    if (letter >= 'A' && letter <= 'Z') letter = static_cast<char>(letter - 'A' + 'a');
  }
  if (extension == ".jpg" || extension == ".jpeg") return picture_format::jpeg;
  if (extension == ".png") return picture_format::png;
  throw file_error(sentence("cannot write '", path.string(), "': given the extension '", extension,
                            "', wanted .jpg, .jpeg or .png"));
}

/// The bytes of a picture file. Bytes are stored as they are. Floats in [0, 1] are rounded, values beyond
/// are clamped. `name` stands for the file in messages. Throws `value_error` for an empty picture, NaN or
/// options out of range, `file_error` where the format has no room (65,500 pixels a side in JPEG).
template <int Channels, class Value>
std::vector<std::byte> encode_image(const image<Channels, Value>& picture, picture_format format,
                                    const encode_options& options = {},
                                    std::string_view name = "picture in memory") {
  static_assert(Channels == 1 || Channels == 3, "files hold gray (1 channel) or color (3 channels)");
  static_assert(std::is_same_v<Value, float> || std::is_same_v<Value, std::uint8_t>);
  require(!picture.empty(), "cannot write '", name, "': given an empty picture, wanted at least one pixel");
  require(options.quality >= 1 && options.quality <= 100, "encode_options.quality: given ", options.quality,
          ", wanted 1 to 100");
  require(options.compression >= 0 && options.compression <= 9, "encode_options.compression: given ",
          options.compression, ", wanted 0 to 9");
  const bool may_have_16_bits = format == picture_format::png && std::is_same_v<Value, float>;
  require(options.bits == 8 || (options.bits == 16 && may_have_16_bits), "encode_options.bits: given ",
          options.bits, ", wanted 8, or 16 for floats in a PNG");
  if constexpr (std::is_same_v<Value, float>) {
    for (float value : picture.values()) {
      require(!std::isnan(value), "cannot write '", name, "': given NaN, wanted values in [0, 1]");
    }
    if (options.bits == 16) {
      image<Channels, std::uint16_t> fine(picture.height(), picture.width());
      for (std::size_t i = 0; i < fine.values().size(); ++i) {
        const float value = picture.values()[i];
        const float clamped = value < 0.0f ? 0.0f : value > 1.0f ? 1.0f : value;
        fine.values()[i] = static_cast<std::uint16_t>(clamped * 65535.0f + 0.5f);
      }
      return detail::png_encoder(name).encode(fine, options.compression);
    }
    return encode_image(to_bytes(picture), format, options, name);
  } else {
    return format == picture_format::jpeg ? detail::jpeg_encoder(name).encode(picture, options.quality)
                                          : detail::png_encoder(name).encode(picture, options.compression);
  }
}

/// Writes a picture in the format of the path's extension; see `encode_image`. Throws `file_error` when that
/// cannot be: another extension, a missing or protected folder, a full disk. An old file then stays.
template <int Channels, class Value>
void write_image(const std::filesystem::path& path, const image<Channels, Value>& picture,
                 const encode_options& options = {}) {
  write_atomically(path, encode_image(picture, format_of(path), options, path.string()));
}

/// Writes a mask as a gray picture: white where a pixel is missing, black elsewhere. Prefer PNG.
inline void write_mask(const std::filesystem::path& path, const mask& hole,
                       const encode_options& options = {}) {
  mask visible(hole.height(), hole.width());
  for (std::size_t i = 0; i < hole.values().size(); ++i)
    visible.values()[i] = hole.values()[i] != 0 ? 255 : 0;
  write_image(path, visible, options);
}

}  // namespace lookalike
