#pragma once

/// \file
/// hnswlib's graph with the library's own distance, and a file of its own. hnswlib's headers define functions
/// for its vector code that are not inline; without that code they can be included by more than one source.
///
/// The file, in little-endian numbers, is
///
/// | bytes               | what                                                                           |
/// |---------------------|--------------------------------------------------------------------------------|
/// | 96                  | `hnsw_header`                                                                  |
/// | `count` * `stride`  | of each entry: number of links and marks (4), links (8 * `links`), its vector  |
/// |                     | (4 * `dimension`), its id (8)                                                  |
/// | `count` * 4         | of each entry: the layers it is on above the lowest                            |
/// | the rest            | of each entry and such layer: number of links (4), links (4 * `links`)         |
///
/// A link is the number of an entry.

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <memory>
#include <new>
#include <span>
#include <utility>
#include <vector>

#ifndef NO_MANUAL_VECTORIZATION
#define NO_MANUAL_VECTORIZATION
#include <hnswlib/hnswlib.h>
#undef NO_MANUAL_VECTORIZATION
#else
#include <hnswlib/hnswlib.h>
#endif

#include <lookalike/core/error.hpp>
#include <lookalike/core/files.hpp>
#include <lookalike/core/hash.hpp>
#include <lookalike/simd/squared_l2.hpp>

namespace lookalike::detail {

static_assert(std::endian::native == std::endian::little, "a graph's file is little-endian");

struct hnsw_header {
  static constexpr std::uint64_t expected_magic = 0x0048'5041'5247'4b4c;  // "LKGRAPH" and a zero byte
  static constexpr std::uint32_t current_version = 1;

  std::uint64_t magic = expected_magic;
  std::uint32_t version = current_version;
  std::uint32_t links = 0;
  std::uint64_t seed = 0;
  std::uint64_t count = 0;
  std::uint32_t dimension = 0;
  std::uint32_t ef_construction = 0;
  std::uint32_t entry_point = 0;
  std::int32_t top_layer = 0;
  std::uint64_t upper_bytes = 0;  ///< of what follows the layers' numbers
  std::uint64_t entries_hash = 0;
  std::uint64_t layers_hash = 0;
  std::uint64_t upper_hash = 0;
  std::uint64_t reserved = 0;
  std::uint64_t header_hash = 0;  ///< XXH64 of the bytes before; those above are of the file's parts
};
static_assert(sizeof(hnsw_header) == 96);

/// Squared Euclidean distance of float vectors, for hnswlib.
class squared_l2_space : public hnswlib::SpaceInterface<float> {
 public:
  explicit squared_l2_space(std::size_t dimension) : dimension_(dimension) {}
  std::size_t get_data_size() override { return dimension_ * sizeof(float); }
  void* get_dist_func_param() override { return &dimension_; }
  hnswlib::DISTFUNC<float> get_dist_func() override {
    return [](const void* a, const void* b, const void* count) {
      return simd::squared_l2(static_cast<const float*>(a), static_cast<const float*>(b),
                              *static_cast<const std::size_t*>(count));
    };
  }

 private:
  std::size_t dimension_;
};

/// Entries are numbered in the order in which they came, and have ids. Members that are const may be called
/// from many threads at once.
class hnsw_graph {
 public:
  static constexpr std::uint32_t least_links = 2;
  static constexpr std::uint32_t most_links = 10000;  // hnswlib's

  hnsw_graph(std::uint32_t dimension, std::uint32_t links, std::uint32_t ef_construction, std::uint64_t seed,
             std::size_t capacity)
      : seed_(seed),
        space_(dimension),
        graph_(&space_, std::max<std::size_t>(capacity, 1), links, ef_construction, seed) {}

  std::size_t count() const { return graph_.cur_element_count; }
  std::size_t count_erased() const { return graph_.num_deleted_; }
  std::size_t dimension() const { return graph_.data_size_ / sizeof(float); }
  std::size_t links() const { return graph_.M_; }

