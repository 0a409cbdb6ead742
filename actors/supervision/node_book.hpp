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

/// Which other actor systems have asked something: each is known from the first
/// request of one of its actors until the last of those that asked has ended,
/// which a broken connection does to all of them. Bounded: what comes when the
/// book is full is not written down. Not thread-safe.
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

  /// What is new about a request.
  struct news {
    bool node = false;
    bool actor = false; ///< To be watched, and reported with `gone`.
  };

  node_book() = default;

  explicit node_book(limits most) : limits_(most) {
    // nop
  }

  /// An actor, which has this number on its node, has asked something.
  news asked(const std::string& node, std::uint64_t actor, time_point now);

  /// An actor has ended. No error when nobody knows it.
  void gone(const std::string& node, std::uint64_t actor);

  /// Where the node is. No error when nobody knows it.
  void locate(const std::string& node, std::string address);

  /// Those known longest first, at most `most`.
  [[nodiscard]] std::vector<row> list(std::size_t most) const;

  [[nodiscard]] std::size_t size() const noexcept {
    return nodes_.size();
  }

private:
  struct entry {
    std::string address;
    time_point since;
    std::uint64_t place; ///< In the order in which nodes came.
    std::uint64_t requests = 0;
    std::size_t actors = 0;
  };

  limits limits_;
  std::uint64_t next_place_ = 0;
  std::map<std::string, entry> nodes_;
  std::set<std::pair<std::string, std::uint64_t>> actors_;
};

} // namespace troupe
