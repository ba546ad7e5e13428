#pragma once

/// \file
/// From the bytes of a file to what a collection keeps of a photograph: its thumbnail and its descriptors.

#include <algorithm>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <lookalike/image/read.hpp>
#include <lookalike/retrieve/descriptor.hpp>
#include <lookalike/retrieve/picture_encoder.hpp>
#include <lookalike/retrieve/thumbnail.hpp>

namespace lookalike::detail {

struct described_photograph {
  byte_image thumbnail;
  std::vector<descriptor> values;  ///< of each encoder
};

/// The eighths of its size at which a JPEG of `height` x `width` pixels is decoded to have `side` pixels on
/// its shorter side: 1, 2 or 4, for which libjpeg-turbo has vector code, otherwise all 8. It takes longer for
/// 3 than for 4, and for 5 to 7 than for 8.
inline int sufficient_eighths(std::int64_t height, std::int64_t width, std::int64_t side) {
  for (const int eighths : {1, 2, 4}) {
    if (std::min(height, width) * eighths >= 8 * side) return eighths;
  }
  return 8;
}

/// Decodes no more than thumbnail and descriptors profit from. Throws `file_error` as `decode_image` does,
/// and what an encoder throws.
inline described_photograph describe_photograph(std::span<const picture_encoder* const> encoders,
                                                byte_view bytes, const std::string& name) {
  described_photograph result;
  const auto encode_all = [&](const auto& picture) {
    for (const picture_encoder* encoder : encoders) result.values.push_back((*encoder)(picture));
  };
  const auto header = kind_of(bytes) == picture_kind::jpeg ? jpeg_header(bytes) : std::nullopt;
  if (!header) {
    const image<3> picture = decode_image(bytes, {}, name);
    result.thumbnail = make_thumbnail(picture);
    encode_all(picture);
    return result;
  }
  // A thumbnail of so many pixels that none of them counts for several parts is nearly that of all.
  int side = 3 * thumbnail_side;
  for (const picture_encoder* encoder : encoders) side = std::max(side, encoder->sufficient_side());
  const int eighths = sufficient_eighths(header->height, header->width, side);
  const std::int64_t shorter = std::min(header->height, header->width);
  const int at_least = eighths == 8 ? 0 : static_cast<int>((shorter * eighths + 7) / 8);
  byte_image picture = decode_image_bytes(bytes, {.at_least = at_least, .apply_orientation = false}, name);
  // The last pixels of a fraction may lie partly outside; taken for whole ones they would shift the
  // thumbnail.
  const auto covered = [&](std::int64_t full, int pixels) {
    const double extent = static_cast<double>(full * eighths) / 8;
    const bool is_theirs = extent > pixels - 1 && extent <= pixels;  // libjpeg may see another header
    return is_theirs ? extent : static_cast<double>(pixels);
  };
  const byte_image thumbnail = to_bytes(resized(picture, covered(header->height, picture.height()),
                                                covered(header->width, picture.width()), thumbnail_side,
                                                thumbnail_side, resampling::area, true));
  result.thumbnail = oriented(thumbnail, header->orientation);
  encode_all(oriented(std::move(picture), header->orientation));
  return result;
}

}  // namespace lookalike::detail
