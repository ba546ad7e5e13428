#pragma once

/// \file
/// Pictures from JPEG and PNG files, through libjpeg(-turbo) and libpng.
///
/// JPEG: baseline, progressive, gray, CMYK and YCCK (converted without color profiles, as most viewers do).
/// PNG: 1 to 16 bits, palette, gray, alpha, interlaced. All come out as sRGB; embedded profiles are ignored.
/// Every function may be called from many threads at once.

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <span>
#include <string>
#include <string_view>

#include <lookalike/core/files.hpp>
#include <lookalike/image/detail/jpeg_decoder.hpp>
#include <lookalike/image/detail/orientation.hpp>
#include <lookalike/image/detail/picture_header.hpp>
#include <lookalike/image/detail/png_decoder.hpp>
#include <lookalike/image/image.hpp>
#include <lookalike/image/mask.hpp>
#include <lookalike/image/size.hpp>

namespace lookalike {

/// How a picture file becomes pixels.
struct decode_options {
  /// A JPEG is decoded at the smallest of 1/8, 2/8 ... 8/8 of its size whose shorter side has at least this
  /// many pixels, which is several times faster than decoding all of it. 0: full size. No effect on PNG.
  int at_least = 0;
  /// Turns JPEGs upright as their Exif orientation says.
  bool apply_orientation = true;
  /// Takes pictures with missing or damaged data; what is missing is gray (JPEG) or black (PNG).
  bool accept_damaged = false;
  /// What shows through transparent pixels: red, green, blue in [0, 1]. Mixed in sRGB values.
  std::array<float, 3> background{1, 1, 1};
  /// A file that claims more pixels is refused before memory for it is taken.
  std::int64_t max_pixels = std::int64_t{1} << 28;
};

/// Which pixels of a picture file a mask calls missing.
enum class mask_rule {
  automatic,   ///< `transparent` if any pixel is, otherwise `light`
  light,       ///< gray value above 127 of 255; where no value exceeds 1 (a label map), above 0
  transparent  ///< alpha up to 127 of 255: what an eraser left
};

namespace detail {

constexpr std::uint64_t largest_picture_file = std::uint64_t{1} << 30;

inline void check(const decode_options& options) {
  require(options.at_least >= 0, "decode_options.at_least: given ", options.at_least, ", wanted at least 0");
  require(options.max_pixels > 0, "decode_options.max_pixels: given ", options.max_pixels,
          ", wanted at least 1");
  for (float value : options.background) {
    require(value >= 0 && value <= 1, "decode_options.background: given ", value,
            ", wanted values in [0, 1]");
  }
}

template <class Decoder>
void require_extent(const Decoder& decoder, std::string_view name, std::int64_t max_pixels) {
  const std::int64_t height = decoder.height();
  const std::int64_t width = decoder.width();
  require<file_error>(height > 0 && width > 0, "cannot read '", name, "': found a picture of ", height, "x",
                      width, " (height x width), wanted at least one pixel");
  require<file_error>(height <= max_pixels / width, "cannot read '", name, "': found a header of ", height,
                      "x", width, " (height x width), wanted at most ", max_pixels, " pixels");
}

[[noreturn]] inline void throw_unknown(byte_view bytes, std::string_view name) {
  throw file_error(
      sentence("cannot read '", name, "': found ", describe_unknown(bytes), ", wanted JPEG or PNG"));
}

inline byte_image decode_jpeg(byte_view bytes, std::string_view name, const decode_options& options) {
  jpeg_decoder decoder(bytes, name);
  require_extent(decoder, name, options.max_pixels);
  byte_image picture = decoder.decode(options.at_least);
  require<file_error>(options.accept_damaged || decoder.damage().empty(), "cannot read '", name,
                      "': found a truncated or damaged JPEG (", decoder.damage(), "), wanted a complete one");
  if (!options.apply_orientation) return picture;
  const auto header = jpeg_header(bytes);
  return oriented(std::move(picture), header ? header->orientation : 1);
}

/// `Value` as stored (8 or 16 bits) over `background`, as `Target`: bytes, or floats in [0, 1].
template <class Target, class Value>
image<3, Target> flatten_alpha(const png_pixels<Value>& pixels, const std::array<float, 3>& background) {
  constexpr auto largest = static_cast<float>(static_cast<Value>(~Value{0}));
  constexpr float to_target = std::is_same_v<Target, float> ? 1.0f / largest : 255.0f / largest;
  constexpr float rounding = std::is_same_v<Target, float> ? 0.0f : 0.5f;
  image<3, Target> picture(pixels.height, pixels.width);
  const auto channels = static_cast<std::size_t>(pixels.channels);
  const auto area = static_cast<std::size_t>(picture.area());
  for (std::size_t i = 0; i < area; ++i) {
    const Value* source = pixels.values.data() + i * channels;
    const float alpha = channels == 4 ? static_cast<float>(source[3]) / largest : 1.0f;
    for (std::size_t c = 0; c < 3; ++c) {
      const float mixed = alpha * static_cast<float>(source[c]) + (1 - alpha) * largest * background[c];
      picture.data()[3 * i + c] = static_cast<Target>(mixed * to_target + rounding);
    }
  }
  return picture;
}

template <class Target>
image<3, Target> decode_png(byte_view bytes, std::string_view name, const decode_options& options) {
  png_decoder decoder(bytes, name);
  require_extent(decoder, name, options.max_pixels);
  if (std::is_same_v<Target, float> && decoder.has_16_bits()) {
    return flatten_alpha<Target>(decoder.decode<std::uint16_t>(options.accept_damaged), options.background);
  }
  return flatten_alpha<Target>(decoder.decode<std::uint8_t>(options.accept_damaged), options.background);
}

}  // namespace detail

/// The picture in the bytes of a JPEG or PNG file, as bytes. `name` stands for it in messages.
/// Throws `file_error` when the bytes are no such picture, are damaged, or claim too many pixels.
inline byte_image decode_image_bytes(std::span<const std::byte> bytes, const decode_options& options = {},
                                     std::string_view name = "picture in memory") {
  detail::check(options);
  switch (detail::kind_of(bytes)) {
    case detail::picture_kind::jpeg:
      return detail::decode_jpeg(bytes, name, options);
    case detail::picture_kind::png:
      return detail::decode_png<std::uint8_t>(bytes, name, options);
    case detail::picture_kind::unknown:
      break;
  }
  detail::throw_unknown(bytes, name);
}

/// The same as floats in [0, 1]; 16-bit PNGs keep their precision.
inline image<3> decode_image(std::span<const std::byte> bytes, const decode_options& options = {},
                             std::string_view name = "picture in memory") {
  detail::check(options);
  switch (detail::kind_of(bytes)) {
    case detail::picture_kind::jpeg:
      return to_float(detail::decode_jpeg(bytes, name, options));
    case detail::picture_kind::png:
      return detail::decode_png<float>(bytes, name, options);
    case detail::picture_kind::unknown:
      break;
  }
  detail::throw_unknown(bytes, name);
}

/// The mask in the bytes of a JPEG or PNG file: 255 where a pixel is missing by `rule`, 0 elsewhere.
inline mask decode_mask(std::span<const std::byte> bytes, mask_rule rule = mask_rule::automatic,
                        const decode_options& options = {}, std::string_view name = "mask in memory") {
  detail::check(options);
  detail::png_pixels<std::uint8_t> pixels;
  switch (detail::kind_of(bytes)) {
    case detail::picture_kind::jpeg: {
      const byte_image picture = detail::decode_jpeg(bytes, name, options);
      pixels = {picture.height(), picture.width(), 3, {picture.values().begin(), picture.values().end()}};
      break;
    }
    case detail::picture_kind::png: {
      detail::png_decoder decoder(bytes, name);
      detail::require_extent(decoder, name, options.max_pixels);
      pixels = decoder.decode<std::uint8_t>(options.accept_damaged);
      break;
    }
    case detail::picture_kind::unknown:
      detail::throw_unknown(bytes, name);
  }

  mask hole(pixels.height, pixels.width);
  const auto channels = static_cast<std::size_t>(pixels.channels);
  const auto area = static_cast<std::size_t>(hole.area());
  bool any_transparent = false;
  for (std::size_t i = 0; channels == 4 && i < area; ++i) any_transparent |= pixels.values[4 * i + 3] <= 127;
  if (rule == mask_rule::transparent || (rule == mask_rule::automatic && any_transparent)) {
    for (std::size_t i = 0; i < area; ++i) {
      hole.data()[i] = channels == 4 && pixels.values[4 * i + 3] <= 127 ? 255 : 0;
    }
    return hole;
  }
  int lightest = 0;
  for (std::size_t i = 0; i < area; ++i) {
    const std::uint8_t* pixel = pixels.values.data() + i * channels;
    const int gray = (2125 * pixel[0] + 7154 * pixel[1] + 721 * pixel[2] + 5000) / 10000;
    hole.data()[i] = static_cast<std::uint8_t>(gray);
    lightest = std::max(lightest, gray);
  }
  const int threshold = lightest <= 1 ? 0 : 127;
  for (std::uint8_t& value : hole.values()) value = value > threshold ? 255 : 0;
  return hole;
}

/// A picture file as bytes. Throws `file_error`, with the path, what was found and what was wanted.
inline byte_image read_image_bytes(const std::filesystem::path& path, const decode_options& options = {}) {
  return decode_image_bytes(read_file(path, detail::largest_picture_file), options, path.string());
}

/// A picture file as floats in [0, 1]. Throws `file_error`, with the path, what was found and what was
/// wanted.
inline image<3> read_image(const std::filesystem::path& path, const decode_options& options = {}) {
  return decode_image(read_file(path, detail::largest_picture_file), options, path.string());
}

/// A mask from any picture file: 255 where a pixel is missing by `rule`, 0 elsewhere. Throws `file_error`.
inline mask read_mask(const std::filesystem::path& path, mask_rule rule = mask_rule::automatic,
                      const decode_options& options = {}) {
  return decode_mask(read_file(path, detail::largest_picture_file), rule, options, path.string());
}

/// The extent of the picture in a file, from its header alone; with `apply_orientation`, of the picture
/// turned upright, as `read_image` returns it at full size. Throws `file_error` when there is no header.
inline image_size read_image_size(const std::filesystem::path& path, bool apply_orientation = true) {
  // Headers of photographs carry thumbnails and profiles: try a beginning first, then all of the file.
  constexpr std::size_t usual_header = 128 << 10;
  std::vector<std::byte> bytes;
  {
    std::ifstream file(path, std::ios::binary);
    bytes.resize(usual_header);
    file.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
    bytes.resize(static_cast<std::size_t>(file.gcount()));
  }
  auto header = detail::read_picture_header(bytes);
  if (!header && (bytes.empty() || bytes.size() == usual_header)) {
    bytes = read_file(path, detail::largest_picture_file);  // and, if that fails, says why
    header = detail::read_picture_header(bytes);
  }
  const std::string name = path.string();
  if (detail::kind_of(bytes) == detail::picture_kind::unknown) detail::throw_unknown(bytes, name);
  require<file_error>(header.has_value(), "cannot read '", name,
                      "': found a file that ends before the picture's size, wanted a complete one");
  constexpr std::int64_t largest_extent = 0x7fffffff;
  require<file_error>(header->height > 0 && header->width > 0 && header->height <= largest_extent &&
                          header->width <= largest_extent,
                      "cannot read '", name, "': found a header of ", header->height, "x", header->width,
                      " (height x width), wanted extents from 1 to ", largest_extent);
  const image_size stored{static_cast<int>(header->height), static_cast<int>(header->width)};
  return apply_orientation && header->is_transposed() ? image_size{stored.width, stored.height} : stored;
}

}  // namespace lookalike
