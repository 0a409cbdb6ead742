#pragma once

// Requests to the supervisor about other actor systems.

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include <troupe/messages/fields.hpp>

namespace troupe {

struct list_nodes_request {
  /// At most this many rows, the longest known first.
  std::uint64_t limit = 1000;
};

fields<&list_nodes_request::limit> fields_of(const list_nodes_request&);

/// Another actor system that sent a request.
struct node_info {
  std::string id;      ///< As CAF writes it: a hash, "#", a process number.
  std::string address; ///< "127.0.0.1:41234"; empty while it is not known.
  std::chrono::milliseconds known_for{0}; ///< Since its first request.
  std::uint64_t requests = 0;
  std::uint64_t actors = 0; ///< Its actors that sent requests and still live.
};

fields<&node_info::id, &node_info::address, &node_info::known_for,
       &node_info::requests, &node_info::actors>
fields_of(const node_info&);

struct node_list {
  std::string self; ///< Id of the system that answers.
  std::vector<node_info> nodes;
  std::uint64_t total = 0; ///< Number of all nodes.
};

fields<&node_list::self, &node_list::nodes, &node_list::total>
fields_of(const node_list&);

} // namespace troupe
