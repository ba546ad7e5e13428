#pragma once

/// \file
/// A small typeface for captions: the printable characters of ASCII, 5 pixels wide and 9 high, of which 2 lie
/// below the baseline.

#include <array>
#include <cstddef>
#include <cstdint>

namespace lookalike::detail {

struct typeface {
  static constexpr int glyph_width = 5;
  static constexpr int glyph_height = 9;
  static constexpr int advance = 6;       // from one character to the next
  static constexpr int line_height = 12;  // from one line to the next
  static constexpr char first = ' ';
  static constexpr char last = '~';

  /// One number a character, from space on. Bit 5 y + x is the pixel in row y, column x.
  static constexpr std::array<std::uint64_t, 95> glyphs{
      // clang-format off
      0x000000000000, 0x000100421084, 0x00000000294a, 0x000295f57d4a, 0x00011f4717c4, 0x000672222273,
      0x000593511526, 0x000000001084, 0x000208210888, 0x000088842082, 0x000009575480, 0x0000084f9080,
      0x001118000000, 0x000000070000, 0x00018c000000, 0x000042222210, 0x0003a33ae62e, 0x0003884210c4,
      0x0007c444422e, 0x0003a306422e, 0x000211f4a988, 0x0003a3083c3f, 0x0003a317844c, 0x00010842221f,
      0x0003a317462e, 0x0001910f462e, 0x00000c6018c0, 0x000088c03180, 0x000208208888, 0x000001f07c00,
      0x000088882082, 0x00010044422e, 0x000383daf62e, 0x0004631fc62e, 0x0003e317c62f, 0x0003a210862e,
      0x0003e318c62f, 0x0007c217843f, 0x00004217843f, 0x0003a31e862e, 0x0004631fc631, 0x00038842108e,
      0x00019284211c, 0x000452519531, 0x0007c2108421, 0x0004631ad771, 0x0004739ace71, 0x0003a318c62e,
      0x00004217c62f, 0x00059358c62e, 0x00045257c62f, 0x0003a307062e, 0x00010842109f, 0x0003a318c631,
      0x000114a8c631, 0x0004775ac631, 0x000462a22a31, 0x000108422a31, 0x0007c222221f, 0x00038421084e,
      0x000420820821, 0x00039084210e, 0x000000004544, 0x00f800000000, 0x000000000082, 0x0007a3e83800,
      0x0003e318bc21, 0x0003a218b800, 0x0007a318fa10, 0x000383f8b800, 0x000084278a4c, 0x0e87a318f800,
      0x00046319b421, 0x000388421804, 0x064a10843008, 0x00024a32a421, 0x000388421086, 0x00056b5aac00,
      0x00046319b400, 0x0003a318b800, 0x010be318bc00, 0x1087a318f800, 0x00004219b400, 0x0003e0e0f800,
      0x000324213c42, 0x0005b318c400, 0x00011518c400, 0x0002ab58c400, 0x000454454400, 0x0e87a318c400,
      0x0007c4447c00, 0x000608411098, 0x000108421084, 0x0000c8441083, 0x0000009ac800
      // clang-format on
  };

  /// Whether character `letter`, which must be printable, has ink at row `y`, column `x`.
  static constexpr bool has_ink(char letter, int y, int x) {
    return (glyphs[static_cast<std::size_t>(letter - first)] >> (glyph_width * y + x) & 1) != 0;
  }
};

}  // namespace lookalike::detail
