#pragma once

/// \file
/// Color pictures, looked up by what they look like in gray: the collection that colorization asks.
///
///     const gray_index known(collection::open("holiday_pictures"));
///     const auto find = gray_thumbnail | lookup(known, 20);

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <numeric>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include <lookalike/core/parallel.hpp>
#include <lookalike/core/progress.hpp>
#include <lookalike/core/tensor.hpp>
#include <lookalike/image/photo_source.hpp>
#include <lookalike/retrieve/collection.hpp>
#include <lookalike/retrieve/gray_thumbnail.hpp>
#include <lookalike/retrieve/photo_array.hpp>
#include <lookalike/retrieve/picture_encoder.hpp>
#include <lookalike/retrieve/vector_index.hpp>

namespace lookalike {

/// A handle of gray descriptors in memory and of the color pictures that they belong to: cheap to copy,
/// shared, never changing. All members may be called from many threads at once.
class gray_index {
 public:
  static constexpr std::string_view value_name = "gray_index";
  using query = descriptor;
  using search_options = lookalike::search_options;
  using result = matches;

  /// Describes every picture of `photos` by `encoder`, which is to see lightness only: `gray_thumbnail`,
  /// `on_gray(gist)`, or one of your own. Where 32 x 32 pixels suffice it, no file is read. What cannot be
  /// read is left out. `watcher` hears of "describe in gray".
  ///
  /// Throws `value_error` for a collection without a picture, and when the encoder yields other than it
  /// announced; `interrupted` when `watcher` asks for a stop.
  explicit gray_index(const collection& photos, picture_encoder encoder = gray_thumbnail,
                      const progress& watcher = {})
      : gray_index(photos.source(), ids_of(photos), std::move(encoder), watcher) {}

  /// The same for pictures in memory.
  explicit gray_index(photo_array photos, picture_encoder encoder = gray_thumbnail,
                      const progress& watcher = {})
      : gray_index(std::make_shared<const photo_array>(std::move(photos)), std::move(encoder), watcher) {}

  /// The same for the pictures of any source that have these ids.
  gray_index(std::shared_ptr<const photo_source> photos, std::vector<std::int64_t> ids,
             picture_encoder encoder = gray_thumbnail, const progress& watcher = {})
      : photos_(std::move(photos)), encoder_(std::make_shared<const picture_encoder>(std::move(encoder))) {
    require(photos_ != nullptr && !ids.empty(),
            "gray_index: given a collection without pictures, wanted at least one");
    const auto dimension = static_cast<std::int64_t>(value_count(encoder_->blocks()));
    tensor<float> rows(static_cast<std::int64_t>(ids.size()), dimension);
    std::vector<char> is_described(ids.size());
    constexpr std::int64_t at_once = 256;
    const auto count = static_cast<std::int64_t>(ids.size());
    for (std::int64_t first = 0; first < count; first += at_once) {
      const std::int64_t some = std::min(at_once, count - first);
      parallel_for(some, [&](std::int64_t i) {
        const std::int64_t row = first + i;
        is_described[static_cast<std::size_t>(row)] =
            describe(ids[static_cast<std::size_t>(row)], rows.data() + row * dimension);
      });
      report(watcher, "describe in gray", first + some, count);
    }
    keep_described(rows, ids, is_described);
    ids_ = std::make_shared<const std::vector<std::int64_t>>(ids);
    index_ = std::make_shared<const vector_index>(std::move(rows), std::move(ids));
  }

  /// Number of pictures that can be found.
  std::int64_t size() const { return index_->size(); }
  /// Their ids.
  std::span<const std::int64_t> ids() const { return *ids_; }
  /// What pictures are described by, and queries have to be.
  const picture_encoder& encoder() const { return *encoder_; }
  /// Where the pictures are read.
  const std::shared_ptr<const photo_source>& source() const { return photos_; }

  /// The k nearest by squared Euclidean distance of the descriptors' values, by exact search. Throws
  /// `value_error` for k < 1 and for a descriptor of other blocks than the encoder's.
  matches search(const descriptor& sought, const search_options& options = {}) const {
    require_valid(sought, "search");
    require(comparable(sought.blocks, encoder_->blocks()), "search: given a descriptor of ",
            describe_blocks(sought.blocks), ", wanted ", describe_blocks(encoder_->blocks()),
            ", as the index has");
    matches found = index_->search(feature_vector(sought), options);
    found.source = photos_;
    return found;
  }

