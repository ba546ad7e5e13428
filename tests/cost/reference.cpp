/// \file
/// The yardstick of the compile-time budgets: a translation unit that depends on nothing but the standard
/// library and costs seconds. Budgets are multiples of it, so that they hold on slow and on busy machines. It
/// never changes.

#include <iostream>
#include <map>
#include <regex>
#include <string>

int main() {
  const std::regex word("([[:alpha:]]+)-([0-9]{1,4})", std::regex::extended);
  std::map<std::string, int> numbers;
  for (std::string line; std::getline(std::cin, line);) {
    for (auto match = std::sregex_iterator(line.begin(), line.end(), word); match != std::sregex_iterator();
         ++match) {
      numbers[(*match)[1].str()] += std::stoi((*match)[2].str());
    }
  }
  for (const auto& [name, number] : numbers) std::cout << name << " " << number << "\n";
}
