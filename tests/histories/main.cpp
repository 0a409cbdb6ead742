#include <cstdio>
#include <string>

#include "histories/options.hpp"
#include "histories/rounds.hpp"

int main(int argc, char** argv) {
  std::string problem;
  auto how = histories::parse(argc, argv, problem);
  if (!how) {
    std::fprintf(stderr, "troupe-history-check: %s\n", problem.c_str());
    return 2;
  }
  if (how->help) {
    std::fputs(histories::help_text().c_str(), stdout);
    return 0;
  }
  return histories::run(*how);
}
