#pragma once

/// \file
/// The nouns of WordNet (G. Miller: WordNet, a lexical database for English, Communications of the ACM
/// 38(11), 1995) as a tree, from its database files (wndb(5WN): data.noun and index.noun). Debian's package
/// wordnet-base puts them into /usr/share/wordnet.

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <iomanip>
#include <string>
#include <string_view>
#include <system_error>
#include <unordered_map>
#include <utility>
#include <vector>

#include <lookalike/core/error.hpp>
#include <lookalike/core/memory_map.hpp>
#include <lookalike/retrieve/word_tree.hpp>

namespace lookalike {

/// All synsets, each below its first hypernym (some have several; the tree follows the first). A synset is
/// named after its first word and the number of that word's sense: "dog.n.01", below it "puppy.n.01".
class wordnet_nouns {
 public:
  wordnet_nouns(word_tree tree, std::unordered_map<std::string, std::vector<int>> senses)
      : tree_(std::move(tree)), senses_(std::move(senses)) {}

  const word_tree& tree() const { return tree_; }

  /// The nodes of a word, the most frequent sense first; none for an unknown word. Case does not matter, and
  /// spaces are written as '_'.
  std::vector<int> senses(std::string_view word) const {
    const auto found = senses_.find(lower(word));
    return found == senses_.end() ? std::vector<int>{} : found->second;
  }
  /// One of them, counted from 1. Throws `value_error` if there is none.
  int node(std::string_view word, int sense = 1) const {
    const std::vector<int> known = senses(word);
    require(sense >= 1 && sense <= std::ssize(known), "wordnet: given sense ", sense, " of the noun '", word,
            "', which has ", known.size());
    return known[static_cast<std::size_t>(sense - 1)];
  }

  static std::string lower(std::string_view word) {
    std::string result(word);
    for (char& letter : result)
      if (letter >= 'A' && letter <= 'Z') letter = static_cast<char>(letter - 'A' + 'a');
    return result;
  }

 private:
  word_tree tree_;
  std::unordered_map<std::string, std::vector<int>> senses_;
};

namespace detail {

/// Words of a line of WordNet's files, one after another. Throws `file_error`, naming file and line.
class wordnet_line {
 public:
  wordnet_line(std::string_view line, const std::filesystem::path& path, std::int64_t number)
      : rest_(line), path_(path), number_(number) {}

  std::string_view word() {
    const std::size_t begin = rest_.find_first_not_of(' ');
    if (begin == std::string_view::npos) fail("ends early");
    rest_.remove_prefix(begin);
    const std::string_view found = rest_.substr(0, rest_.find(' '));
    rest_.remove_prefix(found.size());
    return found;
  }
  std::int64_t number(int base = 10) {
    const std::string_view digits = word();
    std::int64_t value = 0;
    const auto [end, problem] = std::from_chars(digits.data(), digits.data() + digits.size(), value, base);
    if (problem != std::errc{} || end != digits.data() + digits.size() || value < 0) {
      fail(sentence("has '", digits, "' in place of a number"));
    }
    return value;
  }
  [[noreturn]] void fail(const std::string& why) const {
    throw file_error(sentence("cannot read '", path_.string(), "': line ", number_, " ", why,
                              ", wanted WordNet's database format"));
  }

 private:
  std::string_view rest_;
  const std::filesystem::path& path_;
  std::int64_t number_;
};

/// Calls `visit(line)` for all lines but the license, which is indented.
template <class Visit>
void for_each_wordnet_line(const std::filesystem::path& path, const Visit& visit) {
  std::error_code failure;
  const auto size = std::filesystem::file_size(path, failure);
  require<file_error>(!failure, "cannot read '", path.string(), "': ", failure.message(),
                      " (Debian's package wordnet-base has it)");
  require<file_error>(size > 0, "cannot read '", path.string(), "': it is empty");
  const memory_map map(path, size);
  const std::span<const char> bytes = map.as<char>();
  std::string_view text(bytes.data(), bytes.size());
  for (std::int64_t number = 1; !text.empty(); ++number) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    if (line.empty() || line.front() == ' ') continue;
    wordnet_line words(line, path, number);
    visit(words);
  }
}

}  // namespace detail