  /// Ids, ascending, of the pictures whose gray thumbnails have at least this normalized correlation with
  /// that of `picture`: other copies of it, which make colorization trivially good. (Collections find copies
  /// of colored pictures, see retrieve/near_duplicates.hpp; this one finds those of gray ones.) A search
  /// where the index holds gray thumbnails; otherwise all pictures are squashed, 20 us each. Throws
  /// `value_error` for a correlation outside [-1, 1].
  std::vector<std::int64_t> near_duplicates(const image<3>& picture, float correlation = 0.95f) const;

 private:
  gray_index(std::shared_ptr<const photo_array> photos, picture_encoder encoder, const progress& watcher)
      : gray_index(photos, first_ids(photos->size()), std::move(encoder), watcher) {}

  static std::vector<std::int64_t> ids_of(const collection& photos) {
    std::vector<std::int64_t> ids;
    for (std::int64_t i = 0; i < photos.size(); ++i) ids.push_back(photos.id(i));
    return ids;
  }
  static std::vector<std::int64_t> first_ids(std::int64_t count) {
    std::vector<std::int64_t> ids(static_cast<std::size_t>(count));
    std::iota(ids.begin(), ids.end(), std::int64_t{0});
    return ids;
  }

  /// Whether the picture could be read.
  bool describe(std::int64_t id, float* values) const {
    image<3> picture;
    try {
      picture = to_float(encoder_->sufficient_side() <= thumbnail_side
                             ? photos_->read_squashed(id, thumbnail_side, thumbnail_side)
                             : photos_->read_photo(id));
    } catch (const file_error&) {
      return false;
    }
    const descriptor d = (*encoder_)(picture);
    std::copy(d.values.begin(), d.values.end(), values);
    return true;
  }

  /// Moves the rows that were described together.
  static void keep_described(tensor<float>& rows, std::vector<std::int64_t>& ids,
                             const std::vector<char>& is_described) {
    const auto left = static_cast<std::size_t>(std::count(is_described.begin(), is_described.end(), 1));
    require(left > 0, "gray_index: given ", ids.size(), " pictures none of which can be read");
    if (left == ids.size()) return;
    const std::int64_t dimension = rows.size() / rows.batch();
    tensor<float> kept(static_cast<std::int64_t>(left), dimension);
    std::size_t next = 0;
    for (std::size_t row = 0; row < ids.size(); ++row) {
      if (is_described[row] == 0) continue;
      std::copy_n(rows.data() + static_cast<std::int64_t>(row) * dimension, dimension,
                  kept.data() + static_cast<std::int64_t>(next) * dimension);
      ids[next++] = ids[row];
    }
    ids.resize(left);
    rows = std::move(kept);
  }

  std::shared_ptr<const photo_source> photos_;
  std::shared_ptr<const picture_encoder> encoder_;
  std::shared_ptr<const std::vector<std::int64_t>> ids_;
  std::shared_ptr<const vector_index> index_;
};

inline std::vector<std::int64_t> gray_index::near_duplicates(const image<3>& picture,
                                                             float correlation) const {
  require(correlation >= -1 && correlation <= 1, "near_duplicates: given a correlation of ", correlation,
          ", wanted -1 to 1");
  const descriptor sought = gray_thumbnail(picture);
  const float limit = 2 - 2 * correlation;  // squared distance of vectors of length 1
  std::vector<std::int64_t> found;
  if (comparable(encoder_->blocks(), sought.blocks)) {
    for (std::int64_t k = std::min<std::int64_t>(16, size());; k = std::min(4 * k, size())) {
      const matches nearest = search(sought, {.k = static_cast<int>(k)});
      if (k < size() && nearest.distances.back() <= limit) continue;
      for (std::size_t i = 0; i < nearest.ids.size() && nearest.distances[i] <= limit; ++i)
        found.push_back(nearest.ids[i]);
      break;
    }
  } else {
    const gray_index thumbnails(photos_, *ids_);
    return thumbnails.near_duplicates(picture, correlation);
  }
  std::sort(found.begin(), found.end());
  return found;
}

}  // namespace lookalike
