#pragma once

// The connection to a running server: through its gate to its supervisor. Plain functions
// hide how messages travel.

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <troupe/actors/gate/console_address.hpp>
#include <troupe/messages/forms.hpp>
#include <troupe/messages/requests/actors.hpp>
#include <troupe/messages/requests/keys.hpp>
#include <troupe/messages/requests/loads.hpp>
#include <troupe/messages/requests/explain.hpp>
#include <troupe/messages/requests/metrics.hpp>
#include <troupe/messages/requests/nodes.hpp>
#include <troupe/messages/requests/regions.hpp>
#include <troupe/messages/requests/runtime.hpp>

#include "apps/console/peer/answer.hpp"

namespace troupe::console {

/// Where to find the server, and how long to wait for it.
struct endpoint {
  /// Empty: the socket of this user's only server, looked up at each connect.
  std::optional<console_address> where = std::nullopt;
  /// Limit for the connection, and for each answer.
  std::chrono::milliseconds timeout{2'000};
};

/// The socket of the default server: the only server of this user or, of several, the
/// server on the default port. Errors: `system_error` (there is no server, or there are
/// several, which the text names).
[[nodiscard]] expected<console_address> only_server();

/// Sends requests to the supervisor and the regions of one server. Connects with the
/// first request, and again after the connection was lost; a request in progress then
/// fails with `not_connected` and is not repeated. Not thread-safe.
///
/// Failures of every request: `not_connected`; `failed` with the peer's error,
/// or with `timeout`.
class connection {
public:
  /// Called with the address after each successful connect.
  using connected_function = std::function<void(const std::string& where)>;

  explicit connection(endpoint peer, connected_function connected = {});
  ~connection();

  connection(const connection&) = delete;
  connection& operator=(const connection&) = delete;

  /// Connects, unless it is connected.
  answer<void> open();

  [[nodiscard]] bool is_open() const;

  // -- to the supervisor -------------------------------------------------------

  answer<actor_list> ask(const list_actors_request& what);
  answer<runtime_stat> ask(const runtime_stat_request& what);
  answer<void> ask(const kill_request& what);
  answer<void> ask(const restart_request& what);
  answer<load_list> ask(const list_loads_request& what);
  answer<breaker_list> ask(const list_breakers_request& what);
  answer<node_list> ask(const list_nodes_request& what);
  answer<metric_list> ask(const list_metrics_request& what);
  answer<void> ask(const cancel_load_request& what);

  /// Waits for at most the drain's deadline plus the timeout.
  answer<drain_report> ask(const drain_request& what);

  // -- to any actor; also fails with `unknown_actor` ---------------------------

  /// The kind of an actor (see interface_forms.hpp).
  answer<std::string> kind_of(const std::string& actor);

  /// Makes a message of these words (see `message_form`) and sends it to an actor.
  /// Fails with `wrong_usage` when the words do not fit the message; nothing is sent
  /// then.
  answer<field_value> send(const std::string& actor, const message_form& what,
                           const std::vector<std::string>& words);

  // -- to a region; also fails with `unknown_region` ---------------------------

  answer<void> find(const std::string& region);
  answer<region_info> ask(const region_info_request& what);
  answer<get_reply> ask(const std::string& region, const get_request& what);
  answer<ttl_reply> ask(const std::string& region, const ttl_request& what);
  answer<bool> ask(const std::string& region, const set_request& what);
  answer<bool> ask(const std::string& region, const erase_request& what);
  answer<void> ask(const std::string& region, const clear_request& what);
  answer<void> ask(const std::string& region,
                   const invalidate_tag_request& what);
  answer<explained_key> ask(const std::string& region,
                            const explain_request& what);

private:
  class link;

  std::unique_ptr<link> link_;
};

} // namespace troupe::console