  std::int64_t id(std::size_t entry) const {
    return static_cast<std::int64_t>(graph_.getExternalLabel(number(entry)));
  }
  const float* values(std::size_t entry) const {
    return reinterpret_cast<const float*>(graph_.getDataByInternalId(number(entry)));
  }
  bool is_erased(std::size_t entry) const { return graph_.isMarkedDeleted(number(entry)); }
  /// Whether the id was ever given.
  bool knows(std::int64_t id) const {
    return graph_.label_lookup_.count(static_cast<hnswlib::labeltype>(id)) != 0;
  }
  std::size_t entry_of(std::int64_t id) const {
    return graph_.label_lookup_.at(static_cast<hnswlib::labeltype>(id));
  }

  /// Makes room for so many entries. Grows by half at least, so that many small additions cost no more than
  /// few large ones.
  void reserve(std::size_t wanted) {
    if (wanted > graph_.max_elements_) graph_.resizeIndex(std::max(wanted, count() + count() / 2));
  }
  /// Into room that was made. May be called from several threads at once; then the graph depends on chance.
  void add(const float* vector, std::int64_t id) {
    graph_.addPoint(vector, static_cast<hnswlib::labeltype>(id));
  }
  void erase(std::int64_t id) { graph_.markDelete(static_cast<hnswlib::labeltype>(id)); }

  /// Calls `visit(entry)` for the `wanted` entries nearest to `sought` that the graph leads to, in no order.
  template <class Visit>
  void search(const float* sought, std::size_t wanted, const Visit& visit) const {
    for (auto found = graph_.searchKnn(sought, wanted); !found.empty(); found.pop())
      visit(entry_of(static_cast<std::int64_t>(found.top().second)));
  }

  void save(const std::filesystem::path& path) const {
    const std::size_t total = count();
    const std::span entries(reinterpret_cast<const std::byte*>(graph_.data_level0_memory_),
                            total * graph_.size_data_per_element_);
    const auto layers =
        std::as_bytes(std::span(graph_.element_levels_.data(), total));  // of more than there are entries
    std::vector<std::byte> upper;
    for (std::size_t entry = 0; entry < total; ++entry) {
      const auto* const from = reinterpret_cast<const std::byte*>(graph_.linkLists_[entry]);
      const std::size_t bytes = upper_bytes(graph_.element_levels_[entry]);
      if (bytes > 0) upper.insert(upper.end(), from, from + bytes);
    }
    hnsw_header header;
    header.links = static_cast<std::uint32_t>(graph_.M_);
    header.seed = seed_;
    header.count = total;
    header.dimension = static_cast<std::uint32_t>(dimension());
    header.ef_construction = static_cast<std::uint32_t>(graph_.ef_construction_);
    header.entry_point = graph_.enterpoint_node_;
    header.top_layer = graph_.maxlevel_;
    header.upper_bytes = upper.size();
    header.entries_hash = hash64(entries);
    header.layers_hash = hash64(layers);
    header.upper_hash = hash64(upper);
    header.header_hash = hash_of(header);
    atomic_file file(path);
    file.write(std::as_bytes(std::span(&header, 1)));
    file.write(entries);
    file.write(layers);
    file.write(upper);
    file.commit();
  }

  /// Throws `file_error` for a file that cannot be read, is no such file, of a later version, or not whole.
  static std::unique_ptr<hnsw_graph> load(const std::filesystem::path& path) {
    const std::vector<std::byte> bytes = read_file(path);
    const auto require_whole = [&](bool holds, const char* what) {
      require<file_error>(holds, "cannot read '", path.string(), "': ", what);
    };
    hnsw_header header;
    require_whole(bytes.size() >= sizeof header.magic, "it is not a saved approximate index");
    std::memcpy(&header, bytes.data(), std::min(bytes.size(), sizeof header));
    require_whole(header.magic == hnsw_header::expected_magic, "it is not a saved approximate index");
    require_whole(bytes.size() >= sizeof header, "it is cut short");
    require<file_error>(header.version == hnsw_header::current_version, "cannot read '", path.string(),
                        "': it is of version ", header.version, ", wanted ", hnsw_header::current_version);
    require_whole(header.header_hash == hash_of(header), "its header is damaged");
    require_whole(header.links >= least_links && header.links <= most_links && header.dimension >= 1,
                  "its header is damaged");
    const std::uint64_t stride = 12 + 8 * std::uint64_t{header.links} + 4 * std::uint64_t{header.dimension};
    const std::uint64_t available = bytes.size() - sizeof header;
    require_whole(header.count >= 1 && header.count <= available / stride, "it is cut short");
    const std::uint64_t entries_bytes = header.count * stride;
    const std::uint64_t layers_bytes = header.count * 4;
    require_whole(available >= entries_bytes + layers_bytes + header.upper_bytes, "it is cut short");
    require_whole(available == entries_bytes + layers_bytes + header.upper_bytes,
                  "more follows than belongs to it");
    const std::span all(bytes);
    const auto entries = all.subspan(sizeof header, entries_bytes);
    const auto layers = all.subspan(sizeof header + entries_bytes, layers_bytes);
    const auto upper = all.last(header.upper_bytes);
    require_whole(hash64(entries) == header.entries_hash && hash64(layers) == header.layers_hash &&
                      hash64(upper) == header.upper_hash,
                  "it is damaged");

    auto loaded = std::make_unique<hnsw_graph>(header.dimension, header.links, header.ef_construction,
                                               header.seed, header.count);
    require_whole(loaded->take_over(header, entries, layers, upper), "its links lead nowhere");
    return loaded;
  }

