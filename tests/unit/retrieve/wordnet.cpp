#include <filesystem>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include <lookalike/retrieve/wordnet.hpp>

#include "scratch.hpp"

namespace {

using namespace lookalike;
using test::write;

const std::string data_noun =
    "  1 This software and database is being provided to you, the LICENSEE  \n"
    "00000010 03 n 01 entity 0 001 ~ 00000020 n 0000 | that which is  \n"
    "00000020 03 n 02 Animal 0 beast 0 002 @ 00000010 n 0000 ~ 00000030 n 0000 | a living thing | with a bar "
    " \n"
    "00000030 05 n 01 dog 0 002 @ 00000020 n 0000 @ 00000010 n 0000 | barks  \n"
    "00000040 18 n 01 Laika 0 001 @i 00000030 n 0000 | was in space  \n"
    "00000050 18 n 01 dog 1 001 @ 00000010 n 0000 | a disagreeable person  \n";
const std::string index_noun =
    "  1 This software and database is being provided to you, the LICENSEE  \n"
    "animal n 1 2 @ ~ 1 1 00000020  \n"
    "beast n 1 1 @ 1 0 00000020  \n"
    "dog n 2 1 @ 2 1 00000030 00000050  \n"
    "entity n 1 1 ~ 1 1 00000010  \n"
    "laika n 1 1 @i 1 0 00000040  \n";

std::vector<std::string> path_of(const wordnet_nouns& nouns, int node) {
  std::vector<std::string> path;
  for (const int at : nouns.tree().path_to_root(node)) path.push_back(nouns.tree().name(at));
  return path;
}

}  // namespace

TEST_CASE("a small database of WordNet's format becomes a tree") {
  const test::scratch_folder folder;
  write(folder.path / "data.noun", data_noun);
  write(folder.path / "index.noun", index_noun);
  const wordnet_nouns nouns = read_wordnet_nouns(folder.path);
  CHECK(nouns.tree().size() == 5);
  CHECK(path_of(nouns, nouns.node("Laika")) ==
        std::vector<std::string>{"laika.n.01", "dog.n.01", "animal.n.01", "entity.n.01"});
  CHECK(nouns.node("beast") == nouns.node("animal"));
  CHECK(nouns.tree().name(nouns.node("dog", 2)) == "dog.n.02");
  CHECK(nouns.senses("dog").size() == 2);
  CHECK(nouns.senses("unicorn").empty());
  CHECK_THROWS_WITH(nouns.node("dog", 3), "wordnet: given sense 3 of the noun 'dog', which has 2");
  CHECK_THROWS_AS(nouns.node("unicorn"), value_error);
}

TEST_CASE("files that are not WordNet's are errors") {
  const test::scratch_folder folder;
  CHECK_THROWS_AS(read_wordnet_nouns(folder.path), file_error);
  const auto read = [&](const std::string& data, const std::string& index) {
    write(folder.path / "data.noun", data);
    write(folder.path / "index.noun", index);
    return read_wordnet_nouns(folder.path);
  };
  CHECK_THROWS_AS(read("", index_noun), file_error);
  CHECK_THROWS_AS(read("hello world\n", index_noun), file_error);
  CHECK_THROWS_AS(read(data_noun, ""), file_error);
  CHECK_THROWS_AS(read(data_noun, index_noun.substr(0, index_noun.find("laika"))), file_error);
  CHECK_THROWS_AS(read(data_noun, index_noun + "cat n 1 0 1 0 00000099\n"), file_error);
  CHECK_THROWS_AS(read(data_noun + "00000060 05 n 01 cat 0 001 @ 00000099 n 0000 | purrs\n",
                       index_noun + "cat n 1 0 1 0 00000060\n"),
                  file_error);
  CHECK_THROWS_AS(read(data_noun + data_noun, index_noun), file_error);
  for (std::size_t length = 80; length < data_noun.size(); length += 7) {
    // Truncated anywhere: an error, or, where whole synsets without others below are gone, a smaller tree.
    int size = 0;
    try {
      size = read(data_noun.substr(0, length), index_noun).tree().size();
    } catch (const file_error&) {
    }
    CHECK(size <= 5);
  }
}

TEST_CASE("the nouns of CIFAR-10 under WordNet: animals and artifacts") {
  if (!std::filesystem::exists("/usr/share/wordnet/data.noun")) {
    WARN("skipped: there is no /usr/share/wordnet/data.noun (Debian's package wordnet-base)");
    return;
  }
  const wordnet_nouns nouns = read_wordnet_nouns();
  CHECK(nouns.tree().size() == 82115);  // wnstats(7WN): noun synsets of WordNet 3.0
  CHECK(nouns.tree().name(nouns.tree().root()) == "entity.n.01");
  CHECK(path_of(nouns, nouns.node("dog")) ==
        std::vector<std::string>{"dog.n.01", "canine.n.02", "carnivore.n.01", "placental.n.01", "mammal.n.01",
                                 "vertebrate.n.01", "chordate.n.01", "animal.n.01", "organism.n.01",
                                 "living_thing.n.01", "whole.n.02", "object.n.01", "physical_entity.n.01",
                                 "entity.n.01"});
  CHECK(nouns.node("automobile") == nouns.tree().node("car.n.01"));
  const int animal = nouns.node("animal"), vehicle = nouns.node("vehicle");
  for (const auto* word : {"bird", "cat", "deer", "dog", "frog", "horse"})
    CHECK(nouns.tree().is_within(nouns.node(word), animal));
  for (const auto* word : {"airplane", "automobile", "ship", "truck"})
    CHECK(nouns.tree().is_within(nouns.node(word), vehicle));
}
