#include <cstddef>
#include <random>
#include <span>
#include <vector>

#include <catch2/catch.hpp>

#include <lookalike/image/detail/picture_header.hpp>

using namespace lookalike;

namespace {

std::vector<std::byte> bytes_of(const std::vector<int>& values) {
  std::vector<std::byte> bytes;
  for (int value : values) bytes.push_back(static_cast<std::byte>(value));
  return bytes;
}

/// A directory of two entries, the second of which is the orientation.
std::vector<std::byte> tiff(bool little, int orientation) {
  if (little) {
    return bytes_of({'I', 'I', 42, 0,  8, 0, 0, 0, 2, 0, 15, 1,           2, 0, 4, 0, 0, 0, 'x',
                     0,   0,   0,  18, 1, 3, 0, 1, 0, 0, 0,  orientation, 0, 0, 0, 0, 0, 0, 0});
  }
  return bytes_of({'M', 'M', 0, 42, 0,  0, 0, 8, 0, 2, 1, 15, 0,           2, 0, 0, 0, 4, 'x',
                   0,   0,   0, 1,  18, 0, 3, 0, 0, 0, 1, 0,  orientation, 0, 0, 0, 0, 0, 0});
}

}  // namespace

TEST_CASE("the orientation is found in both byte orders, and 1 is taken for what makes no sense") {
  for (const bool little : {true, false}) {
    for (int orientation = 0; orientation < 12; ++orientation) {
      const int expected = orientation >= 1 && orientation <= 8 ? orientation : 1;
      CHECK(detail::tiff_orientation(tiff(little, orientation)) == expected);
    }
    std::vector<std::byte> of_another_type = tiff(little, 6);
    of_another_type[little ? 24 : 25] = std::byte{4};
    CHECK(detail::tiff_orientation(of_another_type) == 1);
  }
}

TEST_CASE("an Exif segment cut short or with any bytes changed is never read beyond its end") {
  // Memory of just the segment's size, so that a sanitizer sees a byte too many.
  const auto orientation_of = [](std::span<const std::byte> part) {
    const std::vector<std::byte> alone(part.begin(), part.end());
    return detail::tiff_orientation(alone);
  };
  std::mt19937 random(5);
  for (const bool little : {true, false}) {
    const std::vector<std::byte> whole = tiff(little, 6);
    for (std::size_t size = 0; size <= whole.size(); ++size) {
      const int found = orientation_of(std::span(whole).first(size));
      CHECK(found == (size >= 34 ? 6 : 1));  // the entry ends there
    }
    for (int trial = 0; trial < 20000; ++trial) {
      std::vector<std::byte> changed = whole;
      for (unsigned change = 0; change <= random() % 4; ++change) {
        changed[random() % changed.size()] = static_cast<std::byte>(random() % 3 == 0 ? 255 : random() % 256);
      }
      const int found = orientation_of(std::span(changed).first(random() % (changed.size() + 1)));
      REQUIRE((found >= 1 && found <= 8));
    }
  }
}
