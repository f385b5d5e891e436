#pragma once

#include <cstdio>
#include <exception>
#include <iostream>
#include <string>

namespace histojet::bench {

/// Answers each line on stdin with one on stdout, until the input ends. @returns the exit status; 1 after an exception,
/// which is told on stderr under `program`'s name.
template <typename Server>
int serve_lines(Server& server, const char* program) {
  try {
    for (std::string line; std::getline(std::cin, line);) {
      std::printf("%s\n", server.answer(line).c_str());
      std::fflush(stdout);
    }
  } catch (const std::exception& failure) {
    std::fprintf(stderr, "%s: %s\n", program, failure.what());
    return 1;
  }
  return 0;
}

}  // namespace histojet::bench
