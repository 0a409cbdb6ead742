#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <troupe/messages/types/clock.hpp>

namespace troupe {

/// Which other actor systems have sent requests. A system is known from the first
/// request of one of its actors until the last of the actors that sent requests has
/// ended; a broken connection ends all of them. Bounded: when the book is full, further
/// actors and nodes are not recorded. Not thread-safe.
class node_book {
public:
  struct limits {
    std::size_t nodes = 1000;
    std::size_t actors = 10'000; ///< Of all nodes together.
  };

  struct row {
    std::string id;
    std::string address;
    time_point since;
    std::uint64_t requests = 0;
    std::size_t actors = 0;
  };

  /// What a request changes in the book.
  struct news {
    bool node = false;
    bool actor = false; ///< To be watched, and reported with `gone`.
  };

  node_book() = default;

  explicit node_book(limits most) : limits_(most) {
    // nop
  }

  /// Records a request of the actor with this number on its node.
  news asked(const std::string& node, std::uint64_t actor, time_point now);

  /// Records the end of an actor. An unknown actor is no error.
  void gone(const std::string& node, std::uint64_t actor);

  /// Records the address of a node. An unknown node is no error.
  void locate(const std::string& node, std::string address);

  /// The nodes, the longest known first, at most `most`.
  [[nodiscard]] std::vector<row> list(std::size_t most) const;

  [[nodiscard]] std::size_t size() const noexcept {
    return nodes_.size();
  }

private:
  struct entry {
    std::string address;
    time_point since;
    std::uint64_t place; ///< In the order of their first requests.
    std::uint64_t requests = 0;
    std::size_t actors = 0;
  };

  limits limits_;
  std::uint64_t next_place_ = 0;
  std::map<std::string, entry> nodes_;
  std::set<std::pair<std::string, std::uint64_t>> actors_;
};

} // namespace troupe
