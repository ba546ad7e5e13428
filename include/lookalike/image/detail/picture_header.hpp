#pragma once

/// \file
/// What the first bytes of a picture file say: its kind, its extent, and which way up it is meant to be seen.
/// JPEG: ITU-T T.81, annex B (markers). Orientation: Exif 2.3, section 4.6.4, tag 274, inside a TIFF
/// structure. PNG: W3C Portable Network Graphics, section 11.2.2 (IHDR).

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <lookalike/core/error.hpp>

namespace lookalike::detail {

using byte_view = std::span<const std::byte>;

enum class picture_kind { jpeg, png, unknown };

inline unsigned byte_at(byte_view bytes, std::size_t at) {
  return std::to_integer<unsigned>(bytes[at]);
}
inline unsigned big_endian_16(byte_view bytes, std::size_t at) {
  return byte_at(bytes, at) << 8 | byte_at(bytes, at + 1);
}
inline std::uint32_t big_endian_32(byte_view bytes, std::size_t at) {
  return big_endian_16(bytes, at) << 16 | big_endian_16(bytes, at + 2);
}
inline bool has_text_at(byte_view bytes, std::size_t at, std::string_view text) {
  return bytes.size() >= at + text.size() && std::memcmp(bytes.data() + at, text.data(), text.size()) == 0;
}

inline picture_kind kind_of(byte_view bytes) {
  if (has_text_at(bytes, 0, "\xFF\xD8\xFF")) return picture_kind::jpeg;
  if (has_text_at(bytes, 0, "\x89PNG\r\n\x1A\n")) return picture_kind::png;
  return picture_kind::unknown;
}

/// What bytes that are neither JPEG nor PNG look like, in words for an error message.
inline std::string describe_unknown(byte_view bytes) {
  if (bytes.empty()) return "an empty file";
  if (has_text_at(bytes, 0, "GIF8")) return "a GIF";
  if (has_text_at(bytes, 0, "BM")) return "a BMP";
  if (has_text_at(bytes, 0, "II*") || has_text_at(bytes, 0, "MM")) return "a TIFF or raw file";
  if (has_text_at(bytes, 0, "RIFF") && has_text_at(bytes, 8, "WEBP")) return "a WebP";
  if (has_text_at(bytes, 4, "ftyp")) return "a HEIC, AVIF or film";
  if (has_text_at(bytes, 0, "%PDF")) return "a PDF";
  std::string text = "a file that starts with the bytes";
  for (std::size_t i = 0; i < bytes.size() && i < 4; ++i) {
    constexpr std::string_view digits = "0123456789abcdef";
    text += {' ', digits[byte_at(bytes, i) >> 4], digits[byte_at(bytes, i) & 15]};
  }
  return text;
}

/// The orientation (1-8) inside a TIFF structure, 1 where it says nothing or makes no sense.
inline int tiff_orientation(byte_view tiff) {
  const bool little = has_text_at(tiff, 0, std::string_view("II*\0", 4));
  if (!little && !has_text_at(tiff, 0, std::string_view("MM\0*", 4))) return 1;
  const auto read_16 = [&](std::size_t at) {
    return little ? byte_at(tiff, at) | byte_at(tiff, at + 1) << 8 : big_endian_16(tiff, at);
  };
  const auto read_32 = [&](std::size_t at) {
    return little ? read_16(at) | read_16(at + 2) << 16 : big_endian_32(tiff, at);
  };
  if (tiff.size() < 8) return 1;
  const std::size_t directory = read_32(4);
  if (directory + 2 > tiff.size()) return 1;
  const std::size_t entries = read_16(directory);
  constexpr std::size_t entry_size = 12;
  constexpr unsigned orientation_tag = 274;
  constexpr unsigned type_short = 3;
  for (std::size_t i = 0; i < entries; ++i) {
    const std::size_t entry = directory + 2 + i * entry_size;
    if (entry + entry_size > tiff.size()) return 1;
    if (read_16(entry) != orientation_tag) continue;
    const unsigned value = read_16(entry + 8);
    return read_16(entry + 2) == type_short && value >= 1 && value <= 8 ? static_cast<int>(value) : 1;
  }
  return 1;
}

/// Extent as stored (before the orientation is applied) and orientation, 1-8.
struct picture_header {
  std::int64_t height = 0;
  std::int64_t width = 0;
  int orientation = 1;
  /// Orientations 5-8 exchange rows and columns.
  bool is_transposed() const { return orientation >= 5; }
};

/// Walks the markers of a JPEG up to its frame header. Nothing when the bytes end before it.
inline std::optional<picture_header> jpeg_header(byte_view bytes) {
  picture_header header;
  bool orientation_known = false;
  std::size_t at = 2;
  for (;;) {
    while (at < bytes.size() && byte_at(bytes, at) != 0xFF) ++at;  // libjpeg skips stray bytes as well
    while (at < bytes.size() && byte_at(bytes, at) == 0xFF) ++at;  // fill bytes
    if (at >= bytes.size()) return {};
    const unsigned marker = byte_at(bytes, at++);
    const bool stands_alone = marker == 0 || marker == 1 || (marker >= 0xD0 && marker <= 0xD8);
    if (stands_alone) continue;
    if (marker == 0xD9 || marker == 0xDA || at + 2 > bytes.size()) return {};  // end, or scan without a frame
    const std::size_t length = big_endian_16(bytes, at);
    if (length < 2 || at + length > bytes.size()) return {};
    const byte_view segment = bytes.subspan(at + 2, length - 2);
    // 0xC0-0xCF are frame headers, but for Huffman tables, extensions and arithmetic conditioning.
    if (marker >= 0xC0 && marker <= 0xCF && marker != 0xC4 && marker != 0xC8 && marker != 0xCC) {
      if (segment.size() < 5) return {};
      header.height = big_endian_16(segment, 1);
      header.width = big_endian_16(segment, 3);
      return header;
    }
    if (marker == 0xE1 && !orientation_known && has_text_at(segment, 0, std::string_view("Exif\0\0", 6))) {
      header.orientation = tiff_orientation(segment.subspan(6));
      orientation_known = true;
    }
    at += length;
  }
}

inline std::optional<picture_header> png_header(byte_view bytes) {
  if (bytes.size() < 24 || !has_text_at(bytes, 12, "IHDR")) return {};
  return picture_header{.height = big_endian_32(bytes, 20), .width = big_endian_32(bytes, 16)};
}

/// The header of a JPEG or PNG; nothing when `bytes` ends before it or is neither.
inline std::optional<picture_header> read_picture_header(byte_view bytes) {
  switch (kind_of(bytes)) {
    case picture_kind::jpeg:
      return jpeg_header(bytes);
    case picture_kind::png:
      return png_header(bytes);
    case picture_kind::unknown:
      break;
  }
  return {};
}

}  // namespace lookalike::detail
