#pragma once

#include <cstdlib>
#include <filesystem>
#include <string>
#include <system_error>

#include "catch.hpp"

/// An empty folder of this user's own, removed with all that is in it.
struct scratch_folder {
  scratch_folder() {
    std::string name = "/tmp/troupe-test-XXXXXX";
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    path = name;
  }

  ~scratch_folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path, ignored);
  }

  scratch_folder(const scratch_folder&) = delete;
  scratch_folder& operator=(const scratch_folder&) = delete;

  std::string path;
};