 private:
  static hnswlib::tableint number(std::size_t entry) { return static_cast<hnswlib::tableint>(entry); }
  static std::uint64_t hash_of(const hnsw_header& header) {
    return hash64(std::as_bytes(std::span(&header, 1)).first(offsetof(hnsw_header, header_hash)));
  }
  std::size_t upper_bytes(int layers) const {
    return static_cast<std::size_t>(layers) * graph_.size_links_per_element_;
  }

  /// Returns whether all links lead to entries of the layer. What has been taken over when they do not can
  /// be destroyed, no more.
  bool take_over(const hnsw_header& header, std::span<const std::byte> entries,
                 std::span<const std::byte> layers, std::span<const std::byte> upper) {
    const std::size_t total = header.count;
    std::memcpy(graph_.data_level0_memory_, entries.data(), entries.size());
    std::memcpy(graph_.element_levels_.data(), layers.data(), layers.size());
    std::size_t at = 0;
    for (std::size_t entry = 0; entry < total; ++entry) {
      int& level = graph_.element_levels_[entry];
      const bool fits = level >= 0 && level <= header.top_layer && upper.size() - at >= upper_bytes(level);
      if (!fits) level = 0;
      graph_.cur_element_count = entry + 1;  // what the destructor looks at
      if (!fits) return false;
      if (level > 0) {
        graph_.linkLists_[entry] = static_cast<char*>(std::malloc(upper_bytes(level)));
        if (graph_.linkLists_[entry] == nullptr) {
          level = 0;
          throw std::bad_alloc();
        }
        std::memcpy(graph_.linkLists_[entry], upper.data() + at, upper_bytes(level));
        at += upper_bytes(level);
      }
      if (id(entry) < 0 || knows(id(entry))) return false;
      graph_.label_lookup_[graph_.getExternalLabel(number(entry))] = number(entry);
      graph_.num_deleted_ += is_erased(entry) ? 1 : 0;
      (void)graph_.getRandomLevel(graph_.mult_);  // as many draws as there were, for those to come
    }
    if (at != upper.size() || header.entry_point >= total ||
        graph_.element_levels_[header.entry_point] != header.top_layer) {
      return false;
    }
    graph_.enterpoint_node_ = header.entry_point;
    graph_.maxlevel_ = header.top_layer;
    for (std::size_t entry = 0; entry < total; ++entry) {
      for (int level = 0; level <= graph_.element_levels_[entry]; ++level) {
        auto* const list = graph_.get_linklist_at_level(number(entry), level);
        const std::size_t size = graph_.getListCount(list);
        if (size > (level == 0 ? graph_.maxM0_ : graph_.maxM_)) return false;
        for (std::size_t i = 1; i <= size; ++i) {
          if (list[i] >= total || graph_.element_levels_[list[i]] < level) return false;
        }
      }
    }
    return true;
  }

  std::uint64_t seed_;
  squared_l2_space space_;
  hnswlib::HierarchicalNSW<float> graph_;
};

}  // namespace lookalike::detail
