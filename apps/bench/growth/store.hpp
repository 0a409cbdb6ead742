#pragma once

// A table that is watched while it grows.

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::bench {

class growing_store {
public:
  virtual ~growing_store() = default;

  virtual void insert(std::string_view key, std::string_view value) = 0;

  [[nodiscard]] virtual std::uint64_t size() const = 0;
};

struct growing_store_entry {
  std::string name; ///< A word for JSON.
  std::string what;
  std::function<std::unique_ptr<growing_store>()> make;
  bool ours = false;
  bool keeps = true; ///< False for the loop that stores nothing.
};

// What each source file has to offer.
void add_growth_floors(std::vector<growing_store_entry>& list);
void add_regions(std::vector<growing_store_entry>& list);
void add_growing_peers(std::vector<growing_store_entry>& list);

} // namespace troupe::bench