/// Reads `folder`/data.noun and `folder`/index.noun: WordNet 3.0 has 82,115 synsets. Throws `file_error`
/// when a file is missing, damaged, or of another format.
inline wordnet_nouns read_wordnet_nouns(const std::filesystem::path& folder = "/usr/share/wordnet") {
  struct synset {
    std::int64_t place = 0;
    std::int64_t hypernym = -1;
    std::string first_word;
    int sense = 0;
    std::string name;
  };
  std::vector<synset> synsets;
  std::unordered_map<std::int64_t, std::size_t> at_place;
  const std::filesystem::path data = folder / "data.noun", index = folder / "index.noun";
  detail::for_each_wordnet_line(data, [&](detail::wordnet_line& line) {
    synset found;
    found.place = line.number();
    line.word();  // the lexicographer's file
    if (line.word() != "n") line.fail("is not about a noun");
    const std::int64_t words = line.number(16);
    for (std::int64_t i = 0; i < words; ++i) {
      const std::string_view word = line.word();
      line.word();
      if (i == 0) found.first_word = wordnet_nouns::lower(word);
    }
    const std::int64_t pointers = line.number();
    for (std::int64_t i = 0; i < pointers; ++i) {
      const std::string_view kind = line.word();
      const std::int64_t to = line.number();
      line.word();
      line.word();
      if (found.hypernym < 0 && (kind == "@" || kind == "@i")) found.hypernym = to;
    }
    if (!at_place.emplace(found.place, synsets.size()).second) line.fail("repeats a synset");
    synsets.push_back(std::move(found));
  });

  std::unordered_map<std::string, std::vector<int>> senses;
  std::vector<std::pair<std::string, std::vector<std::size_t>>> words;
  detail::for_each_wordnet_line(index, [&](detail::wordnet_line& line) {
    const std::string word(line.word());
    if (line.word() != "n") line.fail("is not about a noun");
    const std::int64_t count = line.number();
    for (std::int64_t pointers = line.number(); pointers > 0; --pointers) line.word();
    line.word();
    line.word();
    std::vector<std::size_t> places;
    for (std::int64_t i = 0; i < count; ++i) {
      const auto found = at_place.find(line.number());
      if (found == at_place.end()) line.fail("points to no synset of data.noun");
      places.push_back(found->second);
      if (synset& one = synsets[found->second]; one.first_word == word) one.sense = static_cast<int>(i + 1);
    }
    words.emplace_back(word, std::move(places));
  });

  for (synset& one : synsets) {
    require<file_error>(one.sense > 0, "cannot read '", index.string(), "': it lacks '", one.first_word,
                        "', which data.noun has");
    one.name = sentence(one.first_word, ".n.", std::setfill('0'), std::setw(2), one.sense);
  }
  std::vector<std::pair<std::string, std::string>> pairs;
  for (const synset& one : synsets) {
    if (one.hypernym < 0) continue;
    const auto above = at_place.find(one.hypernym);
    require<file_error>(above != at_place.end(), "cannot read '", data.string(), "': the hypernym of '",
                        one.name, "' is not in it");
    pairs.emplace_back(one.name, synsets[above->second].name);
  }
  try {
    word_tree tree(pairs);
    for (auto& [word, places] : words) {
      std::vector<int>& nodes = senses[word];
      for (const std::size_t place : places) nodes.push_back(tree.node(synsets[place].name));
    }
    return {std::move(tree), std::move(senses)};
  } catch (const value_error& wrong) {
    throw file_error(sentence("cannot read '", data.string(), "': ", wrong.what()));
  }
}

}  // namespace lookalike
