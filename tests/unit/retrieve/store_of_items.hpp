#pragma once

/// \file
/// Collections of made-up items, for the tests of the store: everything about an item follows from its id and
/// its label.

#include <cstdint>
#include <cstring>
#include <filesystem>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <vector>

#include <lookalike/core/random.hpp>
#include <lookalike/retrieve/collection.hpp>

namespace test {

using lookalike::collection;
using lookalike::collection_items;

constexpr std::int64_t code_length = 7;

/// Any number that follows from the others.
inline std::uint64_t mixed(std::int64_t id, std::int64_t label, std::int64_t what) {
  const std::int64_t all[3] = {id, label, what};
  return lookalike::hash64(std::as_bytes(std::span(all)));
}

/// Memory that `collection_items` points into.
struct made_up_items {
  std::vector<float> codes;
  std::vector<std::uint8_t> bytes, thumbnails;
  collection_items items;

  made_up_items(const std::vector<std::int64_t>& ids, const std::vector<std::int32_t>& labels) {
    for (std::size_t i = 0; i < ids.size(); ++i) {
      for (std::int64_t d = 0; d < code_length; ++d) codes.push_back(code(ids[i], labels[i], d));
      bytes.push_back(static_cast<std::uint8_t>(mixed(ids[i], labels[i], 100)));
      for (std::size_t p = 0; p < lookalike::thumbnail_size; ++p)
        thumbnails.push_back(pixel(ids[i], labels[i], p));
    }
    items.ids = ids;
    items.labels = labels;
    items.columns = {{"code", {codes, code_length, "made up"}}, {"byte", {bytes, 1}}};
    items.thumbnails = thumbnails.data();
  }

  static float code(std::int64_t id, std::int64_t label, std::int64_t at) {
    return static_cast<float>(mixed(id, label, at) % 1000) / 8.0f;
  }
  static std::uint8_t pixel(std::int64_t id, std::int64_t label, std::size_t at) {
    return static_cast<std::uint8_t>(id * 7 + label * 3 + static_cast<std::int64_t>(at));
  }
};

/// Ids and labels, the whole truth about a collection of made-up items.
using truth = std::map<std::int64_t, std::int32_t>;

inline truth truth_of(const collection& store) {
  truth result;
  for (std::int64_t i = 0; i < store.size(); ++i) result[store.id(i)] = store.label(store.id(i));
  return result;
}

/// Whether every item is what its id and label say.
inline bool is_true(const collection& store) {
  if (store.empty()) return true;
  const auto codes = store.column("code");
  const auto bytes = store.column("byte");
  std::int64_t live = 0;
  for (std::int64_t row = 0; row < codes.rows(); ++row) {
    if (!codes.is_live(row)) continue;
    ++live;
    const std::int64_t id = codes.ids()[static_cast<std::size_t>(row)];
    const std::int32_t label = store.label(id);
    for (std::int64_t d = 0; d < code_length; ++d) {
      if (codes.row<float>(row)[static_cast<std::size_t>(d)] != made_up_items::code(id, label, d))
        return false;
    }
    if (bytes.row<std::uint8_t>(row)[0] != static_cast<std::uint8_t>(mixed(id, label, 100))) return false;
    const auto thumbnail = store.thumbnail(id);
    for (std::size_t p = 0; p < lookalike::thumbnail_size; ++p) {
      if (thumbnail.values()[p] != made_up_items::pixel(id, label, p)) return false;
    }
  }
  return live == store.size();
}

inline collection add_made_up(const collection& store, const std::vector<std::int64_t>& ids,
                              std::int32_t label) {
  return store.add(made_up_items(ids, std::vector<std::int32_t>(ids.size(), label)).items);
}

/// Step n of a life of adding, replacing, removing and compacting, the same for the same n and truth.
inline void live_a_step(std::int64_t n, truth& known, const std::function<collection()>& open, bool on_disk) {
  const auto pick = [&](std::size_t count) {
    std::vector<std::int64_t> ids;
    for (const auto& [id, label] : known) {
      if (ids.size() < count && mixed(id, n, 1) % 3 == 0) ids.push_back(id);
    }
    return ids;
  };
  const auto label = static_cast<std::int32_t>(n);
  switch (n % 5) {
    case 1: {
      const std::vector<std::int64_t> ids = pick(8);
      if (on_disk && !ids.empty()) open().replace(made_up_items(ids, std::vector(ids.size(), label)).items);
      for (const std::int64_t id : ids) known[id] = label;
      break;
    }
    case 3: {
      const std::vector<std::int64_t> ids = pick(20);
      if (on_disk) open().remove(ids);
      for (const std::int64_t id : ids) known.erase(id);
      break;
    }
    case 4:
      if (on_disk && n % 10 == 4) open().compact();
      break;
    default: {
      std::vector<std::int64_t> ids;
      for (std::int64_t i = 0; i < 24; ++i) ids.push_back(n * 100 + (i * 11) % 24);
      if (on_disk) add_made_up(open(), ids, label);
      for (const std::int64_t id : ids) known[id] = label;
    }
  }
}

}  // namespace test
